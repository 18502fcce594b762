//! The browser page's screen as a plain value, and what it must never show.

use std::cell::{Cell, RefCell};

use otp_core::local::OtpsClient;
use otp_core::secrecy::ExposeSecret;
use otp_core::{Effect, Error};

use crate::examples::browser_page::{LastCall, Screen};
use crate::world::World;

/// What the user sees.
pub struct Shown<'a> {
    world: &'a World,
    pub otp: RefCell<String>,
    pub focused: Cell<bool>,
    pub call: RefCell<LastCall>,
    pub codes: RefCell<Option<Vec<String>>>,
    pub revealed: Cell<bool>,
    pub session: Cell<bool>,
}

impl<'a> Shown<'a> {
    pub fn new(world: &'a World) -> Self {
        Self {
            world,
            otp: RefCell::default(),
            focused: Cell::default(),
            call: RefCell::default(),
            codes: RefCell::default(),
            revealed: Cell::default(),
            session: Cell::default(),
        }
    }

    pub fn types(&self, otp: String) {
        self.otp.replace(otp);
    }

    pub fn success(&self) -> &'static str {
        self.call.borrow().success
    }

    pub fn error(&self) -> String {
        self.call.borrow().error.clone()
    }

    pub fn badge(&self, name: &str) -> Option<String> {
        let call = self.call.borrow();
        let mut badges = call.badges.iter().filter(|badge| badge.name == name);
        let badge = badges.next().map(|badge| badge.text.clone());
        assert!(badges.next().is_none(), "{name} twice");
        badge
    }

    /// The effect of a failure.
    pub fn effect(&self) -> Option<Effect> {
        Some(match &*self.badge("effect")? {
            "effect: not applied" => Effect::NotApplied,
            "effect: unknown" => Effect::Unknown,
            "effect: applied" => Effect::Applied,
            other => panic!("{other}"),
        })
    }

    /// The codes as they are shown.
    pub fn codes(&self) -> Option<Vec<String>> {
        self.codes.borrow().clone()
    }

    /// What holds after each click, whatever went wrong.
    pub fn is_honest(&self) {
        let (call, world) = (self.call.borrow(), self.world);
        assert_eq!(call.working, None, "the call is over");
        // One of the two, and the effect with a failure.
        assert_ne!(call.success.is_empty(), call.error.is_empty(), "{call:?}");
        assert_eq!(call.error.is_empty(), self.effect().is_none(), "{call:?}");

        assert!(world.sms() <= 1, "two SMS, and the user asked for one");
        assert!(world.verified() <= 1, "verified twice");
        assert!(world.regenerated() <= 1, "regenerated twice");

        if call.success == "Verified." || self.session.get() {
            assert_eq!(world.verified(), 1, "in without a verification");
            assert!(world.said_verified(), "in by an error");
        }
        if let Some(codes) = &*self.codes.borrow() {
            let in_force = of(&world.in_force());
            assert_eq!(codes.len(), in_force.len());
            if self.revealed.get() {
                assert_eq!(*codes, in_force, "dead codes are on the page");
            } else {
                assert!(codes.iter().all(|code| *code == "•••••-•••••"), "a code is not masked");
            }
        }
        if call.success.contains("new recovery codes") {
            assert_eq!(world.regenerated(), 1, "old codes are shown as new ones");
            assert!(self.codes.borrow().is_some(), "where are they?");
        }
    }
}

/// The texts of these codes.
pub fn of(codes: &otp_core::RecoveryCodeList) -> Vec<String> {
    codes.iter().map(|code| code.expose_secret().to_owned()).collect()
}

impl Screen for Shown<'_> {
    fn client(&self) -> Result<OtpsClient, Error> {
        Ok(self.world.local_client())
    }

    fn otp(&self) -> String {
        self.otp.borrow().clone()
    }

    fn clear_otp(&self) {
        self.otp.borrow_mut().clear();
    }

    fn focus_otp(&self) {
        self.focused.set(true);
    }

    fn show_call(&self, call: &LastCall) {
        self.call.replace(call.clone());
    }

    fn show_codes(&self, codes: Option<&[&str]>, revealed: bool) {
        self.codes.replace(codes.map(|codes| codes.iter().map(|&code| code.to_owned()).collect()));
        self.revealed.set(revealed);
    }

    fn show_session(&self, is_session: bool) {
        self.session.set(is_session);
    }
}
