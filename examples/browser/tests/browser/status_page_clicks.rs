//! The status page by clicks: what its buttons do.

use std::time::Duration;

use otp_core::secrecy::ExposeSecret;
use otp_emulator::{Emulator, EmulatorBuilder, FakeOtps, Fault};
use otp_mock::FakeUser;

use crate::browser::{Browser, eventually};
use crate::status_page::ask_for_sms;

const ENTER: char = '\u{e007}';
const ESCAPE: char = '\u{e00c}';

/// An emulator whose clock stands, with `alice` who has a phone and `dora` who has an app, and its page.
pub fn open_with(change: impl Fn(EmulatorBuilder) -> EmulatorBuilder) -> (Emulator, Browser) {
    let alice = FakeUser::with_phone("+1 555 0123").named("alice");
    let fake = FakeOtps::builder().seed(7).user(alice).build();
    fake.add_user(FakeUser::with_app().named("dora"));
    let builder = Emulator::builder().plain().fake(fake).admin("127.0.0.1:0".parse().unwrap());
    let emulator = change(builder).start().unwrap();
    let browser = Browser::start();
    browser.open(&emulator.admin_url().unwrap());
    (emulator, browser)
}

pub fn open() -> (Emulator, Browser) {
    open_with(|builder| builder)
}

pub fn armed(emulator: &Emulator) -> Vec<String> {
    let armed = emulator.fake().armed_numbered();
    armed.iter().map(|(_, fault)| fault.to_string()).collect()
}

