//! What the page decides: what a click asks of the service, and what the page shows afterwards.
//!
//! Nothing here needs a browser. A [`Screen`] shows it: the document in the browser, a plain value in
//! `examples/decisions`, which runs every click under every fault.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use futures_util::future::{AbortHandle, abortable};
use otp_core::local::OtpsClient;
use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, Effect, Error, Metadata, Operation, Otp, RecoveryCodeList, clock};

/// What the user sees, and the fields that the user fills in.
pub trait Screen {
    /// A new client for what the form says.
    ///
    /// # Errors
    ///
    /// If the form holds no base URL or no token.
    fn client(&self) -> Result<OtpsClient, Error>;

    /// What is in the field for the code.
    fn otp(&self) -> String;

    /// Empties the field for the code.
    fn clear_otp(&self);

    /// Waits for the user to type a code.
    fn focus_otp(&self);

    /// Shows this about the last call, and nothing of what was shown before.
    fn show_call(&self, call: &LastCall);

    /// Shows these recovery codes, or that there are none to show.
    fn show_codes(&self, codes: Option<&[&str]>, revealed: bool);

    /// Shows whether calls act in the session of a verification, or by the token of the form.
    fn show_session(&self, is_session: bool);
}

/// What the page shows about the last call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastCall {
    /// What is being done, while it is.
    pub working: Option<&'static str>,
    /// Facts about the call.
    pub badges: Vec<Badge>,
    /// The sentence of a success.
    pub success: &'static str,
    /// The sentence of a failure.
    pub error: String,
}

/// One fact about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// Which fact.
    pub name: &'static str,
    /// The fact.
    pub text: String,
    /// Its colour: `good`, `warn`, `bad`, or nothing.
    pub state: &'static str,
}

/// The sentences of a click.
#[derive(Clone, Copy, Debug)]
pub struct Sentences {
    doing: &'static str,
    done: &'static str,
    given_up: &'static str,
}

/// The same for every code, so that it tells nothing about the code.
const MASK: &str = "•••••-•••••";

/// The page. It makes one call at a time.
#[derive(Debug)]
pub struct Page<S> {
    screen: S,
    /// Kept, so that all calls share its retry budget.
    client: RefCell<Option<OtpsClient>>,
    codes: RefCell<Option<RecoveryCodeList>>,
    revealed: Cell<bool>,
    under_way: RefCell<Option<AbortHandle>>,
}

impl<S: Screen> Page<S> {
    /// A page that has asked nothing yet.
    pub fn new(screen: S) -> Self {
        let (client, codes, under_way) = Default::default();
        Self { screen, client, codes, revealed: Cell::default(), under_way }
    }

    /// What shows it.
    pub fn screen(&self) -> &S {
        &self.screen
    }

    /// Sends a code to the user's phone.
    pub async fn send_sms(&self) {
        let sentences = Sentences {
            doing: "Sending an SMS …",
            done: "An SMS is on its way.",
            given_up: "Look at the phone before you ask for another SMS.",
        };
        if let Some(Ok(())) = self.call(|| Ok(ReceiveCodes), sentences).await {
            self.screen.clear_otp();
            self.screen.focus_otp();
        }
    }

    /// Verifies the code in the field. Calls from then on act in the session that the service gave back.
    pub async fn verify(&self) {
        let sentences = Sentences {
            doing: "Verifying …",
            done: "Verified.",
            given_up: "The code may be used up: ask for a new one.",
        };
        let operation = || Otp::new(self.screen.otp()).map(FindEnsureOtp::new);
        match self.call(operation, sentences).await {
            Some(Ok(verified)) => {
                self.screen.clear_otp();
                if let Some(session) = verified.into_session_token() {
                    self.continue_as(session);
                }
            }
            // The code may be used up. A second try with it would prove nothing.
            Some(Err(Effect::Unknown | Effect::Applied)) => self.screen.clear_otp(),
            // It was refused or not sent: the user can correct it.
            Some(Err(Effect::NotApplied)) | None => {}
        }
    }

    /// Reads the recovery codes.
    pub async fn read_codes(&self) {
        let sentences = Sentences {
            doing: "Reading …",
            done: "These are your recovery codes, hidden until you reveal them.",
            given_up: "Nothing changes when codes are read.",
        };
        if let Some(Ok(list)) = self.call(|| Ok(FindRecoveryCodes), sentences).await {
            self.set_codes(Some(list));
        }
    }

    /// Replaces the recovery codes.
    pub async fn replace_codes(&self) {
        let sentences = Sentences {
            doing: "Making new codes …",
            done: "These are your new recovery codes; the old ones are dead.",
            given_up: "The old codes may be dead: read the codes.",
        };
        match self.call(|| Ok(RegenerateCodes), sentences).await {
            Some(Ok(list)) => self.set_codes(Some(list)),
            // The codes on the page may be dead: nobody should write them down.
            Some(Err(Effect::Unknown | Effect::Applied)) => self.set_codes(None),
            Some(Err(Effect::NotApplied)) | None => {}
        }
    }

