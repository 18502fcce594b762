//! What became of the last call: badges, and one sentence in the client's own words.

use std::cell::RefCell;
use std::time::Duration;

use futures_util::future::AbortHandle;
use otp_core::{Effect, Error, Metadata};
use wasm_bindgen::JsValue;
use web_sys::HtmlElement;

use crate::dom::{append, by_id};

pub(crate) struct Outcome {
    main: HtmlElement,
    working: HtmlElement,
    working_text: HtmlElement,
    badges: HtmlElement,
    success: HtmlElement,
    error: HtmlElement,
    under_way: RefCell<Option<AbortHandle>>,
}

impl Outcome {
    pub(crate) fn find() -> Result<Self, JsValue> {
        Ok(Self {
            main: by_id("main")?,
            working: by_id("working")?,
            working_text: by_id("working-text")?,
            badges: by_id("badges")?,
            success: by_id("success")?,
            error: by_id("error")?,
            under_way: RefCell::default(),
        })
    }

    /// The page may be used.
    pub(crate) fn ready(&self) {
        self.busy(false);
    }

    /// Shows that a call is under way. False if one is already: a second click is not a second SMS.
    pub(crate) fn begin(&self, doing: &str, abort: AbortHandle) -> bool {
        if self.under_way.borrow().is_some() {
            return false;
        }
        self.under_way.replace(Some(abort));
        self.clear();
        self.working_text.set_text_content(Some(doing));
        self.busy(true);
        true
    }

    /// Gives up the call that is under way.
    pub(crate) fn cancel(&self) {
        if let Some(abort) = &*self.under_way.borrow() {
            abort.abort();
        }
    }

    pub(crate) fn succeeded(&self, operation: &str, done: &str, about: &Metadata, took: Duration) {
        self.end();
        self.badge("operation", operation, "");
        self.badge("status", &format!("HTTP {}", about.status().as_u16()), "good");
        self.attempts(about.attempts(), took);
        self.success.set_text_content(Some(done));
    }

    pub(crate) fn failed(&self, error: &Error, took: Duration) {
        self.end();
        if let Some(operation) = error.operation() {
            self.badge("operation", operation, "");
        }
        self.effect(error.effect());
        self.badge("kind", error.kind().as_str(), "");
        if let Some(status) = error.status() {
            self.badge("status", &format!("HTTP {}", status.as_u16()), "");
        }
        self.attempts(error.attempts().len(), took);
        self.error.set_text_content(Some(&error.to_string()));
    }

    pub(crate) fn cancelled(&self, operation: &str) {
        self.end();
        self.badge("operation", operation, "");
        self.effect(Effect::Unknown);
        self.error.set_text_content(Some("You gave up: the server may have acted all the same."));
    }

    fn end(&self) {
        self.under_way.replace(None);
        self.clear();
        self.busy(false);
    }

    fn clear(&self) {
        for element in [&self.working_text, &self.badges, &self.success, &self.error] {
            element.set_text_content(None);
        }
        self.badges.set_hidden(true);
    }

    fn busy(&self, busy: bool) {
        let _ = self.main.set_attribute("aria-busy", if busy { "true" } else { "false" });
        self.working.set_hidden(!busy);
    }

    fn attempts(&self, attempts: usize, took: Duration) {
        let attempts = match attempts {
            0 => return,
            1 => "1 attempt".to_owned(),
            more => format!("{more} attempts"),
        };
        self.badge("attempts", &attempts, "");
        self.badge("took", &format!("{} ms", took.as_millis()), "");
    }

    fn effect(&self, effect: Effect) {
        let (text, state) = match effect {
            Effect::NotApplied => ("effect: not applied", "good"),
            Effect::Unknown => ("effect: unknown", "warn"),
            Effect::Applied => ("effect: applied", "bad"),
        };
        self.badge("effect", text, state);
    }

    fn badge(&self, name: &str, text: &str, state: &str) {
        let badge = append(&self.badges, "span", text).and_then(|badge| {
            badge.set_class_name("pill");
            badge.set_attribute("data-name", name)?;
            badge.set_attribute("data-state", state)
        });
        match badge {
            Ok(()) => self.badges.set_hidden(false),
            Err(error) => web_sys::console::error_1(&error),
        }
    }
}