/// Waits until the page has looked at the emulator again.
pub fn wait_for_a_look(browser: &Browser) {
    browser.value("performance.clearResourceTimings()");
    eventually(|| browser.value("performance.getEntriesByType('resource').length > 1") == true);
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn faults_are_armed_and_disarmed_by_clicks() {
    let (emulator, browser) = open();
    browser.click_on("#arm summary");
    browser.click_on("button[value=lost-sms]");
    browser.wait_until("document.querySelector('#faults .count').textContent === '1'");
    assert_eq!(armed(&emulator), ["lost-sms"]);
    assert_eq!(browser.text("said"), "lost-sms is armed.");
    assert_eq!(browser.value("document.getElementById('arm').open"), true, "for the next one");

    browser.value("document.querySelector('input[name=slow]').value = '0.25'");
    browser.value("document.querySelector('input[name=user]').value = 'dora'");
    browser.click_on("button[value=slow]");
    browser.wait_until("document.querySelector('#faults .count').textContent === '2'");
    assert_eq!(armed(&emulator), ["lost-sms", "slow=0.25:user=dora"]);

    browser.click_on("#faults li[data-key] button");
    browser.wait_until("document.querySelector('#faults .count').textContent === '1'");
    assert_eq!(armed(&emulator), ["slow=0.25:user=dora"]);
    // The focus is not lost with the button.
    assert_eq!(browser.value("document.activeElement.closest('section').id"), "faults");

    emulator.arm(Fault::Sunset);
    browser.wait_until("document.querySelector('#faults .count').textContent === '2'");
    browser.click_on("#faults form[data-done='No fault is armed.'] button");
    browser.wait_until("document.querySelector('#faults .count').textContent === '0'");
    assert!(armed(&emulator).is_empty());
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn a_refused_form_says_why_until_the_next_click() {
    let (emulator, browser) = open();
    browser.click_on("#arm summary");
    browser.value("document.querySelector('input[name=user]').value = 'nobody'");
    browser.click_on("button[value=sunset]");
    browser.wait_until("document.getElementById('notice').textContent");
    assert_eq!(browser.text("notice"), "there is no user 'nobody'");
    wait_for_a_look(&browser);
    assert_eq!(browser.text("notice"), "there is no user 'nobody'");
    assert!(armed(&emulator).is_empty());

    browser.value("document.querySelector('input[name=user]').value = ''");
    browser.click_on("button[value=sunset]");
    browser.wait_until("!document.getElementById('notice').textContent");
    assert_eq!(armed(&emulator), ["sunset"]);
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn the_clock_is_advanced_by_clicks() {
    let (emulator, browser) = open();
    let before = emulator.fake().date();
    let passed = || emulator.fake().date().duration_since(before).unwrap();
    browser.click_on("button[value='300']");
    browser.wait_until("document.querySelector('#clock b').textContent === '00:05:00 GMT'");
    assert_eq!(passed(), Duration::from_secs(300));
    browser.value("document.querySelector('#clock input').value = '0.5'");
    browser.click_on("#clock form:last-of-type button");
    eventually(|| passed() == Duration::from_millis(300_500));
    // Nothing is sent that is no number.
    browser.value("document.querySelector('#clock input').value = ''");
    browser.click_on("#clock form:last-of-type button");
    wait_for_a_look(&browser);
    assert_eq!(passed(), Duration::from_millis(300_500));
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn reset_asks_once() {
    let (emulator, browser) = open();
    emulator.arm(Fault::LostSms);
    browser.click_on("[popovertarget=confirm]");
    assert_eq!(browser.focused_name(), "Keep everything");
    browser.press(ENTER);
    assert_eq!(browser.value("document.querySelector(':popover-open')"), serde_json::Value::Null);
    assert_eq!(browser.focused_name(), "Reset…");
    browser.press(ENTER);
    browser.press(ESCAPE);
    assert_eq!(armed(&emulator), ["lost-sms"]);

    browser.click_on("[popovertarget=confirm]");
    browser.click_on("#confirm form .danger");
    browser.wait_until("document.getElementById('said').textContent === 'The emulator is reset.'");
    assert!(armed(&emulator).is_empty());
    assert_eq!(browser.value("document.querySelector(':popover-open')"), serde_json::Value::Null);
    assert!(browser.text("faults").contains("None: everything works."));
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn a_click_shows_one_otp_and_another_hides_it() {
    let (emulator, browser) = open_with(EmulatorBuilder::show_otps);
    let fake = emulator.fake();
    ask_for_sms(fake);
    ask_for_sms(fake);
    browser.wait_until("document.querySelectorAll('#outbox tbody tr').length === 2");
    let shown =
        || browser.value("[...document.querySelectorAll('output')].map(o => o.textContent)");
    let source = || browser.value("document.documentElement.outerHTML").to_string();
    let otp = fake.last_sms().unwrap().otp.expose_secret().to_owned();
    assert!(!source().contains(&otp));

    browser.click_on("#outbox button");
    browser.wait_until("document.querySelector('output')");
    assert_eq!(shown(), serde_json::json!([otp]));
    assert_eq!(browser.focused_name(), "Hide OTP of SMS to +1 555 0123");
    // It stays while the page updates itself.
    ask_for_sms(fake);
    browser.wait_until("document.querySelectorAll('#outbox tbody tr').length === 3");
    assert_eq!(shown(), serde_json::json!([otp]));
    assert_eq!(browser.focused_name(), "Hide OTP of SMS to +1 555 0123");

    browser.click_on("#users .reveal button");
    let code = fake.of_user("dora").unwrap().app_code().unwrap();
    browser.wait_until("document.querySelector('#users output')");
    assert_eq!(shown(), serde_json::json!([code.expose_secret()]), "one at a time");
    browser.press(ENTER);
    browser.wait_until("!document.querySelector('output')");
    assert!(!source().contains(code.expose_secret()));
    assert_eq!(browser.focused_name(), "Show code of dora");
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn without_the_setting_the_page_has_no_button_for_otps() {
    let (emulator, browser) = open();
    ask_for_sms(emulator.fake());
    browser.wait_until("document.querySelectorAll('#outbox tbody tr').length === 1");
    assert_eq!(browser.value("document.querySelectorAll('.reveal').length"), 0);
    let otp = emulator.fake().last_sms().unwrap().otp;
    let source = browser.value("document.documentElement.outerHTML").to_string();
    assert!(!source.contains(otp.expose_secret()));
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn enter_in_a_field_arms_no_fault() {
    let (emulator, browser) = open();
    browser.click_on("#arm summary");
    browser.click_on("input[name=times]");
    browser.press('2');
    browser.press(ENTER);
    wait_for_a_look(&browser);
    assert!(armed(&emulator).is_empty());
}
