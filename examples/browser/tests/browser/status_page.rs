//! The emulator's status page, as a person has it in a browser beside a test.

use std::time::Duration;

use otp_core::Otp;
use otp_core::blocking::OtpsApi;
use otp_core::secrecy::ExposeSecret;
use otp_emulator::{Emulator, FakeOtps, Fault};
use otp_mock::FakeUser;

use crate::browser::{Browser, eventually};

/// An emulator to which something happened, and its status page in a browser.
fn open() -> (Emulator, Browser) {
    let alice = FakeUser::with_phone("+1 555 0123").named("alice");
    let fake =
        FakeOtps::builder().seed(7).user(alice).wrong_otps(3, Duration::from_secs(900)).build();
    let emulator = Emulator::builder()
        .plain()
        .fake(fake)
        .admin("127.0.0.1:0".parse().unwrap())
        .start()
        .unwrap();
    let fake = emulator.fake();
    fake.receive_codes().unwrap();
    fake.advance(Duration::from_millis(2_750));
    fake.find_ensure_otp(&fake.last_sms().unwrap().otp).unwrap();
    fake.arm(Fault::LostRegenerate);
    fake.advance(Duration::from_secs(40));
    fake.regenerate_codes().unwrap_err();
    let bob = fake.add_user(FakeUser::with_app().named("bob"));
    for _ in 0..3 {
        bob.find_ensure_otp(&Otp::new("wrong").unwrap()).unwrap_err();
    }
    fake.add_user(FakeUser::without_two_factor().named("carol"));
    fake.arm(Fault::Unavailable { times: 3 });
    fake.arm(Fault::Sunset);

    let browser = Browser::start();
    browser.open(&emulator.admin_url().unwrap());
    (emulator, browser)
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn it_shows_users_faults_the_outbox_and_the_journal_and_no_secret() {
    let (emulator, browser) = open();
    let faults = browser.text("faults");
    let unavailable = "unavailable=3 the next requests are answered 503, 3 more times";
    assert!(faults.contains(unavailable), "{faults}");
    assert!(faults.contains("sunset"), "{faults}");

    let users = browser.text("users");
    for shown in
        ["alice", "SMS to +1 555 0123", "bob locked out", "authenticator app", "carol", "off"]
    {
        assert!(users.contains(shown), "{shown} is not in {users}");
    }
    assert_eq!(browser.value("document.querySelectorAll('#users .codes code').length"), 20);
    assert_eq!(browser.value("document.querySelectorAll('#journal tbody tr').length"), 7);
    let latest = browser.value("document.querySelector('#journal tbody tr').innerText");
    assert!(latest.as_str().unwrap().contains("refused with 400 Bad Request"), "{latest}");
    let journal = browser.text("journal");
    assert!(journal.contains("struck by lost-regenerate"), "{journal}");

    let sent = emulator.fake().last_sms().unwrap().otp;
    let masked = format!("+1 555 0123\nalice\n••••{}", &sent.expose_secret()[4..]);
    assert!(browser.text("outbox").contains(&masked), "{}", browser.text("outbox"));
    let source = browser.value("document.documentElement.outerHTML").to_string();
    let mut secrets = vec![emulator.token().expose_secret().to_owned()];
    secrets.push(sent.expose_secret().to_owned());
    for user in emulator.fake().users() {
        secrets.extend(user.recovery_codes.iter().map(|code| code.expose_secret().to_owned()));
    }
    assert!(secrets.iter().all(|secret| !source.contains(secret)), "{source}");
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn it_follows_what_happens_by_itself() {
    let (emulator, browser) = open();
    emulator.fake().disarm_all();
    emulator.fake().advance(Duration::from_secs(10));
    emulator.fake().receive_codes().unwrap();
    eventually(|| browser.value("document.querySelectorAll('#outbox tbody tr').length") == 2);
    assert!(browser.text("faults").contains("None: everything works."));
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn it_is_styled_by_its_own_style_and_the_browser_has_no_complaint() {
    let (_emulator, browser) = open();
    // The driver may come back from a first page while its style is on its way.
    eventually(|| browser.value("document.readyState") == "complete");
    assert_eq!(browser.value("getComputedStyle(document.querySelector('main')).display"), "grid");
    // It runs no script but its own: not even one that is put there by hand.
    assert_eq!(browser.complaints(), Vec::<String>::new());
    browser.value(
        "document.body.appendChild(Object.assign(document.createElement('script'), \
         { textContent: 'document.title = \"run\"' }))",
    );
    assert_eq!(browser.value("document.title"), "otp-emulator");
    assert!(browser.complaints().iter().any(|complaint| complaint.contains("Content Security")));
}

#[test]
#[ignore = "writes the status page's pictures: build-and-test --screenshots"]
fn pictures_of_the_status_page() {
    let (_emulator, browser) = open();
    for (colours, file) in [("light", "status-page.png"), ("dark", "status-page-dark.png")] {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/").to_owned() + file;
        std::fs::write(file, browser.picture(colours, 1200)).unwrap();
    }
}

/// Asks for an SMS, as a user's program does.
pub fn ask_for_sms(user: &FakeOtps) {
    user.receive_codes().unwrap();
}
