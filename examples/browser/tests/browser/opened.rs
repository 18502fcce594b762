//! The page as a test uses it: opened in a browser, against some service.

use std::time::Duration;

use otp_conformance::hostile::{Fault, Server, Wire};
use otp_core::AuthToken;
use otp_emulator::{Cors, Emulator};
use otp_example_browser::{Prefill, Site, built_site};

use crate::browser::Browser;

/// The page in a browser, against some service.
pub struct Page {
    pub browser: Browser,
    // The page is served for as long as this lives.
    _site: otp_example_browser::Server,
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
        let site = site.serve(built_site(), &prefill).unwrap();
        let browser = Browser::start();
        browser.open(&site.url());
        browser.wait_until(READY);
        Self { browser, _site: site }
    }

    /// Opens the page against an emulator, which lets it in.
    pub fn with_emulator() -> (Self, Emulator) {
        let site = Site::bind(0).unwrap();
        let cors = Cors::origin(&site.origin()).unwrap();
        let emulator = Emulator::builder().plain().cors(cors).start().unwrap();
        (Self::open(site, emulator.base_url(), emulator.token()), emulator)
    }

    /// Opens the page against a server that does these to its requests, in turn.
    pub fn with_faults(faults: impl Into<Vec<Fault>>) -> (Self, Server) {
        let server = Server::sequence(Wire::http1().in_the_clear().with_cors(), faults.into());
        let token = AuthToken::new("token").unwrap();
        (Self::open(Site::bind(0).unwrap(), server.base_url(), token), server)
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
