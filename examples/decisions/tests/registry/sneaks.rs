//! Wrong examples that a reviewer got past an earlier scanner, and more of their kinds. Each one must be found.

use super::drivers;
use super::registry::Check;
use super::scanner::drivers::Drivers;
use super::scanner::found::in_file;
use super::scanner::judge::unproven;
use super::scanner::operations::Operations;
use super::scanner::units::units;

const README: &str = include_str!("../../../../README.md");
/// A function after which each sneak stands.
const PROGRAM: (&str, Check) = ("async fn send_code(", Check::Driven("readme_program"));
const SDK: (&str, Check) = ("struct Sdk", Check::Driven("readme_sdk"));

/// It lets the user in after most errors.
const WRONG: &str = "match api.find_ensure_otp(otp).await { \
                     Err(e) if e.effect() == Effect::NotApplied => false, _ => true }";

/// The parts of the block with this marker that nothing proves right.
fn parts(file: &str, text: &str, (marker, check): (&str, Check)) -> Vec<String> {
    let found = in_file(file, text).unwrap();
    let mut with_it = found.iter().filter(|found| found.code.contains(marker));
    let found = with_it.next().unwrap_or_else(|| panic!("not found: {marker} in\n{text}"));
    assert!(with_it.next().is_none(), "{marker} twice");
    let parts = unproven(found.whole, &found.code, check, &drivers(), Operations::of_the_service())
        .unwrap();
    parts.into_iter().map(|part| part.unit).collect()
}

/// README with this at the end of the block with this marker.
fn readme_with(marker: &str, more: &str) -> String {
    let begin = README.find(marker).unwrap();
    let end = begin + README[begin..].find("\n```\n").unwrap();
    format!("{}\n{more}{}", &README[..end], &README[end..])
}

/// Other code in a block of its own.
fn block(code: &str, check: Check) -> Vec<String> {
    parts("README.md", &format!("# Title\n\n```rust\n{code}\n```\n"), ("", check))
}

#[test]
fn readme_as_it_is_has_nothing_unproven() {
    for block in [PROGRAM, SDK] {
        assert!(parts("README.md", README, block).is_empty());
    }
}

#[test]
fn a_second_function_with_a_name_that_tests_call_elsewhere() {
    // Each of these is a function of another example, or a word of the tests.
    for name in ["verify", "log_in", "rotate", "text_me", "new", "replaces_the_codes"] {
        let more = format!("async fn {name}(api: &impl OtpsApi, otp: &Otp) -> bool {{ {WRONG} }}");
        let found = parts("README.md", &readme_with(PROGRAM.0, &more), PROGRAM);
        assert!(found.contains(&name.to_owned()), "{name}: {found:?}");
    }
}

#[test]
fn a_statement_outside_of_functions() {
    for more in [
        format!("let enter = async |api: &dyn OtpsApi, otp: &Otp| {WRONG};"),
        format!("let enter = async |api: &dyn OtpsApi, otp: &Otp| {{ {WRONG} }};"),
        format!("if {WRONG} {{ println!(\"welcome\") }}"),
        "let _ = api.find_ensure_otp(&otp).await;".to_owned(),
    ] {
        let found = parts("README.md", &readme_with(SDK.0, &more), SDK);
        assert_eq!(found, ["the statements outside of functions"], "{more}");
    }
}

#[test]
fn a_constant_or_a_macro_or_a_module() {
    for more in [
        format!("static ENTER: Enter = |api, otp| Box::pin(async {{ {WRONG} }});"),
        format!("const ENTER: Enter = |api, otp| Box::pin(async {{ {WRONG} }});"),
        format!("macro_rules! ENTER {{ ($api:expr) => {{ {WRONG} }} }}"),
        format!("mod door {{ pub async fn ENTER(api: &Api, otp: &Otp) -> bool {{ {WRONG} }} }}"),
        format!("fn open() {{ async fn ENTER(api: &Api, otp: &Otp) -> bool {{ {WRONG} }} }}"),
    ] {
        let found = parts("README.md", &readme_with(SDK.0, &more), SDK);
        assert!(found.contains(&"ENTER".to_owned()), "{more}: {found:?}");
    }
}

#[test]
fn a_method_of_a_trait() {
    for more in [
        format!("impl Enter for Sdk {{ async fn enter(&self, otp: &Otp) -> bool {{ {WRONG} }} }}"),
        format!(
            "impl Enter for &Other {{ async fn enter(&self, otp: &Otp) -> bool {{ {WRONG} }} }}"
        ),
        format!("trait Enter {{ async fn enter(&self, otp: &Otp) -> bool {{ {WRONG} }} }}"),
        format!("impl Sdk {{ async fn enter(&self, otp: &Otp) -> bool {{ {WRONG} }} }}"),
    ] {
        let found = parts("README.md", &readme_with(SDK.0, &more), SDK);
        assert_eq!(found, ["enter"], "{more}");
    }
}

