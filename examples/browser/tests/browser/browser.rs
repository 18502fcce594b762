//! Headless Chromium by the [WebDriver protocol](https://www.w3.org/TR/webdriver2/), as much of it as the
//! tests need.

use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::driver::Driver;

/// The key under which the protocol passes an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Root in a container has no sandbox, and a browser that calls home would only slow the tests down.
const ARGUMENTS: [&str; 8] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// How long a driver may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(30);

/// A browser of its own, with an empty profile. It is closed when it is dropped.
pub struct Browser {
    driver: Driver,
    _home: Option<TempDir>,
}

impl Browser {
    pub fn start() -> Self {
        Self::start_at(|| None)
    }

    /// One that trusts this CA, in PEM, beside those that every one does.
    pub fn trusting(ca_pem: &str) -> Self {
        Self::start_at(|| Some(home_that_trusts(ca_pem)))
    }

    fn start_at(home: impl Fn() -> Option<TempDir>) -> Self {
        let command = || {
            let mut driver = Command::new("chromedriver");
            driver.arg("--port=0");
            let home = home();
            if let Some(home) = &home {
                driver.env("HOME", home.path());
            }
            (driver, home)
        };
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": ARGUMENTS },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "script": 30_000, "pageLoad": 30_000 },
        } } });
        let (driver, home) = Driver::start(command, &capabilities, START_LIMIT);
        Self { driver, _home: home }
    }

    pub fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// Clicks as a person would: the element must be visible and nothing may cover it.
    pub fn click(&self, id: &str) {
        self.click_on(&format!("#{id}"));
    }

    /// The same with the first element that a CSS selector finds.
    pub fn click_on(&self, selector: &str) {
        self.post(&format!("/element/{}/click", self.find(selector)), &json!({}));
    }

    pub fn type_into(&self, id: &str, text: &str) {
        let element = self.element(id);
        self.post(&format!("/element/{element}/clear"), &json!({}));
        self.post(&format!("/element/{element}/value"), &json!({ "text": text }));
    }

    /// Presses a key that the protocol gives this code, such as `\u{e004}` for Tab, wherever the focus is.
    pub fn press(&self, key: char) {
        let keys = [("keyDown", key), ("keyUp", key)];
        let keys = keys.map(|(kind, key)| json!({ "type": kind, "value": key.to_string() }));
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": keys });
        self.post("/actions", &json!({ "actions": [keyboard] }));
    }

    /// What a screen reader calls the element that has the focus.
    pub fn focused_name(&self) -> String {
        let focused = self.get("/element/active");
        let element = focused[ELEMENT].as_str().unwrap();
        self.get(&format!("/element/{element}/computedlabel")).as_str().unwrap().to_owned()
    }

    /// Makes the page as wide and high as a screen with so many pixels.
    pub fn resize(&self, width: u32, height: u32) {
        let screen =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &screen);
    }

    /// Lets no page that is opened from now on run a script.
    pub fn disable_scripts(&self) {
        self.devtools("Emulation.setScriptExecutionDisabled", &json!({ "value": true }));
    }

    /// The text of an element as a person sees it.
    pub fn text(&self, id: &str) -> String {
        self.get(&format!("/element/{}/text", self.element(id))).as_str().unwrap().to_owned()
    }

    /// The value of a JavaScript expression.
    pub fn value(&self, expression: &str) -> Value {
        let script = format!("return {expression};");
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Waits until a JavaScript expression is true. It is looked at anew when the document changes.
    pub fn wait_until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0];
             const look = () => ({expression}) && (changes.disconnect(), done(true));
             const changes = new MutationObserver(look);
             changes.observe(document, {{
                 attributes: true, characterData: true, childList: true, subtree: true
             }});
             look();"
        );
        self.post("/execute/async", &json!({ "script": script, "args": [] }));
    }

    /// What the browser itself complained about since the last time: a blocked script, say.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.post("/se/log", &json!({ "type": "browser" }));
        log.as_array().unwrap().iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// The whole page as PNG, in light or in dark, on a screen of this width.
    pub fn picture(&self, colours: &str, width: u32) -> Vec<u8> {
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": colours }] });
        self.devtools("Emulation.setEmulatedMedia", &media);
        self.resize(width, 600);
        let height = self.value("document.documentElement.offsetHeight");
        let screen =
            json!({ "width": width, "height": height, "deviceScaleFactor": 2, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", &screen);
        let picture = self.get("/screenshot");
        base64::engine::general_purpose::STANDARD.decode(picture.as_str().unwrap()).unwrap()
    }

    fn devtools(&self, command: &str, parameters: &Value) {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }));
    }

    fn element(&self, id: &str) -> String {
        self.find(&format!("#{id}"))
    }

    fn find(&self, selector: &str) -> String {
        let found = self.post("/element", &json!({ "using": "css selector", "value": selector }));
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.driver.agent.post(format!("{}{path}", self.driver.session));
        let response = request.content_type("application/json").send(body.to_string());
        self.read(path, response)
    }

    #[track_caller]
    fn get(&self, path: &str) -> Value {
        self.read(path, self.driver.agent.get(format!("{}{path}", self.driver.session)).call())
    }

    #[track_caller]
    fn read(
        &self,
        path: &str,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> Value {
        let body = response.and_then(|mut response| {
            let body = response.body_mut().with_config().limit(64 << 20).read_to_string()?;
            Ok((response.status(), body))
        });
        let (status, body) = match body {
            Ok(answer) => answer,
            Err(error) => {
                panic!("{}", self.driver.failed(&format!("{path}: {error}")))
            }
        };
        let mut body: Value = serde_json::from_str(&body).unwrap();
        assert!(status.is_success(), "{path}: {}", body["value"]["message"]);
        body["value"].take()
    }
}

/// Waits for something that changes outside of the document: on a server's thread, say.
#[track_caller]
pub fn eventually(holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "it never happened");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A home whose browser trusts this CA.
fn home_that_trusts(ca_pem: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let (ca, store) = (home.path().join("ca.pem"), home.path().join(".pki/nssdb"));
    std::fs::write(&ca, ca_pem).unwrap();
    std::fs::create_dir_all(&store).unwrap();
    // Chromium on Linux takes what its user trusts from here.
    let certutil = |arguments: &[&str]| {
        let mut certutil = Command::new("certutil");
        certutil.arg("-d").arg(format!("sql:{}", store.display())).args(arguments);
        let status = certutil.status().expect("certutil starts: build-and-test installs it");
        assert!(status.success(), "certutil {arguments:?}");
    };
    certutil(&["-N", "--empty-password"]);
    certutil(&["-A", "-n", "CA of the kit", "-t", "C,,", "-i", ca.to_str().unwrap()]);
    home
}
