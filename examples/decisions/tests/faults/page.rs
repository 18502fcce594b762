//! The browser page: each click, under every fault.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes};
use otp_core::{Effect, Otp, OtpsApi};
use pollster::block_on;

use crate::examples;
use crate::examples::browser_page::Page;
use crate::hostile::under_every_fault;
use crate::never::{self, Login, Sms, Typed};
use crate::screen::{Shown, of};
use crate::world::World;

#[test]
fn a_click_sends_a_code() {
    under_every_fault(|world| {
        let page = examples::browser_page::Page::new(Shown::new(world));
        page.screen().types("an old one".to_owned());
        block_on(page.send_sms());
        let shown = page.screen();
        shown.is_honest();
        let told = match shown.effect() {
            None if shown.success() == "An SMS is on its way." => Sms::OnItsWay,
            None => panic!("{}", shown.success()),
            Some(Effect::NotApplied) => Sms::NotSent,
            Some(Effect::Unknown | Effect::Applied) => Sms::Perhaps,
        };
        never::sms(world, told);
        assert!(!world.is_calm() || told == Sms::OnItsWay);
        // The field waits for the code of the SMS.
        let waits = shown.focused.get() && shown.otp.borrow().is_empty();
        assert_eq!(waits, told == Sms::OnItsWay);
        if told == Sms::Perhaps {
            assert!(shown.error().contains("look at the phone"), "{}", shown.error());
        }
    });
}

#[test]
fn a_click_verifies() {
    for typed in Typed::ALL {
        under_every_fault(|world| {
            block_on(world.service.receive_codes()).unwrap();
            let text = typed.text(world).unwrap_or_default();
            let page = examples::browser_page::Page::new(Shown::new(world));
            let shown = page.screen();
            shown.types(text.clone());
            block_on(page.verify());
            shown.is_honest();
            let login = match shown.effect() {
                None if shown.success() == "Verified." => Login::In,
                None => panic!("{}", shown.success()),
                Some(Effect::NotApplied) => Login::TryAgain,
                Some(Effect::Unknown | Effect::Applied) => Login::NewCodeNeeded,
            };
            never::login(world, login);
            assert_eq!(world.sms(), 1, "nobody asked for another SMS");
            assert!(typed == Typed::Right || login != Login::In, "in by a wrong code");
            assert!(!world.is_calm() || (typed == Typed::Right) == (login == Login::In));
            // A code that may be used up is not offered again; a typing error can be corrected.
            let left = if login == Login::TryAgain { &*text } else { "" };
            assert_eq!(*shown.otp.borrow(), left);

            // Calls act in the session exactly when the page says so.
            assert_eq!(shown.session.get(), login == Login::In);
            world.calm();
            block_on(page.read_codes());
            assert_eq!(world.acted_by_the_users_token(), login != Login::In);
        });
    }
}

#[test]
fn a_click_reads_the_codes() {
    under_every_fault(|world| {
        let page = examples::browser_page::Page::new(Shown::new(world));
        let shown = page.screen();
        block_on(page.read_codes());
        shown.is_honest();
        let read = shown.success().starts_with("These are your recovery codes");
        assert_eq!(read, shown.codes().is_some());
        assert_eq!(read, world.read_the_codes());
        assert!(!world.is_calm() || read);
        page.toggle_codes();
        shown.is_honest();
        assert_eq!(shown.codes().is_some(), read);
        page.toggle_codes();
        shown.is_honest();
    });
}

/// Reveals the codes, reads that they are right, and hides them again.
macro_rules! codes_work {
    ($page:expr, $world:expr) => {
        $page.toggle_codes();
        assert!($page.screen().revealed.get());
        assert_eq!($page.screen().codes(), Some(of(&$world.in_force())), "these do not work");
        $page.toggle_codes();
        assert!(!$page.screen().revealed.get());
    };
}

/// The codes on the page are dead once they may have been replaced, also where they were revealed.
#[test]
fn a_click_replaces_the_codes() {
    for reveals in [true, false] {
        under_every_fault(|world| {
            let page = examples::browser_page::Page::new(Shown::new(world));
            let shown = page.screen();
            block_on(page.read_codes());
            shown.is_honest();
            let had_codes = shown.codes().is_some();
            if reveals {
                page.toggle_codes();
            }
            block_on(page.replace_codes());
            shown.is_honest();
            match shown.effect() {
                None => {
                    assert!(shown.success().contains("new recovery codes"));
                    assert!(!shown.revealed.get(), "new codes are masked at first");
                    codes_work!(page, world);
                    let old = of(&world.old);
                    assert!(of(&world.in_force()).iter().all(|code| !old.contains(code)));
                }
                Some(Effect::NotApplied) => {
                    assert_eq!(world.regenerated(), 0, "the codes changed, and nobody is told");
                    assert_eq!(shown.codes().is_some(), had_codes, "codes that work are gone");
                }
                Some(Effect::Unknown | Effect::Applied) => {
                    assert_eq!(shown.codes(), None, "perhaps dead codes are on the page");
                    let error = shown.error();
                    assert!(error.contains("find_recovery_codes"), "{error}");
                }
            }
            assert!(!world.is_calm() || shown.effect().is_none());
            // What the sentence advises brings the codes that work.
            world.calm();
            block_on(page.read_codes());
            shown.is_honest();
            codes_work!(page, world);
        });
    }
}