#[test]
fn a_function_that_asserts_its_input() {
    let more = format!(
        "async fn enter(api: &impl OtpsApi, otp: &Otp, name: &str) -> bool {{ \
         assert!(!name.is_empty()); {WRONG} }}"
    );
    assert_eq!(parts("README.md", &readme_with(PROGRAM.0, &more), PROGRAM), ["enter"]);
    assert_eq!(block(&more, Check::ShowsADouble), ["enter"]);
    // Neither does an assertion of the outcome help, if the function returns more.
    let more = "async fn enter(api: &impl OtpsApi, otp: &Otp) -> &'static str { \
                assert!(api.find_ensure_otp(otp).await.is_err()); \"welcome\" }";
    assert_eq!(block(more, Check::ShowsADouble), ["enter"]);
}

#[test]
fn anything_but_passing_on() {
    let call = "api.find_ensure_otp(otp).await";
    for body in [
        format!("{call}.unwrap_or_default()"),
        format!("Ok({call}.unwrap_or(canned::verified()))"),
        format!("Ok({call}.unwrap_or_else(|_| canned::verified()))"),
        format!("{call}.or(Ok(canned::verified()))"),
        format!("{call}.or_else(|_| Ok(canned::verified()))"),
        format!("Ok({call}.ok())"),
        format!("Ok({call}.is_ok())"),
        format!("Ok({call}.iter().count() < 2)"),
        format!("Ok({call}.inspect_err(log).is_ok_and(right))"),
        format!("Ok({call}.some_method_of_tomorrow())"),
        format!("let _ = {call}; Ok(\"welcome\")"),
        format!("let _unused = {call}; Ok(\"welcome\")"),
        format!("{call}; Ok(\"welcome\")"),
        format!("drop({call}); Ok(\"welcome\")"),
        format!("if let Err(_) = {call} {{ }} Ok(\"welcome\")"),
        format!("while {call} != Ok(x) {{ }} Ok(\"welcome\")"),
        format!("let Ok(_) = {call} else {{ return Ok(\"welcome\") }}; Ok(\"in\")"),
        format!("Ok(matches!({call}, Ok(_)))"),
        format!("println!(\"{{:?}}\", {call}); Ok(\"welcome\")"),
        format!("select! {{ _ = {call} => Ok(\"welcome\") }}"),
        format!("async {{ {call}?; Ok(()) }}.await.ok(); Ok(\"welcome\")"),
        format!("let check = async || {call}; check().await.ok(); Ok(\"welcome\")"),
        "api.r#find_ensure_otp(otp).await.ok(); Ok(\"welcome\")".to_owned(),
        "OtpsApi::find_ensure_otp(api, otp).await.ok(); Ok(\"welcome\")".to_owned(),
        "let check = OtpsApi::find_ensure_otp; check(api, otp).await.ok(); Ok(1)".to_owned(),
        "block_on(api.find_ensure_otp(otp)).ok(); Ok(\"welcome\")".to_owned(),
        "spawn(api.find_ensure_otp(otp)); Ok(\"welcome\")".to_owned(),
        "api.call(FindEnsureOtp::new(otp)).send().await.ok(); Ok(1)".to_owned(),
        "let exchange = Exchange::new(api, FindEnsureOtp::new(otp)); Ok(1)".to_owned(),
    ] {
        for output in ["Result<X, Error>", "Result<X, Box<dyn std::error::Error>>"] {
            let code = format!("async fn enter(api: &Api, otp: &Otp) -> {output} {{ {body} }}\n");
            // It names an operation in any case.
            let code = format!("{code} use otp_core::operation::FindEnsureOtp;");
            for check in [Check::PassesOn, Check::ShowsADouble] {
                assert_eq!(block(&code, check), ["enter"], "{code}");
            }
        }
    }
}

#[test]
fn an_error_of_its_own_that_the_caller_gets() {
    for output in ["Result<Verified, Denied>", "bool", "Option<Verified>", "impl Future"] {
        let code = format!(
            "async fn enter(api: &Api, otp: &Otp) -> {output} {{ api.find_ensure_otp(otp).await }}"
        );
        assert_eq!(block(&code, Check::PassesOn), ["enter"], "{output}");
    }
}

