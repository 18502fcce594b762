//! The status page beside a person: what stays while it updates itself, on every screen, by keys, and without
//! JavaScript.

use std::time::Duration;

use otp_core::AuthToken;
use otp_core::secrecy::ExposeSecret;
use otp_emulator::{Emulator, EmulatorBuilder, Fault};
use otp_mock::FakeUser;

use crate::browser::eventually;
use crate::status_page::ask_for_sms;
use crate::status_page_clicks::{armed, open, open_with, wait_for_a_look};

const TAB: char = '\u{e004}';

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn what_a_person_is_doing_stays_while_the_page_updates_itself() {
    let (emulator, browser) = open();
    let fake = emulator.fake();
    for _ in 0..30 {
        ask_for_sms(fake);
    }
    browser.wait_until("document.querySelectorAll('#journal tbody tr').length === 30");
    browser.resize(1200, 700);
    browser.click_on("#arm summary");
    browser.click_on("input[name=user]");
    browser.press('d');
    // A selection, a scroll position inside and one of the page; the rows themselves are marked.
    browser.value(
        "(() => {
             const row = document.querySelector('#journal tbody tr:nth-child(20)');
             row.marked = true;
             document.querySelector('#arm ul').scrollTop = 90;
             window.scrollTo(0, 300);
             const typed = document.querySelector('input[name=user]');
             typed.setSelectionRange(0, 1);
             window.top_before = row.getBoundingClientRect().top;
         })()",
    );
    fake.arm(Fault::LostVerify);
    fake.advance(Duration::from_secs(61));
    ask_for_sms(fake);
    fake.add_user(FakeUser::without_two_factor().named("new"));
    browser.wait_until(
        "document.querySelectorAll('#journal tbody tr').length === 31
         && document.querySelector('#clock b').textContent === '00:01:01 GMT'",
    );
    for (expression, value) in [
        ("document.activeElement.name", serde_json::json!("user")),
        ("document.activeElement.value", serde_json::json!("d")),
        ("document.activeElement.selectionEnd", serde_json::json!(1)),
        ("document.getElementById('arm').open", serde_json::json!(true)),
        ("document.querySelector('#arm ul').scrollTop", serde_json::json!(90)),
        (
            "document.querySelector('#journal tbody tr:nth-child(21)').marked",
            serde_json::json!(true),
        ),
    ] {
        assert_eq!(browser.value(expression), value, "{expression}");
    }
    assert!(browser.text("users").contains("new"));

    // An open dialog stays too, and text that is selected.
    browser.value("getSelection().selectAllChildren(document.querySelector('#users h3'))");
    browser.value("document.getElementById('confirm').showPopover()");
    ask_for_sms(fake);
    browser.wait_until("document.querySelectorAll('#journal tbody tr').length === 32");
    assert_eq!(browser.value("document.getElementById('confirm').matches(':popover-open')"), true);
    assert_eq!(browser.value("getSelection().toString().trim()"), "alice");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn the_patched_page_is_the_one_that_a_reload_would_show() {
    let (emulator, browser) = open();
    let fake = emulator.fake();
    let same = "(() => {
         const request = new XMLHttpRequest();
         request.open('GET', '/', false);
         request.send();
         const fresh = new DOMParser().parseFromString(request.responseText, 'text/html');
         const [a, b] = [fresh, document].map(page => page.querySelector('main').innerHTML);
         // White space between rows is not seen.
         return a.replace(/>\\s+</g, '><') === b.replace(/>\\s+</g, '><');
     })()";
    let steps: [&dyn Fn(); 9] = [
        &|| (0..3).for_each(|_| ask_for_sms(fake)),
        &|| [Fault::LostVerify, Fault::Sunset, Fault::Sunset].into_iter().for_each(|f| fake.arm(f)),
        &|| assert_eq!(fake.disarm_named("sunset"), 1),
        &|| (0..60).for_each(|_| drop(fake.add_user(FakeUser::with_app()))),
        &|| fake.disarm_all(),
        &|| (0..70).for_each(|_| ask_for_sms(fake)),
        &|| assert!(["user-7", "alice"].iter().all(|name| fake.remove_user(name))),
        &|| fake.advance(Duration::from_secs(1)),
        &|| fake.reset(),
    ];
    for step in steps {
        step();
        eventually(|| browser.value(same) == true);
    }
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn changes_are_said_once_and_politely() {
    let (emulator, browser) = open();
    wait_for_a_look(&browser);
    assert_eq!(browser.value("document.getElementById('said').textContent"), "");
    assert_eq!(browser.value("document.getElementById('said').role"), "status");
    emulator.arm(Fault::LostVerify);
    browser.wait_until("document.getElementById('said').textContent === 'Armed: lost-verify.'");
    emulator.fake().advance(Duration::from_secs(1));
    browser.wait_until("document.querySelector('#clock b').textContent === '00:00:01 GMT'");
    assert_eq!(browser.text("said"), "Armed: lost-verify.", "the clock is not read out");
    ask_for_sms(emulator.fake());
    browser.wait_until("document.getElementById('said').textContent === 'Journal: SMS sent.'");
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn a_hidden_tab_asks_nothing() {
    let (emulator, browser) = open();
    wait_for_a_look(&browser);
    let turn = |hidden: bool| {
        browser.value(&format!(
            "(Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }}), \
             document.dispatchEvent(new Event('visibilitychange')))"
        ));
    };
    turn(true);
    // What was asked before may still come.
    std::thread::sleep(Duration::from_millis(300));
    browser.value("performance.clearResourceTimings()");
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(browser.value("performance.getEntriesByType('resource').length"), 0);
    emulator.arm(Fault::Sunset);
    turn(false);
    browser.wait_until("document.querySelector('#faults .count').textContent === '1'");
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn it_says_that_the_emulator_is_gone_and_finds_the_next_one() {
    let (emulator, browser) = open();
    browser.wait_until("document.getElementById('link').textContent === 'Live'");
    let address = emulator.admin_url().unwrap();
    let address = address.trim_start_matches("http://").parse().unwrap();
    drop(emulator);
    browser.wait_until("document.getElementById('link').textContent.includes('does not answer')");
    assert_eq!(browser.value("document.getElementById('link').role"), "status");

    let next = Emulator::builder().plain().admin(address).start().unwrap();
    next.fake().add_user(FakeUser::with_app().named("of the next one"));
    browser.wait_until("document.getElementById('link').textContent === 'Live'");
    assert!(browser.text("users").contains("of the next one"));
    let url = next.base_url().to_string();
    assert_eq!(browser.value("document.querySelector('header code').textContent"), url);
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn nothing_runs_off_the_page() {
    let (emulator, browser) = open_with(EmulatorBuilder::show_otps);
    let fake = emulator.fake();
    let combining = format!("Z{}", "\u{335}\u{321}".repeat(70));
    for name in [
        "x".repeat(140),
        "שלום".repeat(35),
        "\u{202e}\u{2067}مرحبا بالعالم ".repeat(9),
        "\u{200b}".repeat(140),
        "W W".repeat(46),
        combining,
        String::new(),
    ] {
        let phone = format!("+{}", "0".repeat(139));
        let user = fake.add_user(FakeUser::with_phone(phone).named(name.clone()));
        ask_for_sms(&user);
        fake.arm(Fault::Status { status: 403 }.for_user(name));
    }
    fake.add_user(FakeUser::with_app().named("y".repeat(140)));
    fake.advance(Duration::from_secs(200_000_000_000));
    ask_for_sms(fake);
    for width in [320, 390, 768, 1200, 1440, 2560] {
        browser.resize(width, 800);
        browser.open(&emulator.admin_url().unwrap());
        browser.click_on("#arm summary");
        let wide = browser.value(
            "(() => {
                 const most = document.documentElement.clientWidth;
                 const seen = [...document.querySelectorAll('body *:not(.unseen, .unseen *, option)')];
                 const off = seen.filter(element => {
                     const box = element.getBoundingClientRect();
                     return box.width && (box.right > most + 0.5 || box.left < -0.5);
                 });
                 const inside = seen.filter(e => e.scrollWidth > e.clientWidth + 1
                     && getComputedStyle(e).display !== 'inline' && e.clientWidth
                     && !e.closest('thead') && e.nodeName !== 'INPUT' && e.nodeName !== 'SELECT');
                 return [...off, ...inside].map(element => element.outerHTML.slice(0, 200));
             })()",
        );
        assert_eq!(wide, serde_json::json!([]), "{width}");
        assert_eq!(
            browser.value("document.documentElement.scrollWidth <= window.innerWidth"),
            true
        );
        let columns = browser.value(
            "new Set([...document.querySelectorAll('.column')].map(c => \
             Math.round(c.getBoundingClientRect().left))).size",
        );
        assert_eq!(
            columns,
            [(320, 1), (390, 1), (768, 2)].iter().find(|(w, _)| *w == width).map_or(3, |(_, n)| *n)
        );
    }
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn it_is_used_by_keys_alone_in_the_order_in_which_it_is_seen() {
    let (emulator, browser) = open_with(EmulatorBuilder::show_otps);
    ask_for_sms(emulator.fake());
    browser.wait_until("document.querySelectorAll('#outbox tbody tr').length === 1");
    browser.resize(1440, 900);
    let mut names = Vec::new();
    loop {
        browser.press(TAB);
        if browser.value("document.activeElement === document.body") == true {
            break;
        }
        let outline = browser.value("getComputedStyle(document.activeElement).outlineStyle");
        assert_eq!(outline, "solid", "the focus on {names:?} is seen");
        names.push(browser.focused_name());
        assert!(names.len() < 100, "{names:?}");
    }
    assert_eq!(
        names,
        [
            "Reset…",
            "Arm a fault",
            "Advance the clock by 30 s",
            "Advance the clock by 5 min",
            "Advance the clock by 15 min",
            "Advance the clock by 1 h",
            "Seconds",
            "Advance the clock",
            "Show OTP of SMS to +1 555 0123",
            "Show code of dora",
        ]
    );
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn without_javascript_its_buttons_work_too() {
    let (emulator, browser) = open_with(EmulatorBuilder::show_otps);
    ask_for_sms(emulator.fake());
    browser.disable_scripts();
    browser.open(&emulator.admin_url().unwrap());
    // In one step: each click leads to another document.
    let shows = |id: &str, text: &str| {
        let script = format!("document.getElementById('{id}').innerText.includes('{text}')");
        browser.value(&script) == true
    };
    assert!(shows("outbox", "+1 555 0123"));
    browser.click_on("#arm summary");
    browser.click_on("button[value=lost-sms]");
    eventually(|| armed(&emulator) == ["lost-sms"]);
    eventually(|| shows("faults", "Disarm"));
    browser.click_on("#outbox button");
    let otp = emulator.fake().last_sms().unwrap().otp;
    eventually(|| shows("outbox", otp.expose_secret()));
    browser.click_on("#outbox button");
    eventually(|| !shows("outbox", otp.expose_secret()));
    browser.click_on("[popovertarget=confirm]");
    browser.click_on("#confirm form .danger");
    eventually(|| armed(&emulator).is_empty());
}

#[test]
#[ignore = "needs a browser: .ci/run runs it"]
fn with_an_admin_token_a_person_logs_in_once() {
    let token = AuthToken::new("s3cret").unwrap();
    let (emulator, browser) = open_with(move |builder| builder.admin_token(token.clone()));
    let url = emulator.admin_url().unwrap();
    browser.open(&url.replace("http://", "http://anybody:s3cret@"));
    browser.wait_until("document.getElementById('link').textContent === 'Live'");
    emulator.arm(Fault::Sunset);
    browser.wait_until("document.querySelector('#faults .count').textContent === '1'");
    browser.click_on("#faults li[data-key] button");
    eventually(|| armed(&emulator).is_empty());
}
