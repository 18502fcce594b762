//! The recovery codes on the page: masked until somebody asks for them.

use std::cell::{Cell, RefCell};

use otp_core::RecoveryCodeList;
use otp_core::secrecy::ExposeSecret;
use wasm_bindgen::JsValue;
use web_sys::{HtmlButtonElement, HtmlElement};

use crate::dom::{append, by_id};

/// The same for every code, so that it tells nothing of it.
const MASK: &str = "•••••-•••••";

pub(crate) struct Codes {
    list: HtmlElement,
    reveal: HtmlButtonElement,
    known: RefCell<Option<RecoveryCodeList>>,
    revealed: Cell<bool>,
}

impl Codes {
    pub(crate) fn find() -> Result<Self, JsValue> {
        Ok(Self {
            list: by_id("codes")?,
            reveal: by_id("reveal")?,
            known: RefCell::default(),
            revealed: Cell::default(),
        })
    }

    /// Shows these, masked; or none.
    pub(crate) fn set(&self, codes: Option<RecoveryCodeList>) {
        self.known.replace(codes);
        self.revealed.set(false);
        self.show();
    }

    /// Reveals what is masked, and masks what is revealed.
    pub(crate) fn toggle(&self) {
        self.revealed.set(!self.revealed.get());
        self.show();
    }

    fn show(&self) {
        let (known, revealed) = (self.known.borrow(), self.revealed.get());
        // A code that is not revealed is not in the document either.
        self.list.set_text_content(None);
        for code in known.iter().flatten() {
            let text = if revealed { code.expose_secret() } else { MASK };
            if let Err(error) = append(&self.list, "li", text) {
                web_sys::console::error_1(&error);
            }
        }
        self.list.set_hidden(known.is_none());
        self.reveal.set_hidden(known.is_none());
        self.reveal.set_text_content(Some(if revealed { "Hide" } else { "Reveal" }));
        let _ = self.reveal.set_attribute("aria-pressed", if revealed { "true" } else { "false" });
    }
}