#[test]
fn a_decision_one_function_further() {
    let code = "async fn check(api: &Api, otp: &Otp) -> Result<Verified, Error> {
                    api.find_ensure_otp(otp).await
                }
                async fn enter(api: &Api, otp: &Otp) -> &'static str {
                    if check(api, otp).await.is_ok() { \"in\" } else { \"welcome anyway\" }
                }";
    assert_eq!(block(code, Check::PassesOn), ["enter"]);
    let more = "async fn enter(otps: &impl OtpsApi, typed: &str) -> bool {
                    check_code(otps, typed).await.is_err()
                }";
    assert_eq!(parts("README.md", &readme_with(PROGRAM.0, more), PROGRAM), ["enter"]);
    let more = "mod door { use super::check_code as look; \
                async fn enter(otps: &Api) -> bool { look(otps).await.is_err() } }";
    assert_eq!(parts("README.md", &readme_with(PROGRAM.0, more), PROGRAM), ["check_code"]);
}

#[test]
fn an_operation_that_only_a_generic_function_makes() {
    let code = "use otp_core::operation::ReceiveCodes;
                async fn enter<O: Operation>(client: &OtpsClient, operation: O) -> bool {
                    client.call(operation).send().await.is_ok()
                }";
    assert_eq!(block(code, Check::ShowsADouble), ["enter"]);
}

#[test]
fn a_function_that_looks_like_a_driven_one() {
    let program = |more: &str| parts("README.md", &readme_with(PROGRAM.0, more), PROGRAM);
    let same = format!("async fn check_code(api: &Api, otp: &Otp) -> bool {{ {WRONG} }}");
    assert!(program(&format!("mod door {{ {same} }}")).contains(&"check_code".to_owned()));
    assert!(program(&format!("fn door() {{ {same} }}")).contains(&"check_code".to_owned()));
    assert!(program(&format!("#[cfg(windows)] {same}")).contains(&"check_code".to_owned()));
    // Methods that the test of this example calls: on something else, and on the same type.
    for name in ["client", "new_codes"] {
        for of in ["impl Sdk", "impl Enter for Sdk"] {
            let more = format!(
                "{of} {{ async fn {name}(&self, api: &A, otp: &Otp) -> bool {{ {WRONG} }} }}"
            );
            let found = parts("README.md", &readme_with(SDK.0, &more), SDK);
            assert!(found.contains(&name.to_owned()), "{more}: {found:?}");
        }
    }
}

#[test]
fn an_error_or_a_helper_that_looks_like_the_known_one() {
    let enter = "async fn enter(api: &Api, otp: &Otp) -> Result<V, Error> \
                 { api.find_ensure_otp(otp).await }";
    for own in ["struct Error;", "enum Error { E }", "use my::Mild as Error;", "type Error = E;"] {
        assert_eq!(block(&format!("{own} {enter}"), Check::PassesOn), ["enter"], "{own}");
    }
    for helper in ["block_on", "unwrap", "expect", "timeout"] {
        let code = format!("fn {helper}(future: impl Future) -> V {{ V }} {enter}");
        assert_eq!(block(&code, Check::PassesOn), [helper]);
    }
    // The mapped value of a future is the whole outcome.
    let code = "async fn enter(api: &Api, otp: &Otp) -> Result<bool, Error> \
                { api.find_ensure_otp(otp).map(|outcome| Ok(outcome.is_err())).await }";
    assert_eq!(block(code, Check::PassesOn), ["enter"]);
    let code = "async fn enter(api: &Api, otp: &Otp) -> Result<(), Error> \
                { api.find_ensure_otp(otp).await.unwrap_err(); Ok(()) }";
    assert_eq!(block(code, Check::ShowsADouble), ["enter"]);
}

#[test]
fn only_a_test_under_every_fault_counts() {
    let run = |test: &str| {
        let mut drivers = Drivers::default();
        drivers.in_file(test).unwrap();
        let units = units(true, "fn verify() {} impl Login { fn enter(&self) {} }").unwrap();
        units.iter().map(|unit| drivers.run("one", unit)).collect::<Vec<_>>()
    };
    let verify = "under_every_fault(|world| drop(examples::one::verify(world)));";
    let enter = "under_every_fault(|world| examples::one::Login { world }.enter());";
    assert_eq!(run(&format!("#[test] fn a() {{ {verify} {enter} }}")), [true, true]);
    assert_eq!(
        run("fn h() { under_every_fault(f) } #[test] fn a() { h(examples::one::verify) }"),
        [true, false]
    );
    for test in [
        format!("fn a() {{ {verify} {enter} }}"),
        format!("#[test] #[ignore] fn a() {{ {verify} {enter} }}"),
        "#[test] fn a() { examples::one::verify(world); }".to_owned(),
        "#[test] fn a() { under_every_fault(|world| examples::two::verify(world)); }".to_owned(),
        "#[test] fn a() { under_every_fault(|world| verify(world)); }".to_owned(),
        "#[test] fn a() { under_every_fault(|world| \"examples::one::verify(\"); }".to_owned(),
        "#[test] fn a() { under_every_fault(|world| { use examples::one::verify; }); }".to_owned(),
        "#[test] fn a() { under_every_fault(|w| { examples::one::Login { w }; w.enter() }); }"
            .to_owned(),
    ] {
        assert_eq!(run(&test), [false, false], "{test}");
    }
}

