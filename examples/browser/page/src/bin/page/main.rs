//! The page: what a click asks of the service, and what then is seen.
//!
//! The markup is in `assets/index.html`; here an element is known by its id.

mod codes;
mod dom;
mod outcome;
mod service;

use std::rc::Rc;

use futures_util::future::abortable;
use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::{Effect, Error, Operation, Otp, clock};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;
use web_sys::{HtmlDialogElement, HtmlElement, HtmlInputElement};

use self::codes::Codes;
use self::dom::{by_id, on};
use self::outcome::Outcome;
use self::service::Service;

/// What the page is made of. One call at a time goes through it.
struct Page {
    service: Service,
    otp: HtmlInputElement,
    confirm: HtmlDialogElement,
    codes: Codes,
    outcome: Outcome,
}

fn main() {
    if let Err(error) = start() {
        web_sys::console::error_1(&error);
    }
}

fn start() -> Result<(), JsValue> {
    let page = Rc::new(Page {
        service: Service::find()?,
        otp: by_id("otp")?,
        confirm: by_id("confirm")?,
        codes: Codes::find()?,
        outcome: Outcome::find()?,
    });

    page.on("sms", "click", async |page| page.send_sms().await)?;
    page.on("read", "click", async |page| page.read_codes().await)?;
    page.on("replace", "click", async |page| {
        page.confirm.close();
        page.regenerate_codes().await;
    })?;
    page.on("regenerate", "click", async |page| {
        if let Err(error) = page.confirm.show_modal() {
            web_sys::console::error_1(&error);
        }
    })?;
    page.on("keep", "click", async |page| page.confirm.close())?;
    page.on("reveal", "click", async |page| page.codes.toggle())?;
    page.on("cancel", "click", async |page| page.outcome.cancel())?;
    page.on("verify-form", "submit", async |page| page.verify().await)?;
    page.on("service", "submit", async |_| ())?;
    for field in ["base-url", "token"] {
        page.on(field, "input", async |page| {
            // What is under way is somebody else's.
            page.outcome.cancel();
            page.service.forget();
            page.codes.set(None);
        })?;
    }

    spawn_local(async move {
        page.service.prefill().await;
        page.outcome.ready();
    });
    Ok(())
}

impl Page {
    async fn send_sms(&self) {
        let done = "An SMS is on its way.";
        if let Some(Ok(())) = self.call(|| Ok(ReceiveCodes), "Sending an SMS …", done).await {
            self.otp.set_value("");
            let _ = self.otp.focus();
        }
    }

    async fn verify(&self) {
        let operation = || Otp::new(self.otp.value()).map(FindEnsureOtp::new);
        if let Some(Ok(verified)) = self.call(operation, "Verifying …", "Verified.").await {
            self.otp.set_value("");
            if let Some(session) = verified.into_session_token() {
                self.service.continue_as(session);
            }
        }
    }

    async fn read_codes(&self) {
        let done = "These are your recovery codes, hidden until you reveal them.";
        if let Some(Ok(list)) = self.call(|| Ok(FindRecoveryCodes), "Reading …", done).await {
            self.codes.set(Some(list));
        }
    }

    async fn regenerate_codes(&self) {
        let done = "These are your new recovery codes; the old ones are dead.";
        match self.call(|| Ok(RegenerateCodes), "Making new codes …", done).await {
            Some(Ok(list)) => self.codes.set(Some(list)),
            // The codes on the page may be dead: nobody should write them down.
            Some(Err(Effect::Unknown | Effect::Applied)) => self.codes.set(None),
            Some(Err(Effect::NotApplied)) | None => {}
        }
    }

    /// Makes a call and shows what became of it. `None` if another one is under way.
    async fn call<O: Operation>(
        &self,
        operation: impl FnOnce() -> Result<O, Error>,
        doing: &str,
        done: &str,
    ) -> Option<Result<O::Output, Effect>> {
        let made = async {
            let client = self.service.client()?;
            client.call(operation()?).send().await
        };
        // Aborting drops the call's future, which aborts the fetch.
        let (made, abort) = abortable(made);
        let started = clock::monotonic();
        if !self.outcome.begin(doing, abort) {
            return None;
        }
        let result = made.await;
        let took = clock::monotonic().saturating_sub(started);
        Some(match result {
            Ok(Ok(answer)) => {
                self.outcome.succeeded(O::ENDPOINT.name(), done, &answer.metadata, took);
                Ok(answer.value)
            }
            Ok(Err(error)) => {
                self.outcome.failed(&error, took);
                Err(error.effect())
            }
            Err(_) => {
                self.outcome.cancelled(O::ENDPOINT.name());
                Err(Effect::Unknown)
            }
        })
    }

    /// Does this for every such event of the element; one that is still doing is not waited for.
    fn on(
        self: &Rc<Self>,
        id: &str,
        event: &str,
        action: impl AsyncFn(&Self) + Copy + 'static,
    ) -> Result<(), JsValue> {
        let page = Rc::clone(self);
        on(&by_id::<HtmlElement>(id)?, event, move |event| {
            event.prevent_default();
            let page = Rc::clone(&page);
            spawn_local(async move { action(&page).await });
        })
    }
}
