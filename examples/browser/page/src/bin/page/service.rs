//! The form: the service that the page talks to, and for whom.

use std::cell::Cell;
use std::time::Duration;

use js_sys::Reflect;
use otp_core::local::OtpsClient;
use otp_core::{AuthToken, BaseUrl, Error};
use otp_example_browser_page::FetchTransport;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlInputElement, Response};

use crate::dom::by_id;

pub(crate) struct Service {
    base_url: HtmlInputElement,
    token: HtmlInputElement,
    attempt_timeout: Cell<Option<Duration>>,
}

impl Service {
    pub(crate) fn find() -> Result<Self, JsValue> {
        Ok(Self {
            base_url: by_id("base-url")?,
            token: by_id("token")?,
            attempt_timeout: Cell::default(),
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
        self.attempt_timeout.set(millis.map(|millis| Duration::from_millis(millis as u64)));
    }

    /// A client for what the form says.
    pub(crate) fn client(&self) -> Result<OtpsClient, Error> {
        let token = AuthToken::new(self.token.value())?;
        let mut client = OtpsClient::builder(FetchTransport, token)
            .base_url(BaseUrl::new(self.base_url.value())?);
        if let Some(timeout) = self.attempt_timeout.get() {
            client = client.attempt_timeout(timeout);
        }
        client.build()
    }
}

async fn config() -> Result<JsValue, JsValue> {
    let window = web_sys::window().ok_or("no window")?;
    let response = JsFuture::from(window.fetch_with_str("config.json")).await?;
    JsFuture::from(response.unchecked_into::<Response>().json()?).await
}