#[test]
fn a_whole_story_of_clicks() {
    for typed in [Typed::Right, Typed::Wrong] {
        under_every_fault(|world| {
            let page = examples::browser_page::Page::new(Shown::new(world));
            let shown = page.screen();
            block_on(page.send_sms());
            shown.is_honest();
            shown.types(typed.text(world).unwrap_or_default());
            block_on(page.verify());
            shown.is_honest();
            block_on(page.read_codes());
            shown.is_honest();
            page.toggle_codes();
            shown.is_honest();
            block_on(page.replace_codes());
            shown.is_honest();
            page.toggle_codes();
            shown.is_honest();
            block_on(page.read_codes());
            shown.is_honest();

            // The next one at this page sees nothing of it.
            page.form_changed();
            assert_eq!(shown.codes(), None);
            assert!(!shown.session.get());
            assert_eq!(*shown.call.borrow(), examples::browser_page::LastCall::default());
            world.calm();
            block_on(page.read_codes());
            assert!(world.acted_by_the_users_token(), "the next one acts in an old session");
        });
    }
}

/// The one function through which all clicks go: what it shows is what it returns.
#[test]
fn a_call_shows_what_it_returns() {
    under_every_fault(|world| {
        let page = examples::browser_page::Page::new(Shown::new(world));
        let sentences = examples::browser_page::Sentences {
            doing: "doing",
            done: "done",
            given_up: "given up",
        };
        let result = block_on(page.call(|| Ok(FindRecoveryCodes), sentences)).unwrap();
        let shown = page.screen();
        assert_eq!(shown.effect(), result.as_ref().err().copied());
        assert_eq!(shown.success(), if result.is_ok() { "done" } else { "" });
        assert_eq!(shown.badge("operation").as_deref(), Some("find_recovery_codes"));
        assert_eq!(shown.badge("kind").is_some(), result.is_err());
        let refused = Otp::new("../recovery-codes").map(FindEnsureOtp::new);
        let result = block_on(page.call(|| refused, sentences)).unwrap();
        assert_eq!(result.unwrap_err(), Effect::NotApplied);
        assert_eq!(shown.badge("kind").as_deref(), Some("invalid_input"));
        assert_eq!(shown.badge("attempts"), None);
    });
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Click {
    Sms,
    Verify,
    Read,
    Replace,
}

impl Click {
    const ALL: [Self; 4] = [Self::Sms, Self::Verify, Self::Read, Self::Replace];

    fn on<'a>(self, page: &'a Page<Shown<'_>>) -> Pin<Box<dyn Future<Output = ()> + 'a>> {
        match self {
            Self::Sms => Box::pin(page.send_sms()),
            Self::Verify => Box::pin(page.verify()),
            Self::Read => Box::pin(page.read_codes()),
            Self::Replace => Box::pin(page.replace_codes()),
        }
    }
}

fn poll(future: &mut Pin<Box<dyn Future<Output = ()> + '_>>) -> Poll<()> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// Each click while no answer arrives, whether the service acts or not: `end` ends the wait.
fn while_no_answer_arrives(end: impl Fn(&Page<Shown<'_>>), then: impl Fn(&Shown<'_>, Click)) {
    for (click, acts) in Click::ALL.into_iter().flat_map(|click| [(click, true), (click, false)]) {
        World::run(None, true, |world| {
            let page = Page::new(Shown::new(world));
            let shown = page.screen();
            let mut asked = 0;
            if click == Click::Verify {
                block_on(page.send_sms());
                asked = 1;
            }
            block_on(page.read_codes());
            page.toggle_codes();
            shown.types(Typed::Right.text(world).unwrap_or_default());
            world.silence(Some(acts));
            let before = world.requests();
            let mut first = click.on(&page);
            assert!(poll(&mut first).is_pending());
            assert!(shown.call.borrow().working.is_some());
            // Clicks of an impatient user, here and there.
            for second in Click::ALL {
                assert!(poll(&mut second.on(&page)).is_ready());
                assert!(shown.call.borrow().working.is_some(), "the first call is still under way");
            }
            assert!(poll(&mut first).is_pending());
            assert_eq!(world.requests(), before + 1, "{click:?}: a second click is a second call");
            end(&page);
            assert!(poll(&mut first).is_ready());
            drop(first);

            shown.is_honest();
            assert_eq!(shown.effect(), Some(Effect::Unknown));
            assert!(shown.error().contains("may have acted"), "{}", shown.error());
            assert!(world.sms() <= asked + usize::from(click == Click::Sms));
            then(shown, click);

            world.silence(None);
            let mut again = Click::Read.on(&page);
            assert!(poll(&mut again).is_ready(), "the page can be used again");
            drop(again);
            page.toggle_codes();
            shown.is_honest();
        });
    }
}

#[test]
fn giving_up_shows_nothing_that_may_be_dead_and_says_what_to_do() {
    while_no_answer_arrives(
        |page| {
            page.give_up();
        },
        |shown, click| {
            let next = match click {
                Click::Sms => "Look at the phone",
                Click::Verify => "ask for a new one",
                Click::Read => "Nothing changes",
                Click::Replace => "read the codes",
            };
            assert!(shown.error().contains(next), "{}", shown.error());
            assert_eq!(shown.codes().is_none(), click == Click::Replace);
            let used_up = click == Click::Verify;
            assert!(!used_up || shown.otp.borrow().is_empty(), "it is offered again");
        },
    );
}

/// Somebody else sits down while an answer is awaited.
#[test]
fn a_changed_form_gives_up_and_shows_nothing_of_the_one_before() {
    while_no_answer_arrives(
        |page| {
            page.form_changed();
        },
        |shown, _| {
            assert_eq!(shown.codes(), None);
            assert!(!shown.session.get());
        },
    );
}