#[test]
fn what_passes_on_is_right() {
    for code in [
        "async fn enter(api: &Api, otp: &Otp) -> Result<Verified, Error> { api.find_ensure_otp(otp).await }",
        "fn enter(api: &Api, otp: &Otp) -> Result<Verified, Error> { return api.find_ensure_otp(otp); }",
        "fn enter(api: &Api) -> Result<usize, Error> { Ok(api.find_recovery_codes()?.len()) }",
        "fn enter(api: &Api) -> Result<()> { block_on(async { api.receive_codes().await?; Ok(()) }) }",
    ] {
        assert!(block(code, Check::PassesOn).is_empty(), "{code}");
    }
}

/// Every way to write a code block, in Markdown and in the docs of a file.
#[test]
fn a_block_of_any_kind_is_found() {
    let code = format!("async fn enter(api: &Api, otp: &Otp) -> bool {{ {WRONG} }}");
    let indented = format!("    {code}");
    let mut texts = vec![
        indented.clone(),
        format!("A list:\n\n- one\n\n  ```\n  {code}\n  ```"),
        format!("> A quotation:\n>\n> ~~~rust\n> {code}\n> ~~~"),
        format!("```rust\n{code}"),
    ];
    for (open, close) in [
        ("```", "```"),
        ("```rust", "```"),
        ("~~~rust", "~~~"),
        ("~~~~", "~~~~"),
        ("````rust", "````"),
        ("``` rust", "```"),
        ("```rust,ignore-windows", "```"),
        ("```rust,edition2024", "```"),
        ("```rust, compile_fail, E0277", "```"),
        ("```{.rust}", "```"),
        ("```Rust", "```"),
        ("```rs", "```"),
        ("```text", "```"),
        ("```standalone_crate", "```"),
    ] {
        texts.push(format!("{open}\n{code}\n{close}"));
    }
    for text in &texts {
        let one = |found: Vec<_>, form: &str| assert_eq!(found.len(), 1, "{form}:\n{text}");
        one(in_file("README.md", &format!("Title.\n\n{text}\n")).unwrap(), "Markdown");
        let lines = |start: &str| -> String {
            text.lines().map(|line| format!("{start}{line}\n")).collect()
        };
        let slashes = format!("/// Title.\n///\n{}pub struct Door;", lines("/// "));
        one(in_file("crates/a/src/lib.rs", &slashes).unwrap(), "///");
        let inner = format!("//! Title.\n//!\n{}\npub struct Door;", lines("//! "));
        one(in_file("crates/a/src/lib.rs", &inner).unwrap(), "//!");
        let stars = format!("/** Title.\n *\n{} */\npub struct Door;", lines(" * "));
        one(in_file("crates/a/src/lib.rs", &stars).unwrap(), "/** * */");
        let bare = format!("/**\nTitle.\n\n{}*/\npub struct Door;", lines(""));
        one(in_file("crates/a/src/lib.rs", &bare).unwrap(), "/** */");
        let value = format!("Title.\n\n{text}");
        for attribute in [
            format!("#[doc = {value:?}] pub struct Door;"),
            format!("#[cfg_attr(doc, doc = {value:?})] pub struct Door;"),
            format!("#[doc = concat!({value:?}, \"\")] pub struct Door;"),
            format!("shape! {{ #[doc = {value:?}] pub struct Door; }}"),
            format!("mod a {{ mod b {{ #![doc = {value:?}] }} }}"),
        ] {
            one(in_file("crates/a/src/lib.rs", &attribute).unwrap(), &attribute);
        }
    }
}

#[test]
fn an_operation_in_html_is_an_error() {
    let html = "<pre><code>\nif api.find_ensure_otp(otp).is_ok() {}\n</code></pre>\n";
    assert!(in_file("README.md", html).is_err());
}
