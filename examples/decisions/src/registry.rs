//! Every example that calls the service.

/// An example, and what is done about it.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The file, from the root of the repository.
    pub file: &'static str,
    /// Words that only this code block of the file has; [`FILE`] if the example is the file itself.
    pub marker: &'static str,
    /// What is done about it.
    pub check: Check,
}

/// The marker of an example that is a whole file.
pub const FILE: &str = "";

/// What is done about an example.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// Its items are run under every fault, as the module of this name.
    Driven(&'static str),
    /// These items of it are, as the module of this name. The rest needs what the tests do not have.
    DrivenItems(&'static str, &'static [&'static str]),
    /// It makes a call and returns its result, or `?` returns its error. It does nothing else with the outcome.
    PassesOn,
    /// The same; or it asserts the outcome, and returns nothing.
    ShowsADouble,
}

/// A part of an example that calls the service, that no test runs, and that does more than its check allows. A
/// person read it and found it harmless.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    /// The file, from the root of the repository.
    pub file: &'static str,
    /// The name of the function, or what the scanner calls it.
    pub part: &'static str,
    /// It changes when the part changes: then read it again. The failing test prints the new one.
    pub fingerprint: u64,
    /// Why it is harmless.
    pub why: &'static str,
}

use Check::{Driven, DrivenItems, PassesOn, ShowsADouble};

const fn example(file: &'static str, marker: &'static str, check: Check) -> Example {
    Example { file, marker, check }
}

/// All of them.
pub const EXAMPLES: &[Example] = &[
    example("README.md", "async fn send_code(", Driven("readme_program")),
    example("README.md", "struct Sdk", Driven("readme_sdk")),
    example("README.md", "use otp_core::blocking::", Driven("readme_blocking")),
    // The crates' docs.
    example("crates/otp-core/src/api.rs", "struct Login", Driven("core_api")),
    example("crates/otp-core/src/blocking/mod.rs", "struct Login", Driven("core_blocking_api")),
    example("crates/otp-core/src/blocking/client.rs", "fn codes(", PassesOn),
    example("crates/otp-core/src/blocking/mod.rs", "struct Modem", PassesOn),
    example("crates/otp-core/src/client/call.rs", "async fn text_me(", PassesOn),
    example("crates/otp-core/src/client/mod.rs", "async fn codes(", PassesOn),
    example("crates/otp-core/src/client/pages.rs", "async fn names(", PassesOn),
    example("crates/otp-core/src/error/builder.rs", "Error::builder(", PREPARES_AN_ERROR),
    example("crates/otp-core/src/error/effect.rs", "enum SecondFactor", Driven("effect_verify")),
    example("crates/otp-core/src/error/effect.rs", "async fn send_code(", Driven("effect_sms")),
    example("crates/otp-core/src/error/effect.rs", "async fn new_codes(", Driven("effect_codes")),
    example("crates/otp-core/src/error/effect.rs", "async fn codes_left(", PassesOn),
    example("crates/otp-core/src/error/mod.rs", "async fn text_me(", Driven("error_text_me")),
    example("crates/otp-core/src/exchange/mod.rs", "struct Device", PassesOn),
    example("crates/otp-core/src/lib.rs", "async fn second_factor(", Driven("core_lib")),
    example("crates/otp-core/src/local/mod.rs", "struct Login", Driven("core_local_api")),
    example("crates/otp-core/src/local/mod.rs", "struct Radio", PassesOn),
    example("crates/otp-core/src/operation/mod.rs", "struct EnableApp", DEFINES_AN_OPERATION),
    example("crates/otp-core/src/service.rs", "async fn text_me(api: &dyn PhoneApi)", PassesOn),
    example("crates/otp-emulator/README.md", "Fault::LostSms", ShowsADouble),
    example("crates/otp-emulator/src/guide.md", "fn client(", ShowsADouble),
    example("crates/otp-emulator/src/guide.md", "static EMULATOR", ShowsADouble),
    example("crates/otp-emulator/src/guide.md", ".reset()", ShowsADouble),
    example("crates/otp-emulator/src/lib.rs", "last_sms().expect", ShowsADouble),
    example("crates/otp-emulator/src/lib.rs", "Fault::LostSms", ShowsADouble),
    example("crates/otp-hyper/src/lib.rs", "client.receive_codes()", PassesOn),
    example("crates/otp-mock/src/canned.rs", "canned::lost_reply", PREPARES_AN_ERROR),
    example("crates/otp-mock/src/fake/builder.rs", "sent[1]", ShowsADouble),
    example("crates/otp-mock/src/fake/builder.rs", ".rate_limit(", ShowsADouble),
    example("crates/otp-mock/src/fake/builder.rs", ".clock(", ShowsADouble),
    example("crates/otp-mock/src/fake/custom_fault.rs", "CustomFault::", ShowsADouble),
    example("crates/otp-mock/src/fake/handle_choices.rs", ".choose_otp(", ShowsADouble),
    example("crates/otp-mock/src/fake/handle_choices.rs", ".reset()", ShowsADouble),
    example("crates/otp-mock/src/fake/implement.rs", "fake_service!(user_api)", ShowsADouble),
    example("crates/otp-mock/src/fake/journal.rs", "Fault::LostSms", ShowsADouble),
    example("crates/otp-mock/src/fake/journal.rs", ".is_complete_since(", ShowsADouble),
    example("crates/otp-mock/src/fake/journal.rs", ".since(before)", ShowsADouble),
    example("crates/otp-mock/src/fake/mod.rs", "FakeUser::with_phone", ShowsADouble),
    example("crates/otp-mock/src/fake/mod.rs", "Fault::LostRegenerate", ShowsADouble),
    example("crates/otp-mock/src/fake/mod.rs", ".issue_token()", ShowsADouble),
    example("crates/otp-mock/src/fake/scoped_fault.rs", "ScopedFault", ShowsADouble),
    example("crates/otp-mock/src/fake/user.rs", ".with_otp(", ShowsADouble),
    example("crates/otp-mock/src/lib.rs", "an OTP works once", ShowsADouble),
    example("crates/otp-mock/src/mock/api.rs", "async fn codes_left(", PassesOn),
    example("crates/otp-mock/src/mock/api.rs", "ErrorKind::RateLimited", PREPARES_AN_ERROR),
    example("crates/otp-mock/src/mock/api.rs", "returning_st(", ShowsADouble),
    example("crates/otp-mock/src/mock/mod.rs", "expect_", PREPARES_AN_ERROR),
    example("crates/otp-mock/src/mock/service.rs", "mock_service!", ShowsADouble),
    example("crates/otp-mock/src/mock/transport.rs", "MockTransport::new()", ShowsADouble),
    example("crates/otp-mock/src/record/recorder.rs", "Recorder::new", ShowsADouble),
    example("crates/otp-mock/src/record/recording.rs", ".replay()", ShowsADouble),
    example("crates/otp-mock/src/script/expected.rs", "Expected::any", ShowsADouble),
    example("crates/otp-mock/src/script/mod.rs", "ScriptedTransport::in_order", ShowsADouble),
    example("crates/otp-mock/src/script/mod.rs", "ScriptedTransport::failing", ShowsADouble),
    example("crates/otp-mock/src/script/seen.rs", "seen.otp()", ShowsADouble),
    // The guide.
    example("crates/otp-mock/src/guide.md", "enum Login", Driven("guide_login")),
    example("crates/otp-mock/src/guide.md", ".otp_lifetime(", ShowsADouble),
    example("crates/otp-mock/src/guide.md", "async fn replace(", Driven("guide_recovery")),
    example(
        "crates/otp-mock/src/guide.md",
        "Fault::StaleConnection, true",
        Driven("guide_nightly"),
    ),
    example("crates/otp-mock/src/guide.md", "CustomFault::after_acting", ShowsADouble),
    example("crates/otp-mock/src/guide.md", ".token_lifetime(", ShowsADouble),
    example("crates/otp-mock/src/guide.md", "start_paused(true)", ShowsADouble),
    example(
        "crates/otp-mock/src/guide.md",
        "proptest!",
        DrivenItems("guide_property", &["rotate"]),
    ),
    example("crates/otp-mock/src/guide.md", "struct CreateKey", ShowsADouble),
    example("crates/otp-mock/src/guide.md", "script.waits()", ShowsADouble),
    example("crates/otp-mock/src/guide.md", "Recorder::new", ShowsADouble),
    // The programs.
    example("examples/browser/page/src/decisions.rs", FILE, Driven("browser_page")),
    example("examples/browser/tests/browser/status_page.rs", FILE, ShowsADouble),
    example("examples/downstream/src/lib.rs", FILE, Driven("downstream")),
    example("examples/downstream/tests/each_rung.rs", FILE, A_TEST),
    example("examples/downstream/tests/own_service/tracker.rs", FILE, DEFINES_AN_OPERATION),
    example("examples/embed_in_sdk.rs", FILE, Driven("embed_in_sdk")),
    example("examples/larger_sdk/src/lib.rs", "async fn switch_to_app(", PassesOn),
    example("examples/larger_sdk/src/fake.rs", FILE, DEFINES_AN_OPERATION),
    example("examples/larger_sdk/src/lib.rs", FILE, DEFINES_AN_OPERATION),
    example("examples/larger_sdk/src/operations/create_key.rs", FILE, DEFINES_AN_OPERATION),
    example("examples/larger_sdk/src/operations/delete_key.rs", FILE, DEFINES_AN_OPERATION),
    example("examples/larger_sdk/src/operations/disable_app.rs", FILE, DEFINES_AN_OPERATION),
    example("examples/larger_sdk/src/operations/enable_app.rs", FILE, DEFINES_AN_OPERATION),
    example("examples/larger_sdk/src/operations/find_keys.rs", FILE, DEFINES_AN_OPERATION),
    example("examples/larger_sdk/src/operations/find_projects.rs", FILE, DEFINES_AN_OPERATION),
    example("examples/larger_sdk/src/operations/find_user.rs", FILE, DEFINES_AN_OPERATION),
    example(
        "examples/larger_sdk/tests/doubles.rs",
        FILE,
        DrivenItems("larger_sdk", &["Switched", "switch_to_app"]),
    ),
    example("examples/larger_sdk/tests/flavours.rs", FILE, A_TEST),
    example("examples/larger_sdk/tests/operations.rs", FILE, A_TEST),
    example("examples/memory/src/subjects/otp_hyper.rs", FILE, A_TEST),
    example("examples/neighbours/lib.rs", FILE, A_TEST),
    example("examples/quickstart.rs", FILE, Driven("quickstart")),
    example("examples/telemetry/src/main.rs", FILE, ShowsADouble),
    example("examples/transports/by_hand/tests/http1.rs", FILE, A_TEST),
    example("examples/transports/by_hand/tests/memory.rs", FILE, A_TEST),
    example("examples/transports/story.rs", FILE, story("transports")),
    example("examples/transports/tower/tests/services.rs", FILE, A_TEST),
    example("examples/transports/ureq/src/main.rs", FILE, story("ureq")),
    example("examples/unit_tests_with_mocks.rs", FILE, Driven("unit_tests_with_mocks")),
];

/// It prepares an error, which a double answers.
const PREPARES_AN_ERROR: Check = ShowsADouble;
/// It is a test. What is not marked as `#[test]` must keep to the rule.
const A_TEST: Check = ShowsADouble;
/// It defines an operation, and returns its result.
const DEFINES_AN_OPERATION: Check = ShowsADouble;

/// The part of the program of an example transport that calls the service.
const fn story(name: &'static str) -> Check {
    DrivenItems(name, &["replace_codes"])
}

/// All that were read.
pub const READ: &[Read] = &[
    read(
        "crates/otp-core/src/client/pages.rs",
        "names",
        0x5592_30ad_8f16_3fbe,
        "it returns the first error of a page",
    ),
    read("crates/otp-core/src/exchange/mod.rs", "text_me", 0x4471_2731_aef4_53f3, PASSES_ON),
    read("crates/otp-core/src/exchange/mod.rs", STATEMENTS, 0x57bc_ca3d_5cf6_311a, PASSES_ON),
    read(
        "crates/otp-mock/src/mock/mod.rs",
        STATEMENTS,
        0x3bb0_f67c_52ae_d6bd,
        "a hidden line meets the expectation of the mock",
    ),
    read(
        "crates/otp-mock/src/guide.md",
        STATEMENTS,
        0xee04_ecf9_53c6_35cc,
        "a property test: it asserts what the driven `rotate` leaves behind",
    ),
    read(
        "examples/browser/tests/browser/status_page.rs",
        "open",
        0x0cf3_9249_2395_fc88,
        "it prepares a service for tests, and unwraps each outcome",
    ),
    read("examples/embed_in_sdk.rs", "main", 0x1925_413c_6cb3_febc, EXIT_CODE),
    read(
        "examples/embed_in_sdk.rs",
        "play",
        0x4c64_0c86_d872_5153,
        "it prints what the driven `check_code` returns",
    ),
    read(
        "examples/larger_sdk/src/lib.rs",
        "switch_to_app",
        0x1928_3756_e84f_60da,
        "it returns the error of the SDK, which keeps the core's",
    ),
    read(
        "examples/larger_sdk/tests/operations.rs",
        "cases",
        0x6a12_7a5f_1d48_eb6c,
        "a table of calls, each of which returns its outcome as it is shown",
    ),
    read(
        "examples/memory/src/subjects/otp_hyper.rs",
        "calls",
        0x68ce_28df_cb1b_727f,
        "it looks at the memory, and fails where a call succeeds that should not",
    ),
    read("examples/quickstart.rs", "main", 0xcfcc_506a_cba2_a975, EXIT_CODE),
    read("examples/telemetry/src/main.rs", "main", 0xc27b_4985_5bbe_775f, EXIT_CODE),
    read(
        "examples/telemetry/src/main.rs",
        "run",
        0xb539_45cc_096f_ec51,
        "it returns the first error, after it shut the exporter down",
    ),
    read(
        "examples/telemetry/src/main.rs",
        "calls",
        0x8be8_1baf_cfdd_8508,
        "it prints the refusal of an OTP that cannot be right, to have it in a trace",
    ),
    read(
        "examples/transports/by_hand/tests/http1.rs",
        "send",
        0xa975_4d3a_2a39_c307,
        "it makes one request of a test, and returns the outcome as it is",
    ),
    read("examples/transports/ureq/src/main.rs", "main", 0x7aba_cc75_abb0_0e5f, EXIT_CODE),
    read("examples/unit_tests_with_mocks.rs", "main", 0x1925_413c_6cb3_febc, EXIT_CODE),
];

/// What the scanner calls them.
const STATEMENTS: &str = "the statements outside of functions";

const PASSES_ON: &str = "it matches the steps of the exchange, and returns the result as it is";
const EXIT_CODE: &str = "it turns an error into a message and an exit code";

const fn read(file: &'static str, part: &'static str, fingerprint: u64, why: &'static str) -> Read {
    Read { file, part, fingerprint, why }
}
