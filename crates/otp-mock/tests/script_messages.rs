//! What `ScriptedTransport` says when a test, or its script, is wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;

use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::{AuthToken, ErrorKind, Otp, OtpsApi, OtpsClient};
#[cfg(feature = "mockall")]
use otp_mock::MockOtpsApi;
use otp_mock::{Expected, Reply, ScriptedTransport};
use pollster::block_on;

fn client(script: &ScriptedTransport) -> OtpsClient {
    OtpsClient::new(script.clone(), AuthToken::new("k3y").unwrap())
}

/// What a test prints that fails by this.
fn panic_of(test: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(test)).unwrap_err();
    *panic.downcast::<String>().unwrap()
}

#[test]
fn a_step_whose_turn_never_comes_is_refused() {
    type Add = fn(ScriptedTransport) -> ScriptedTransport;
    let once: Add = |script| script.answer(RegenerateCodes, Reply::lost());
    let always: Add = |script| script.answer_always(RegenerateCodes, Reply::lost);
    for add in [once, always] {
        let script =
            || ScriptedTransport::in_order().answer_always(ReceiveCodes, Reply::no_content);
        let told = panic_of(|| drop(add(script())));
        assert!(told.contains("step 1, receive_codes, answers always"), "{told}");
        assert!(told.contains("ScriptedTransport::in_any_order"), "{told}");
        let told = panic_of(|| drop(add(ScriptedTransport::never_answering())));
        assert!(told.contains("step 1, any request, answers always"), "{told}");
    }
    // In any order, it has its turn.
    let script = ScriptedTransport::in_any_order()
        .answer_always(ReceiveCodes, Reply::no_content)
        .answer(RegenerateCodes, Reply::recovery_codes(["a"]));
    block_on(client(&script).regenerate_codes()).unwrap();
    script.finish();
}

#[test]
fn of_another_operation_no_values_are_told() {
    let otp = Otp::new("123456").unwrap();
    let step = FindEnsureOtp::new(otp);
    for (script, told) in [
        (ScriptedTransport::in_order(), "operation    expected find_ensure_otp"),
        (ScriptedTransport::in_any_order(), "open are step 1, find_ensure_otp"),
    ] {
        let script = script.answer(step.clone(), Reply::lost());
        let error = block_on(client(&script).regenerate_codes()).unwrap_err();
        let sentence = error.to_string();
        assert!(sentence.contains(told), "{sentence}");
        assert!(!sentence.contains("path  ") && !sentence.contains("body  "), "{sentence}");
        panic_of(|| script.finish());
    }
}

#[test]
fn a_script_without_steps_tells_how_to_add_one() {
    let script = ScriptedTransport::in_order();
    let sentence = block_on(client(&script).find_recovery_codes()).unwrap_err().to_string();
    assert!(
        sentence.contains(
            "it has no step, so no request was expected: `answer` and `answer_always` add steps"
        ),
        "{sentence}"
    );
    panic_of(|| script.finish());
}

#[test]
fn what_comes_after_finish_is_told_by_the_next_and_by_dropping() {
    let script = ScriptedTransport::in_order()
        .answer(ReceiveCodes, Reply::no_content())
        .answer(RegenerateCodes, Reply::lost());
    let client = client(&script);
    block_on(client.receive_codes()).unwrap();
    let told = panic_of(|| script.finish());
    assert!(told.contains("nobody asked for step 2, regenerate_codes"), "{told}");
    script.finish();

    block_on(client.receive_codes()).unwrap_err();
    let told = panic_of(|| script.finish());
    assert!(told.contains("no step of the script answers receive_codes"), "{told}");
    assert!(!told.contains("nobody asked for"), "it was told: {told}");
    script.finish();

    block_on(client.find_recovery_codes()).unwrap_err();
    drop(script);
    let told = panic_of(move || drop(client));
    assert!(told.contains("no step of the script answers find_recovery_codes"), "{told}");
    assert!(!told.contains("answers receive_codes"), "it was told: {told}");
}

#[test]
fn a_step_that_answers_always_may_answer_never() {
    ScriptedTransport::in_any_order()
        .answer_always(Expected::anything(), Reply::no_content)
        .finish();
}

#[test]
fn a_step_that_was_used_up_is_named() {
    let script = ScriptedTransport::in_any_order()
        .answer(FindRecoveryCodes, Reply::recovery_codes(["a"]))
        .answer(ReceiveCodes, Reply::no_content());
    block_on(client(&script).find_recovery_codes()).unwrap();
    let sentence = block_on(client(&script).find_recovery_codes()).unwrap_err().to_string();
    assert!(sentence.contains("step 1 answered it already, which it does once"), "{sentence}");
    panic_of(|| script.finish());
}

/// What this very program prints when it runs a test that is ignored otherwise, and fails.
fn print_of(test: &str) -> String {
    let program = std::env::current_exe().unwrap();
    let ran = Command::new(program).args(["--exact", test, "--ignored"]).output().unwrap();
    assert!(!ran.status.success(), "{test} must fail");
    String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned()
}

/// Whether a test runs by itself, as [`print_of`] runs it.
fn is_alone() -> bool {
    std::env::args().any(|arg| arg == "--exact")
}

#[test]
#[ignore = "it fails on purpose, for another test"]
fn one_retry_too_many() {
    if is_alone() {
        let script =
            ScriptedTransport::in_order().answer(FindRecoveryCodes, Reply::error(503, "no"));
        let error = block_on(client(&script).find_recovery_codes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Server);
    }
}

#[test]
fn what_is_wrong_with_the_script_is_told_also_if_the_test_fails_before_its_end() {
    let printed = print_of("one_retry_too_many");
    assert!(printed.contains("left: Transport"), "{printed}");
    assert!(printed.contains("the transport's script was not followed"), "{printed}");
    assert!(printed.contains("all 1 were asked for already"), "{printed}");
}

#[test]
#[cfg(feature = "mockall")]
#[ignore = "it fails on purpose, for another test"]
fn a_mock_that_is_asked_something_else() {
    if is_alone() {
        let _ = block_on(MockOtpsApi::new().receive_codes());
    }
}

#[test]
#[cfg(feature = "mockall")]
fn what_a_mock_expected_is_printed_below_what_mockall_says() {
    let printed = print_of("a_mock_that_is_asked_something_else");
    let said = printed.find("MockOtpsApi::receive_codes(): No matching").unwrap();
    assert!(printed[said..].contains("expected: no receive_codes"), "{printed}");
}
