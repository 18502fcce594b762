//! The status page as it is sent: what it holds, what it never holds, and its forms without a script. The clicks
//! are in `examples/browser`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::net::SocketAddr;
use std::time::Duration;

use otp_core::AuthToken;
use otp_core::blocking::OtpsApi;
use otp_core::secrecy::ExposeSecret;
use otp_emulator::{Emulator, EmulatorBuilder, FakeOtps, Fault};
use otp_mock::{CustomFault, FakeUser, Reply, TwoFactor};
use support::{Raw, ask};

fn builder() -> EmulatorBuilder {
    let admin = "127.0.0.1:0".parse().unwrap();
    Emulator::builder().plain().fake(FakeOtps::builder().seed(7).build()).admin(admin)
}

fn start(builder: EmulatorBuilder) -> (Emulator, SocketAddr) {
    let emulator = builder.start().unwrap();
    let address = emulator.admin_addr().unwrap();
    (emulator, address)
}

fn get(admin: SocketAddr, path: &str) -> Raw {
    ask(admin, "GET", path, "", "")
}

/// Sends a form of the page as a browser does.
fn submit(admin: SocketAddr, form: &str, fields: &str) -> Raw {
    let headers = format!(
        "Origin: http://{admin}\r\nSec-Fetch-Site: same-origin\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n"
    );
    ask(admin, "POST", &format!("/page/{form}"), &headers, fields)
}

fn header<'a>(answer: &'a Raw, name: &str) -> Option<&'a str> {
    answer.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The value of the hidden field of this name, of each form in the page that has it.
fn hidden<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let field = format!("name=\"{name}\" value=\"");
    page.split(&field).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

/// Everything that no page may hold: tokens, OTPs, codes of apps, their secrets and recovery codes.
fn secrets(emulator: &Emulator) -> Vec<String> {
    let fake = emulator.fake();
    let mut secrets = Vec::new();
    for sms in fake.sms_outbox() {
        secrets.push(sms.otp.expose_secret().to_owned());
    }
    for user in fake.users() {
        let handle = fake.of_user(&user.name).unwrap();
        secrets.push(handle.token().expose_secret().to_owned());
        secrets.extend(handle.app_code().map(|code| code.expose_secret().to_owned()));
        secrets.extend(handle.app_secret().map(|secret| secret.expose_secret().to_owned()));
        secrets.extend(user.recovery_codes.iter().map(|code| code.expose_secret().to_owned()));
    }
    secrets
}

/// Users of each kind, to whom something happened.
fn fill(emulator: &Emulator) {
    let fake = emulator.fake();
    fake.receive_codes().unwrap();
    fake.find_recovery_codes().unwrap();
    fake.add_user(FakeUser::with_app().named("dora"));
    fake.add_user(FakeUser::without_two_factor().named("carol"));
    fake.arm(Fault::Slow { delay: Duration::ZERO });
    let session = fake.find_ensure_otp(&fake.last_sms().unwrap().otp).unwrap();
    fake.with_token(session.into_session_token().unwrap()).receive_codes().unwrap();
}

#[test]
fn it_shows_what_the_service_holds_and_did() {
    let (emulator, admin) = start(builder());
    let empty = get(admin, "/");
    for none in ["None: everything works.", "No SMS was sent.", "Nothing happened yet."] {
        assert!(empty.body.contains(none), "{none} is not in {}", empty.body);
    }
    fill(&emulator);
    ask(
        emulator.local_addr(),
        "POST",
        "/metal/v1/user/otp/verify/wrong",
        &format!("X-Auth-Token: {}\r\n", emulator.token().expose_secret()),
        "",
    );
    let page = get(admin, "/").body;
    for shown in [
        emulator.base_url().to_string().as_str(),
        "<bdi>user-1</bdi>",
        "SMS to <bdi>+1 555 0123</bdi> · 1 session",
        "<bdi>dora</bdi>",
        "authenticator app",
        "two-factor off",
        "<code data-say>slow=0</code>",
        "find_ensure_otp",
        "<bdi>refused with 400 Bad Request</bdi>",
        "<b>00:00:00 GMT</b> <span>Thu, 01 Jan 2026</span>",
    ] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
    for fault in Fault::ALL {
        assert!(page.contains(fault.describe()), "{fault} cannot be chosen in {page}");
    }
}

