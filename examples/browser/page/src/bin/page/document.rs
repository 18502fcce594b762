//! The document as a screen: it shows what the page has decided, and decides nothing.

use otp_core::Error;
use otp_core::local::OtpsClient;
use otp_example_browser_page::decisions::{LastCall, Screen};
use wasm_bindgen::JsValue;
use web_sys::{HtmlButtonElement, HtmlDialogElement, HtmlElement, HtmlInputElement};

use crate::dom::{append, by_id};
use crate::service::Service;

pub(crate) struct Document {
    service: Service,
    session: HtmlElement,
    otp: HtmlInputElement,
    confirm: HtmlDialogElement,
    codes: HtmlElement,
    reveal: HtmlButtonElement,
    main: HtmlElement,
    working: HtmlElement,
    working_text: HtmlElement,
    badges: HtmlElement,
    success: HtmlElement,
    error: HtmlElement,
}

impl Document {
    pub(crate) fn find() -> Result<Self, JsValue> {
        Ok(Self {
            service: Service::find()?,
            session: by_id("session")?,
            otp: by_id("otp")?,
            confirm: by_id("confirm")?,
            codes: by_id("codes")?,
            reveal: by_id("reveal")?,
            main: by_id("main")?,
            working: by_id("working")?,
            working_text: by_id("working-text")?,
            badges: by_id("badges")?,
            success: by_id("success")?,
            error: by_id("error")?,
        })
    }

    /// Fills the form. From then on the page may be used.
    pub(crate) async fn prefill(&self) {
        self.service.prefill().await;
        set(&self.main, "aria-busy", "false");
    }

    pub(crate) fn ask_to_confirm(&self) {
        if let Err(error) = self.confirm.show_modal() {
            web_sys::console::error_1(&error);
        }
    }

    pub(crate) fn confirmed(&self) {
        self.confirm.close();
    }
}

impl Screen for Document {
    fn client(&self) -> Result<OtpsClient, Error> {
        self.service.client()
    }

    fn otp(&self) -> String {
        self.otp.value()
    }

    fn clear_otp(&self) {
        self.otp.set_value("");
    }

    fn focus_otp(&self) {
        let _ = self.otp.focus();
    }

    fn show_call(&self, call: &LastCall) {
        self.working.set_hidden(call.working.is_none());
        self.working_text.set_text_content(call.working);
        self.success.set_text_content(Some(call.success));
        self.error.set_text_content(Some(&call.error));
        self.badges.set_text_content(None);
        for badge in &call.badges {
            if let Some(element) = child(&self.badges, "span", &badge.text) {
                element.set_class_name("pill");
                set(&element, "data-name", badge.name);
                set(&element, "data-state", badge.state);
            }
        }
        self.badges.set_hidden(call.badges.is_empty());
        set(&self.main, "aria-busy", if call.working.is_some() { "true" } else { "false" });
    }

    fn show_codes(&self, codes: Option<&[&str]>, revealed: bool) {
        self.codes.set_text_content(None);
        for code in codes.unwrap_or_default() {
            child(&self.codes, "li", code);
        }
        self.codes.set_hidden(codes.is_none());
        self.reveal.set_hidden(codes.is_none());
        self.reveal.set_text_content(Some(if revealed { "Hide" } else { "Reveal" }));
        set(&self.reveal, "aria-pressed", if revealed { "true" } else { "false" });
    }

    fn show_session(&self, is_session: bool) {
        let (text, state) = if is_session { ("Session", "good") } else { ("API key", "key") };
        self.session.set_text_content(Some(text));
        set(&self.session, "data-state", state);
    }
}

/// A new element, unless the browser refuses it.
fn child(parent: &HtmlElement, tag: &str, text: &str) -> Option<HtmlElement> {
    append(parent, tag, text).inspect_err(web_sys::console::error_1).ok()
}

fn set(element: &HtmlElement, attribute: &str, value: &str) {
    let _ = element.set_attribute(attribute, value);
}
