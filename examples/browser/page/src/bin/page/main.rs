//! The page in the document: which click is which decision. The decisions are in the library, where tests run
//! them without a browser.
//!
//! The markup is in `assets/index.html`; here an element is known by its id.

mod document;
mod dom;
mod service;

use std::rc::Rc;

use otp_example_browser_page::decisions::Page;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlElement;

use self::document::Document;
use self::dom::{by_id, on};

fn main() {
    if let Err(error) = start() {
        web_sys::console::error_1(&error);
    }
}

fn start() -> Result<(), JsValue> {
    let page = Rc::new(Page::new(Document::find()?));

    on_event(&page, "sms", "click", async |page| page.send_sms().await)?;
    on_event(&page, "verify-form", "submit", async |page| page.verify().await)?;
    on_event(&page, "read", "click", async |page| page.read_codes().await)?;
    // New codes take two clicks.
    on_event(&page, "regenerate", "click", async |page| page.screen().ask_to_confirm())?;
    on_event(&page, "keep", "click", async |page| page.screen().confirmed())?;
    on_event(&page, "replace", "click", async |page| {
        page.screen().confirmed();
        page.replace_codes().await;
    })?;
    on_event(&page, "reveal", "click", async |page| page.toggle_codes())?;
    on_event(&page, "cancel", "click", async |page| page.give_up())?;
    on_event(&page, "service", "submit", async |_| ())?;
    for field in ["base-url", "token"] {
        on_event(&page, field, "input", async |page| page.form_changed())?;
    }

    spawn_local(async move { page.screen().prefill().await });
    Ok(())
}

/// Does this for every such event of the element; one that is still doing is not waited for.
fn on_event(
    page: &Rc<Page<Document>>,
    id: &str,
    event: &str,
    action: impl AsyncFn(&Page<Document>) + Copy + 'static,
) -> Result<(), JsValue> {
    let page = Rc::clone(page);
    on(&by_id::<HtmlElement>(id)?, event, move |event| {
        event.prevent_default();
        let page = Rc::clone(&page);
        spawn_local(async move { action(&page).await });
    })
}