#[test]
fn it_holds_no_secret_beyond_the_ends_of_codes() {
    for builder in [builder(), builder().show_otps()] {
        let (emulator, admin) = start(builder);
        fill(&emulator);
        let secrets = secrets(&emulator);
        assert!(secrets.len() > 20);
        let redirect = submit(admin, "faults", "fault=sunset");
        let refused = submit(admin, "clock", "seconds=soon");
        let tag = header(&get(admin, "/"), "etag").unwrap().to_owned();
        for text in
            [get(admin, "/"), get(admin, "/?users=all"), get(admin, "/page.js"), redirect, refused]
        {
            for secret in &secrets {
                assert!(!text.body.contains(secret), "{secret} is in {}", text.body);
                assert!(!text.head.contains(&secret.to_ascii_lowercase()), "{}", text.head);
                assert!(!tag.contains(secret));
            }
        }
    }
}

#[test]
fn without_the_setting_no_form_gives_an_otp() {
    let (emulator, admin) = start(builder());
    fill(&emulator);
    let page = get(admin, "/").body;
    assert!(!page.contains("/page/otp") && !page.contains("<output"), "{page}");
    let keys = page.split("data-key=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let fields = keys.flat_map(|key| [format!("user={key}"), format!("sms={key}")]);
    for fields in fields.chain([String::new()]) {
        let refused = submit(admin, "otp", &fields);
        assert_eq!(refused.status, 403);
        assert!(refused.body.contains("start it with --show-otps"), "{}", refused.body);
        for secret in secrets(&emulator) {
            assert!(!refused.body.contains(&secret), "{secret} is in {}", refused.body);
        }
    }
}

#[test]
fn with_the_setting_a_click_shows_one_otp() {
    let (emulator, admin) = start(builder().show_otps());
    fill(&emulator);
    let page = get(admin, "/").body;
    let fake = emulator.fake();
    let sent: Vec<_> =
        fake.sms_outbox().iter().map(|sms| sms.otp.expose_secret().to_owned()).collect();
    let keys = hidden(&page, "sms");
    assert_eq!(keys.len(), 2, "{page}");

    // The latest comes first.
    for (key, otp) in keys.iter().rev().zip(&sent) {
        let shown = submit(admin, "otp", &format!("sms={key}"));
        assert_eq!(shown.status, 200);
        assert!(shown.body.contains(&format!("<output>{otp}</output>")), "{}", shown.body);
        assert_eq!(shown.body.matches("<output>").count(), 1, "only one is shown");
        let of_others = sent.iter().filter(|other| *other != otp);
        assert!(of_others.clone().all(|other| !shown.body.contains(other)), "{}", shown.body);
    }
    let [dora] = hidden(&page, "user")[..] else { panic!("one user has an app: {page}") };
    let shown = submit(admin, "otp", &format!("user={dora}"));
    let code = fake.of_user("dora").unwrap().app_code().unwrap();
    let code = code.expose_secret();
    assert!(shown.body.contains(&format!("<output>{code}</output>")), "{}", shown.body);

    assert!(!get(admin, "/").body.contains("<output>"), "the next page does not show it");
    for gone in ["sms=0123456789abcdef", "user=dora", "user=0123456789abcdef", ""] {
        assert_eq!(submit(admin, "otp", gone).status, 404, "{gone}");
    }
    let elsewhere =
        ask(admin, "POST", "/page/otp", "Origin: http://evil.example\r\n", &format!("user={dora}"));
    assert_eq!(elsewhere.status, 403);
    assert!(!elsewhere.body.contains(code));
}

#[test]
fn its_forms_work_without_a_script() {
    let (emulator, admin) = start(builder());
    let fake = emulator.fake();
    for fields in [
        "fault=lost-sms",
        "user=&operation=&times=&unavailable=3&slow=0.5&status=500&fault=slow",
        "user=user-1&operation=receive_codes&times=2&status=429&fault=status",
    ] {
        let done = submit(admin, "faults", fields);
        assert_eq!((done.status, header(&done, "location")), (303, Some("/")), "{fields}");
    }
    let armed = || {
        let armed = fake.armed_numbered();
        armed.iter().map(|(_, fault)| fault.to_string()).collect::<Vec<_>>()
    };
    let narrow = "status=429:user=user-1:operation=receive_codes:times=2";
    assert_eq!(armed(), ["lost-sms", "slow=0.5", narrow]);
    let page = get(admin, "/").body;
    let shown = "this status, for <bdi>user-1</bdi>, for <code>receive_codes</code>, 2 more times";
    assert!(page.contains(shown), "{page}");

    // Each has a button. One that is gone already is as wanted.
    let numbers = hidden(&page, "number");
    for _ in 0..2 {
        assert_eq!(submit(admin, "disarm", &format!("number={}", numbers[1])).status, 303);
        assert_eq!(armed(), ["lost-sms", narrow]);
    }
    fake.arm_custom(CustomFault::before_acting("a&b", Reply::error(403, "No")));
    assert_eq!(submit(admin, "disarm", "name=a%26b").status, 303);
    assert!(fake.armed_custom().is_empty());
    assert_eq!(submit(admin, "disarm", "").status, 303);
    assert!(armed().is_empty());

    let before = fake.date();
    let done = submit(admin, "clock?users=all", "seconds=90");
    assert_eq!((done.status, header(&done, "location")), (303, Some("/?users=all")));
    assert_eq!(fake.date().duration_since(before).unwrap(), Duration::from_secs(90));

    fake.receive_codes().unwrap();
    assert_eq!(submit(admin, "reset", "").status, 303);
    assert_eq!((fake.date(), fake.sms_outbox().len()), (before, 0));
}

#[test]
fn a_form_that_is_refused_says_why_and_changes_nothing() {
    let (emulator, admin) = start(builder());
    let before = emulator.fake().date();
    for (form, fields, why) in [
        ("faults", "fault=lost", "&#39;lost&#39; is no fault; there are lost-regenerate"),
        ("faults", "fault=%3Cb%3E", "&#39;&lt;b&gt;&#39; is no fault"),
        ("faults", "fault=slow&slow=-1", "slow=-1"),
        ("faults", "", "is no fault"),
        ("faults", "fault=sunset&user=nobody", "there is no user &#39;nobody&#39;"),
        ("faults", "fault=sunset&operation=fly", "operation is one of find_"),
        ("faults", "fault=sunset&times=0", "above 0"),
        ("faults", "fault=sunset&times=x", "above 0"),
        ("clock", "seconds=", "seconds is by how much"),
        ("clock", "seconds=1e12", "beyond the year 9999"),
    ] {
        let refused = submit(admin, form, fields);
        assert!([400, 409].contains(&refused.status), "{form} {fields}");
        assert!(refused.body.contains(why), "{why} is not in {}", refused.body);
        assert!(refused.body.contains("<main>"), "it is the page");
    }
    assert_eq!(submit(admin, "nothing", "").status, 404);
    for origin in ["http://evil.example", "null"] {
        for (form, fields) in [("faults", "fault=sunset"), ("clock", "seconds=9"), ("reset", "")] {
            let origin = format!("Origin: {origin}\r\n");
            let refused = ask(admin, "POST", &format!("/page/{form}"), &origin, fields);
            assert_eq!(refused.status, 403, "{origin} {form}");
        }
    }
    assert!(emulator.fake().armed().is_empty());
    assert_eq!(emulator.fake().date(), before);
}

#[test]
fn names_are_text_and_cannot_turn_what_stands_around_them() {
    let (emulator, admin) = start(builder());
    let fake = emulator.fake();
    let name = "<script>alert(1)</script>\u{202e}\" onclick='x'";
    let user = fake.add_user(FakeUser::with_phone("+1\u{2066}<i>").named(name));
    user.receive_codes().unwrap();
    let page = get(admin, "/").body;
    let escaped = "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;<span class=\"code-point\">U+202E</span>\
                   &quot; onclick=&#39;x&#39;</bdi>";
    assert_eq!(page.matches(escaped).count(), 3, "user, SMS and journal: {page}");
    assert!(page.contains("<bdi>+1<span class=\"code-point\">U+2066</span>&lt;i&gt;</bdi>"));
    assert_eq!(page.matches("<script").count(), 1, "its own");
    // It is as it is only where it is a value to choose.
    let (before, rest) = page.split_once("<datalist").unwrap();
    let (_, after) = rest.split_once("</datalist>").unwrap();
    assert!(![before, after].concat().contains(['\u{202e}', '\u{2066}']));
}

#[test]
fn two_hundred_users_are_shown_when_asked_for() {
    let (emulator, admin) = start(builder());
    for number in 1..200 {
        emulator.fake().add_user(FakeUser::without_two_factor().named(format!("person {number}")));
    }
    let (some, all) = (get(admin, "/").body, get(admin, "/?users=all").body);
    let shown = |page: &str| page.matches("two-factor off").count();
    assert_eq!((shown(&some), shown(&all)), (49, 199));
    assert!(some.contains("href=\"/?users=all#users\">Show all 200</a>"), "{some}");
    assert!(all.contains("action=\"/page/faults?users=all\""), "an action keeps them");
    let off =
        emulator.fake().users().iter().filter(|user| user.two_factor == TwoFactor::Off).count();
    assert_eq!(off, 199);
}

#[test]
fn a_page_that_did_not_change_is_not_sent_again() {
    let (emulator, admin) = start(builder());
    let tag = header(&get(admin, "/"), "etag").unwrap().to_owned();
    let known = format!("If-None-Match: {tag}\r\n");
    let again = ask(admin, "GET", "/", &known, "");
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    emulator.arm(Fault::Sunset);
    let changed = ask(admin, "GET", "/", &known, "");
    assert_eq!(changed.status, 200);
    assert_ne!(header(&changed, "etag"), Some(tag.as_str()));
}

#[test]
fn it_loads_and_runs_only_its_own_files() {
    let (_emulator, admin) = start(builder());
    let page = get(admin, "/");
    assert_eq!(page.status, 200);
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
             connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
        ),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cache-control", "no-store"),
    ] {
        assert_eq!(header(&page, name), Some(value));
    }
    assert!(!page.body.contains("style=\"") && !page.body.contains("onclick="), "{}", page.body);
    for (file, kind) in [
        ("/style.css", "text/css; charset=utf-8"),
        ("/page.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ] {
        let answer = get(admin, file);
        assert_eq!(header(&answer, "content-type"), Some(kind));
        let elsewhere = answer.body.replace("http://www.w3.org/2000/svg", "");
        assert!(!elsewhere.contains("//cdn") && !elsewhere.contains("http"), "{file}");
        assert!(!elsewhere.contains("url(") && !elsewhere.contains("@import"), "{file}");
        assert!(page.body.contains(&format!("\"{file}\"")), "{file} is used");
    }
}

