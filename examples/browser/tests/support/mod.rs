//! A browser, a server that fails as it is told, and the page between them.

mod browser;
mod faulty;

pub use browser::Browser;
pub use faulty::{Fault, Faulty};

use std::time::Duration;

use otp_core::AuthToken;
use otp_example_browser::{Prefill, Server, Site, built_site};

/// The page in a browser, against some service.
pub struct Page {
    pub browser: Browser,
    // The page is served for as long as this lives.
    _server: Server,
}

impl Page {
    /// Opens the page of this site with the form filled, and waits until it is ready.
    pub fn open(site: Site, base_url: impl ToString, token: AuthToken) -> Self {
        Self::open_with(site, base_url, token, None)
    }

    /// The same with another limit for each attempt.
    pub fn open_with(
        site: Site,
        base_url: impl ToString,
        token: AuthToken,
        attempt_timeout: Option<Duration>,
    ) -> Self {
        let attempt_timeout_ms = attempt_timeout.map(|limit| limit.as_millis() as u64);
        let prefill = Prefill { base_url: base_url.to_string(), token, attempt_timeout_ms };
        let server = site.serve(built_site(), &prefill).unwrap();
        let browser = Browser::start();
        browser.open(&server.url());
        browser.wait_until(READY);
        Self { browser, _server: server }
    }

    /// Opens the page against a service that fails as it is told.
    pub fn of(service: &Faulty) -> Self {
        Self::open(Site::bind(0).unwrap(), service.base_url(), service.fake().token().clone())
    }

    /// Clicks, and waits until the call that it started is over.
    pub fn click(&self, id: &str) {
        self.browser.click(id);
        self.browser.wait_until(READY);
    }

    /// Types a code and submits it.
    pub fn verify(&self, otp: &str) {
        self.browser.type_into("otp", otp);
        self.click("verify");
    }

    /// Makes new recovery codes, and says in the dialog that this is meant.
    pub fn regenerate(&self) {
        self.browser.click("regenerate");
        self.click("replace");
    }

    /// The text of this badge, if the last call has it.
    pub fn badge(&self, name: &str) -> Option<String> {
        let script = format!(
            "document.querySelector('#badges [data-name=\"{name}\"]')?.textContent ?? null"
        );
        self.browser.value(&script).as_str().map(ToOwned::to_owned)
    }

    /// The sentence of a success.
    pub fn success(&self) -> String {
        self.browser.text("success")
    }

    /// The sentence of a failure.
    pub fn error(&self) -> String {
        self.browser.text("error")
    }

    /// The recovery codes as the page shows them.
    pub fn codes(&self) -> Vec<String> {
        let script = "[...document.querySelectorAll('#codes li')].map(code => code.textContent)";
        serde_json::from_value(self.browser.value(script)).unwrap()
    }

    /// Asserts what the page shows of a failure: effect, kind, and parts of the sentence.
    #[track_caller]
    pub fn assert_failed(&self, effect: &str, kind: &str, sentence: &[&str]) {
        let error = self.error();
        assert_eq!(self.badge("effect"), Some(format!("effect: {effect}")), "{error}");
        assert_eq!(self.badge("kind").as_deref(), Some(kind), "{error}");
        assert_eq!(self.success(), "");
        for part in sentence {
            assert!(error.contains(part), "no {part:?} in {error:?}");
        }
    }
}

const READY: &str = "document.getElementById('main')?.getAttribute('aria-busy') === 'false'";
