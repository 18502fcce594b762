//! The service that the page talks to, and for whom.

use std::cell::RefCell;
use std::time::Duration;

use js_sys::Reflect;
use otp_core::local::OtpsClient;
use otp_core::{AuthToken, BaseUrl, Error};
use otp_example_browser_page::FetchTransport;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlElement, HtmlInputElement, Response};

use crate::dom::by_id;

pub(crate) struct Service {
    base_url: HtmlInputElement,
    token: HtmlInputElement,
    session: HtmlElement,
    attempt_timeout: RefCell<Option<Duration>>,
    client: RefCell<Option<OtpsClient>>,
}

impl Service {
    pub(crate) fn find() -> Result<Self, JsValue> {
        Ok(Self {
            base_url: by_id("base-url")?,
            token: by_id("token")?,
            session: by_id("session")?,
            attempt_timeout: RefCell::default(),
            client: RefCell::default(),
        })
    }

    /// Fills the form with what the page's own server offers, if anything. A token never comes by the
    /// page's URL, which browsers keep and servers log.
    pub(crate) async fn prefill(&self) {
        let Ok(config) = config().await else { return };
        let text = |name: &str| Reflect::get(&config, &name.into()).ok()?.as_string();
        self.base_url.set_value(&text("base_url").unwrap_or_default());
        self.token.set_value(&text("token").unwrap_or_default());
        let millis = Reflect::get(&config, &"attempt_timeout_ms".into()).ok();
        let millis = millis.and_then(|millis| millis.as_f64());
        self.attempt_timeout.replace(millis.map(|millis| Duration::from_millis(millis as u64)));
    }

    /// The client for what the form says. It is kept, so that all calls share its retry budget.
    pub(crate) fn client(&self) -> Result<OtpsClient, Error> {
        if let Some(client) = &*self.client.borrow() {
            return Ok(client.clone());
        }
        let token = AuthToken::new(self.token.value())?;
        let mut client = OtpsClient::builder(FetchTransport, token)
            .base_url(BaseUrl::new(self.base_url.value())?);
        if let Some(timeout) = *self.attempt_timeout.borrow() {
            client = client.attempt_timeout(timeout);
        }
        let client = client.build()?;
        self.client.replace(Some(client.clone()));
        Ok(client)
    }

    /// Calls from now on act in the session that verifying gave back.
    pub(crate) fn continue_as(&self, session: AuthToken) {
        if let Some(client) = &mut *self.client.borrow_mut() {
            *client = client.with_token(session);
            self.show("Session", "good");
        }
    }

    /// The form has changed: whoever calls next is somebody else.
    pub(crate) fn forget(&self) {
        self.client.replace(None);
        self.show("API key", "key");
    }

    fn show(&self, text: &str, state: &str) {
        self.session.set_text_content(Some(text));
        let _ = self.session.set_attribute("data-state", state);
    }
}

async fn config() -> Result<JsValue, JsValue> {
    let window = web_sys::window().ok_or("no window")?;
    let response = JsFuture::from(window.fetch_with_str("config.json")).await?;
    JsFuture::from(response.unchecked_into::<Response>().json()?).await
}