#[test]
fn its_paths_have_the_methods_that_they_need() {
    let (_emulator, admin) = start(builder());
    for (method, path, status, allow) in [
        ("HEAD", "/", 200, None),
        ("HEAD", "/page.js", 200, None),
        ("POST", "/", 405, Some("get, head")),
        ("DELETE", "/style.css", 405, Some("get, head")),
        ("GET", "/page/faults", 405, Some("post")),
        ("POST", "/page/", 404, None),
        ("GET", "/page", 404, None),
        ("GET", "/page.css", 404, None),
    ] {
        let answer = ask(admin, method, path, "", "");
        assert_eq!((answer.status, header(&answer, "allow")), (status, allow), "{method} {path}");
    }
}

#[test]
fn with_an_admin_token_the_page_and_its_forms_ask_for_it() {
    let token = AuthToken::new("s3cret").unwrap();
    let (emulator, admin) = start(builder().show_otps().admin_token(token));
    for (method, path) in
        [("GET", "/"), ("GET", "/page.js"), ("POST", "/page/reset"), ("POST", "/page/otp")]
    {
        let refused = ask(admin, method, path, "", "");
        assert_eq!(refused.status, 401, "{method} {path}");
        assert!(header(&refused, "www-authenticate").is_some());
    }
    // As a browser sends it, with any user name: `:s3cret`.
    let login = "Authorization: Basic OnMzY3JldA==\r\n";
    assert_eq!(ask(admin, "GET", "/", login, "").status, 200);
    assert_eq!(ask(admin, "POST", "/page/faults", login, "fault=sunset").status, 303);
    assert_eq!(emulator.fake().armed(), [Fault::Sunset]);
    assert!(!ask(admin, "GET", "/", login, "").body.contains("s3cret"));
}

#[test]
fn it_is_small() {
    let (_emulator, admin) = start(builder());
    let bytes =
        ["/", "/style.css", "/page.js", "/icon.svg"].map(|path| get(admin, path).body.len());
    // It grows only on purpose.
    assert!(bytes.iter().sum::<usize>() < 28_000, "{bytes:?}");
}
