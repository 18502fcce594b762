//! What `ScriptedTransport` says when a test, or its script, is wrong.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::{AuthToken, Otp, OtpsApi, OtpsClient};
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
    for script in [
        ScriptedTransport::in_order().answer(FindRecoveryCodes, Reply::lost()),
        ScriptedTransport::in_any_order().answer(FindEnsureOtp::new(otp), Reply::lost()),
    ] {
        let error = block_on(client(&script).regenerate_codes()).unwrap_err();
        let sentence = error.to_string();
        assert!(sentence.contains("operation    expected find_"), "{sentence}");
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
