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
    /// It makes a call and hands the result to its caller as it is. It must not branch on the outcome.
    PassesOn,
    /// It shows a double or an error, and asserts what comes of it. It must not branch on the outcome.
    ShowsADouble,
    /// It decides nothing for a user, for this reason.
    DecidesNothing(&'static str),
}

use Check::{DecidesNothing, Driven, DrivenItems, PassesOn, ShowsADouble};

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
    example("crates/otp-core/src/blocking/api.rs", "struct Login", Driven("core_blocking_api")),
    example("crates/otp-core/src/blocking/client.rs", "fn codes(", PassesOn),
    example("crates/otp-core/src/blocking/mod.rs", "struct Modem", PassesOn),
    example("crates/otp-core/src/client/call.rs", "async fn text_me(", PassesOn),
    example(
        "crates/otp-core/src/client/mod.rs",
        "async fn codes(",
        DecidesNothing("it looks at the metadata of a success"),
    ),
    example("crates/otp-core/src/error/builder.rs", "Error::builder(", PREPARES_AN_ERROR),
    example("crates/otp-core/src/error/effect.rs", "enum SecondFactor", Driven("effect_verify")),
    example("crates/otp-core/src/error/effect.rs", "async fn send_code(", Driven("effect_sms")),
    example("crates/otp-core/src/error/effect.rs", "async fn new_codes(", Driven("effect_codes")),
    example("crates/otp-core/src/error/effect.rs", "async fn codes_left(", PassesOn),
    example("crates/otp-core/src/error/mod.rs", "async fn text_me(", Driven("error_text_me")),
    example(
        "crates/otp-core/src/exchange/mod.rs",
        "struct Device",
        DecidesNothing("it matches the steps of the exchange, and passes the result on"),
    ),
    example("crates/otp-core/src/lib.rs", "async fn second_factor(", Driven("core_lib")),
    example("crates/otp-core/src/local/api.rs", "struct Login", Driven("core_local_api")),
    example("crates/otp-core/src/local/mod.rs", "struct Radio", PassesOn),
    example("crates/otp-core/src/operation/mod.rs", "struct EnableApp", DEFINES_AN_OPERATION),
    example("crates/otp-emulator/src/lib.rs", "last_sms().expect", ShowsADouble),
    example("crates/otp-emulator/src/lib.rs", "Fault::LostSms", ShowsADouble),
    example("crates/otp-hyper/src/lib.rs", "client.receive_codes()", PassesOn),
    example("crates/otp-mock/src/canned.rs", "canned::lost_reply", PREPARES_AN_ERROR),
    example("crates/otp-mock/src/fake/builder.rs", "sent[1]", ShowsADouble),
    example("crates/otp-mock/src/fake/builder.rs", ".rate_limit(", ShowsADouble),
    example("crates/otp-mock/src/fake/journal.rs", "Fault::LostSms", ShowsADouble),
    example("crates/otp-mock/src/fake/mod.rs", "FakeUser::with_phone", ShowsADouble),
    example("crates/otp-mock/src/fake/mod.rs", "Fault::LostRegenerate", ShowsADouble),
    example("crates/otp-mock/src/lib.rs", "an OTP works once", ShowsADouble),
    example("crates/otp-mock/src/mock/api.rs", "canned::", PREPARES_AN_ERROR),
    example("crates/otp-mock/src/mock/api.rs", "returning_st(", ShowsADouble),
    example("crates/otp-mock/src/mock/mod.rs", "expect_", PREPARES_AN_ERROR),
    example("crates/otp-mock/src/mock/transport.rs", "MockTransport::new()", ShowsADouble),
    example("crates/otp-mock/src/record/recorder.rs", "Recorder::new", ShowsADouble),
    example("crates/otp-mock/src/record/recording.rs", ".replay()", ShowsADouble),
    example("crates/otp-mock/src/script/expected.rs", "Expected::any", ShowsADouble),
    example("crates/otp-mock/src/script/mod.rs", "ScriptedTransport::in_order", ShowsADouble),
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
    example(
        "crates/otp-mock/src/guide.md",
        "proptest!",
        DrivenItems("guide_property", &["rotate"]),
    ),
    example("crates/otp-mock/src/guide.md", "retry-after", ShowsADouble),
    example("crates/otp-mock/src/guide.md", "Recorder::new", ShowsADouble),
    // The programs.
    example(
        "examples/browser/page/src/bin/page/main.rs",
        FILE,
        DecidesNothing(
            "it runs in a browser only, and shows the error's own sentence; it drops the codes that may be \
             dead; examples/browser/tests clicks through it",
        ),
    ),
    example("examples/browser/tests/browser/status_page.rs", FILE, ShowsADouble),
    example("examples/downstream/src/lib.rs", FILE, Driven("downstream")),
    example("examples/downstream/tests/each_rung.rs", FILE, A_TEST),
    example("examples/embed_in_sdk.rs", FILE, Driven("embed_in_sdk")),
    example("examples/larger_sdk/src/lib.rs", "async fn switch_to_app(", PassesOn),
    example("examples/larger_sdk/src/operations/enable_app.rs", FILE, DEFINES_AN_OPERATION),
    example(
        "examples/larger_sdk/tests/doubles.rs",
        FILE,
        DrivenItems("larger_sdk", &["Switched", "switch_to_app"]),
    ),
    example("examples/larger_sdk/tests/enable_app.rs", FILE, A_TEST),
    example("examples/memory/src/subjects/otp_hyper.rs", FILE, A_TEST),
    example("examples/quickstart.rs", FILE, Driven("quickstart")),
    example(
        "examples/telemetry/src/main.rs",
        FILE,
        DecidesNothing(
            "it prints the refusal of an OTP that cannot be right, to have it in a trace",
        ),
    ),
    example("examples/transports/by_hand/src/main.rs", FILE, story("by_hand")),
    example("examples/transports/by_hand/tests/http1.rs", FILE, A_TEST),
    example("examples/transports/by_hand/tests/memory.rs", FILE, A_TEST),
    example("examples/transports/reqwest/src/main.rs", FILE, story("reqwest")),
    example("examples/transports/tower/src/main.rs", FILE, story("tower")),
    example("examples/transports/tower/tests/services.rs", FILE, A_TEST),
    example("examples/transports/ureq/src/main.rs", FILE, story("ureq")),
    example("examples/unit_tests_with_mocks.rs", FILE, Driven("unit_tests_with_mocks")),
];

const PREPARES_AN_ERROR: Check = DecidesNothing("it prepares an error, to be answered by a double");
const A_TEST: Check = DecidesNothing("it is a test, and asserts");
const DEFINES_AN_OPERATION: Check =
    DecidesNothing("it defines an operation, and passes its result on");

/// The part of the program of an example transport that calls the service.
const fn story(name: &'static str) -> Check {
    DrivenItems(name, &["replace_codes"])
}
