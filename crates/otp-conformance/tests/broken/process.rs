//! What only a process of its own can show: a test for each flaw, since the kit starts the test again.

use otp_conformance::{Case, CaseReport, Kit, Verdict, this_test};

use crate::engine;
use crate::proof::{Broken, Flavour, Over};

/// A table of flaws, and a test for each.
macro_rules! flaws {
    ($($test:ident: $what:literal, $case:ident, $over:ident, $flavour:ident;)*) => {
        pub const FLAWS: &[Broken] = &[$(Broken {
            what: $what,
            case: Case::$case,
            on: &[(Over::$over, Flavour::$flavour)],
        },)*];

        $(
            #[test]
            fn $test() {
                let kit = Over::$over.kit().in_test(this_test!()).only([Case::$case]);
                let report = engine(&kit, Flavour::$flavour, $what);
                let has_no_names = report.cases().iter().any(is_without_names);
                assert!(has_no_names || report.failed() == [Case::$case], "{report}");
            }
        )*
    };
}

flaws! {
    a_proxy_for_https_is_seen:
        "HTTPS_PROXY is obeyed", TheEnvironmentChangesNothing, Tls, Async;
    a_proxy_for_http_is_seen:
        "http_proxy is obeyed", TheEnvironmentChangesNothing, Clear, Local;
    a_proxy_for_other_hosts_is_seen:
        "ALL_PROXY is obeyed, but not for this machine", TheEnvironmentChangesNothing, Tls, Blocking;
    a_file_of_roots_is_seen:
        "SSL_CERT_FILE is trusted too", TheEnvironmentChangesNothing, Tls, Async;
    a_folder_of_roots_is_seen:
        "SSL_CERT_DIR is trusted too", TheEnvironmentChangesNothing, Tls, Blocking;
    other_roots_are_seen:
        "CARGO_HTTP_CAINFO takes the place of the roots", TheEnvironmentChangesNothing, Tls, Local;
    a_name_without_a_limit_is_seen:
        "a name is resolved without a limit", WhileResolving, Tls, Async;
    a_limit_that_begins_after_the_name_is_seen:
        "the limit begins when the name is known", WhileResolving, Clear, Local;
    a_name_that_blocks_is_seen:
        "a name is resolved by a call that blocks", WhileResolving, Tls, Async;
    a_send_that_goes_on_after_the_name_is_seen:
        "a send goes on when a name was found too late", WhileResolving, Clear, Blocking;
    written_keys_are_seen:
        "the keys of TLS are written to SSLKEYLOGFILE", TheEnvironmentChangesNothing, Tls, Async;
    a_printed_url_is_seen:
        "URLs are printed", NothingIsPrinted, Tls, Async;
    a_printed_request_is_seen:
        "requests are printed to standard error", NothingIsPrinted, Clear, Local;
    a_printed_answer_is_seen:
        "answers are printed as numbers", NothingIsPrinted, Tls, Blocking;
    a_printed_panic_is_seen:
        "a panic in a thread has the URL", NothingIsPrinted, Tls, Async;
}

const ALL: [Case; 3] =
    [Case::TheEnvironmentChangesNothing, Case::NothingIsPrinted, Case::WhileResolving];

/// Whether this is the case that needs namespaces, and they are not allowed here.
fn is_without_names(report: &CaseReport) -> bool {
    report.case == Case::WhileResolving && matches!(report.verdict, Verdict::NotApplicable { .. })
}

/// Whether all have passed, and not only been left out.
fn all_passed(report: &otp_conformance::Report) -> bool {
    let passed = |case: &CaseReport| case.verdict == Verdict::Passed || is_without_names(case);
    report.cases().len() == 3 && report.cases().iter().all(passed)
}

/// Also where a test runs the kit more than once: each run finds its own child.
#[test]
fn a_transport_without_a_flaw_passes_in_every_run_of_a_test() {
    for (over, flavour) in [
        (Over::Tls, Flavour::Async),
        (Over::Tls, Flavour::Async),
        (Over::Clear, Flavour::Local),
        (Over::Tls, Flavour::Blocking),
    ] {
        let kit = over.kit().in_test(this_test!()).only(ALL);
        let report = engine(&kit, flavour, "");
        // In the child, runs that are not meant show nothing.
        assert!(all_passed(&report) || report.cases().is_empty(), "{report}");
    }
}

#[test]
fn without_a_name_they_do_not_apply() {
    let mut cases = ALL.to_vec();
    cases.push(Case::SleepWaits);
    let report = engine(&Kit::new().only(cases), Flavour::Async, "");
    assert!(report.conforms(), "{report}");
    assert!(report.to_string().contains("see `Kit::in_test`"), "{report}");
}

#[test]
fn a_name_that_is_no_tests_is_told() {
    let kit = Kit::new().in_test("no_such_test").only([Case::NothingIsPrinted]);
    let report = engine(&kit, Flavour::Async, "");
    assert_eq!(report.failed(), [Case::NothingIsPrinted], "{report}");
    let text = report.to_string();
    assert!(text.contains("the test `no_such_test`, started again with"), "{text}");
}