    /// Reveals the codes if they are masked, and masks them if they are revealed.
    pub fn toggle_codes(&self) {
        self.revealed.set(!self.revealed.get());
        self.show_codes();
    }

    /// Gives up the call that is under way.
    pub fn give_up(&self) {
        if let Some(abort) = &*self.under_way.borrow() {
            abort.abort();
        }
    }

    /// The form has changed: whoever calls next may be somebody else, who sees nothing of what was shown.
    pub fn form_changed(&self) {
        self.client.replace(None);
        self.set_codes(None);
        self.screen.show_session(false);
        if self.under_way.borrow().is_some() {
            self.give_up();
        } else {
            self.screen.show_call(&LastCall::default());
        }
    }

    /// Makes a call and shows what became of it. `None` if another one is under way: a second click is not a
    /// second SMS.
    async fn call<O: Operation>(
        &self,
        operation: impl FnOnce() -> Result<O, Error>,
        sentences: Sentences,
    ) -> Option<Result<O::Output, Effect>> {
        if self.under_way.borrow().is_some() {
            return None;
        }
        let made = async {
            let client = self.client()?;
            client.call(operation()?).send().await
        };
        // Aborting drops the call's future, which aborts the fetch.
        let (made, abort) = abortable(made);
        self.under_way.replace(Some(abort));
        self.screen.show_call(&LastCall { working: Some(sentences.doing), ..LastCall::default() });
        let started = clock::monotonic();
        let result = made.await;
        let took = clock::monotonic().saturating_sub(started);
        self.under_way.replace(None);
        let name = O::ENDPOINT.name();
        let (shown, result) = match result {
            Ok(Ok(answer)) => (
                LastCall::succeeded(name, sentences.done, &answer.metadata, took),
                Ok(answer.value),
            ),
            Ok(Err(error)) => (LastCall::failed(&error, took), Err(error.effect())),
            Err(_) => (LastCall::given_up(name, sentences.given_up), Err(Effect::Unknown)),
        };
        self.screen.show_call(&shown);
        Some(result)
    }

    fn client(&self) -> Result<OtpsClient, Error> {
        if let Some(client) = &*self.client.borrow() {
            return Ok(client.clone());
        }
        let client = self.screen.client()?;
        self.client.replace(Some(client.clone()));
        Ok(client)
    }

    fn continue_as(&self, session: AuthToken) {
        if let Some(client) = &mut *self.client.borrow_mut() {
            *client = client.with_token(session);
            self.screen.show_session(true);
        }
    }

    /// Keeps these, masked; or none.
    fn set_codes(&self, codes: Option<RecoveryCodeList>) {
        self.codes.replace(codes);
        self.revealed.set(false);
        self.show_codes();
    }

    fn show_codes(&self) {
        let (codes, revealed) = (self.codes.borrow(), self.revealed.get());
        // A code that is not revealed does not reach the document either.
        let texts = codes.as_ref().map(|codes| {
            let all = codes.iter();
            all.map(|code| if revealed { code.expose_secret() } else { MASK }).collect::<Vec<_>>()
        });
        self.screen.show_codes(texts.as_deref(), revealed);
    }
}

impl LastCall {
    fn succeeded(name: &str, done: &'static str, about: &Metadata, took: Duration) -> Self {
        let mut call = Self { success: done, ..Self::default() };
        call.badge("operation", name, "");
        call.badge("status", &format!("HTTP {}", about.status().as_u16()), "good");
        call.attempts(about.attempts(), took);
        call
    }

    fn failed(error: &Error, took: Duration) -> Self {
        let mut call = Self { error: error.to_string(), ..Self::default() };
        if let Some(operation) = error.operation() {
            call.badge("operation", operation, "");
        }
        call.effect(error.effect());
        call.badge("kind", error.kind().as_str(), "");
        if let Some(status) = error.status() {
            call.badge("status", &format!("HTTP {}", status.as_u16()), "");
        }
        call.attempts(error.attempts().len(), took);
        call
    }

    /// Whoever gives a call up does not learn how far it got.
    fn given_up(name: &str, next: &str) -> Self {
        let error = format!("You gave up; the server may have acted all the same. {next}");
        let mut call = Self { error, ..Self::default() };
        call.badge("operation", name, "");
        call.effect(Effect::Unknown);
        call
    }

    fn attempts(&mut self, attempts: usize, took: Duration) {
        let attempts = match attempts {
            0 => return,
            1 => "1 attempt".to_owned(),
            more => format!("{more} attempts"),
        };
        self.badge("attempts", &attempts, "");
        self.badge("took", &format!("{} ms", took.as_millis()), "");
    }

    fn effect(&mut self, effect: Effect) {
        let (text, state) = match effect {
            Effect::NotApplied => ("effect: not applied", "good"),
            Effect::Unknown => ("effect: unknown", "warn"),
            Effect::Applied => ("effect: applied", "bad"),
        };
        self.badge("effect", text, state);
    }

    fn badge(&mut self, name: &'static str, text: &str, state: &'static str) {
        self.badges.push(Badge { name, text: text.to_owned(), state });
    }
}
