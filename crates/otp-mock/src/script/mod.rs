//! A transport that answers by a script, and remembers what it was sent.

mod expected;
mod seen;
mod steps;

pub use expected::Expected;
pub use seen::SeenRequest;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use otp_core::{Request, TransportError, TransportErrorKind};

use self::steps::{Order, Steps};
use crate::in_memory::{InMemory, Played, transport_in_all_flavours};
use crate::{Replies, Reply};

/// A transport that answers by a script: for a test of what a client, with its settings, sends and does
/// about an answer.
///
/// It keeps the requests to look at, in every flavour, and takes no time: waits and slow answers turn
/// its own clock. A request that the script does not have is answered with an error that names the step
/// that it should be, and the difference; nothing of it counts as sent.
///
/// # At the end
///
/// [`finish`](Self::finish) panics if something came that the script does not have, or if a step was not
/// asked for. So does dropping the last clone, of what was not told yet, unless the test fails already. Call
/// `finish` where you can, since a panic on another thread fails no test.
///
/// ```
/// use std::time::Duration;
/// use otp_core::operation::{FindRecoveryCodes, RegenerateCodes};
/// use otp_core::{AuthToken, Effect, OtpsApi, OtpsClient};
/// use otp_mock::{Reply, ScriptedTransport};
///
/// # pollster::block_on(async {
/// let script = ScriptedTransport::in_order()
///     .answer(RegenerateCodes, Reply::recovery_codes(["abcde-fghij"]).cut())
///     .answer(FindRecoveryCodes, Reply::error(503, "Busy"))
///     .answer(FindRecoveryCodes, Reply::recovery_codes(["abcde-fghij"]));
/// let client = OtpsClient::new(script.clone(), AuthToken::new("k3y")?);
///
/// let error = client.regenerate_codes().await.unwrap_err();
/// assert_eq!(error.effect(), Effect::Applied);
/// assert_eq!(client.find_recovery_codes().await?.len(), 1);
/// assert_eq!(script.waits().len(), 1, "before the second attempt");
/// script.finish();
/// # Ok::<(), otp_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct ScriptedTransport(Arc<Script>);

struct Script(Mutex<State>);

struct State {
    steps: Steps,
    requests: Vec<SeenRequest>,
    waits: Vec<Duration>,
    clock: Duration,
    /// What came and is not in the script.
    mismatches: Vec<String>,
    /// How many of them were told.
    told: usize,
    /// Whether it was told what was not asked for.
    finished: bool,
}

impl ScriptedTransport {
    fn new(order: Order) -> Self {
        Self(Arc::new(Script(Mutex::new(State {
            steps: Steps::new(order),
            requests: Vec::new(),
            waits: Vec::new(),
            clock: Duration::ZERO,
            mismatches: Vec::new(),
            told: 0,
            finished: false,
        }))))
    }

    /// Starts a script whose steps must be asked for one after the other.
    pub fn in_order() -> Self {
        Self::new(Order::Given)
    }

    /// Starts a script that looks for the first step that fits, whatever came before: so each operation
    /// has its answers in order.
    pub fn in_any_order() -> Self {
        Self::new(Order::Any)
    }

    /// A transport that must not be asked.
    ///
    /// ```
    /// use otp_core::{AuthToken, ErrorKind, OtpsApi, OtpsClient};
    /// use otp_mock::ScriptedTransport;
    ///
    /// let script = ScriptedTransport::expect_no_request();
    /// let client = OtpsClient::new(script.clone(), AuthToken::new("k3y")?);
    /// // … what is tested holds the client, and has no reason to call …
    /// script.finish();
    /// # drop(client);
    /// # Ok::<(), otp_core::Error>(())
    /// ```
    pub fn expect_no_request() -> Self {
        Self::in_order()
    }

    /// A transport that never answers: every attempt ends at its time limit.
    pub fn never_answering() -> Self {
        Self::failing(Reply::never())
    }

    /// A transport that always fails like this, or always gives this reply.
    ///
    /// ```
    /// use otp_core::{AuthToken, ErrorKind, OtpsApi, OtpsClient};
    /// use otp_mock::{Reply, ScriptedTransport};
    ///
    /// let down = ScriptedTransport::failing(Reply::error(503, "Maintenance"));
    /// let client = OtpsClient::new(down, AuthToken::new("k3y")?);
    /// let error = pollster::block_on(client.receive_codes()).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Server);
    /// # Ok::<(), otp_core::Error>(())
    /// ```
    pub fn failing(reply: impl Into<Replies>) -> Self {
        Self::in_order().answer_always(Expected::anything(), reply)
    }

    /// Adds a step: this request is answered so, once.
    ///
    /// # Panics
    ///
    /// If its turn never comes: in order, after [`answer_always`](Self::answer_always).
    #[must_use = "the script belongs to the transport that this gives back"]
    #[track_caller]
    pub fn answer(self, request: impl Into<Expected>, reply: Reply) -> Self {
        self.must_be_open();
        self.0.state().steps.once(request.into(), reply);
        self
    }

    /// Adds a step: this request is answered so from then on, any number of times. None is a number too: a
    /// step like this may stay unused. In order, it is the last step.
    ///
    /// The reply is a [`Reply`], or a closure that makes one each time.
    ///
    /// # Panics
    ///
    /// If its turn never comes: in order, after another step like this.
    #[must_use = "the script belongs to the transport that this gives back"]
    #[track_caller]
    pub fn answer_always(self, request: impl Into<Expected>, reply: impl Into<Replies>) -> Self {
        self.must_be_open();
        self.0.state().steps.always(request.into(), reply.into());
        self
    }

    #[track_caller]
    #[allow(clippy::panic, reason = "a test whose script cannot be followed must fail")]
    fn must_be_open(&self) {
        let closed = self.0.state().steps.closed();
        if let Some(why) = closed {
            panic!("the script cannot be followed: {why}");
        }
    }

    /// The requests so far, in order.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.0.state().requests.clone()
    }

    /// How long the client waited between its attempts, wait by wait.
    pub fn waits(&self) -> Vec<Duration> {
        self.0.state().waits.clone()
    }

    /// Ends the test of this script. It may be called again, for what comes after.
    ///
    /// # Panics
    ///
    /// If something came that the script does not have, or if a step was not asked for: it says which, and
    /// how it differs. Each is told once.
    #[track_caller]
    #[allow(clippy::panic, reason = "this is how a test fails")]
    pub fn finish(&self) {
        if let Some(report) = self.0.finish() {
            panic!("{report}");
        }
    }
}

impl Script {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is wrong and was not told yet.
    fn finish(&self) -> Option<String> {
        let mut state = self.state();
        let mut report: Vec<String> = state.mismatches.iter().skip(state.told).cloned().collect();
        state.told = state.mismatches.len();
        let told = std::mem::replace(&mut state.finished, true);
        let left = state.steps.left();
        if !told && !left.is_empty() {
            report.push(format!("nobody asked for {left}"));
        }
        (!report.is_empty())
            .then(|| format!("the transport's script was not followed: {}", report.join("\n")))
    }
}

impl Drop for Script {
    #[allow(clippy::panic, clippy::print_stderr, reason = "this is how a test fails")]
    fn drop(&mut self) {
        let Some(report) = self.finish() else { return };
        if std::thread::panicking() {
            // The test fails by something else, and this may be why.
            eprintln!("{report}");
        } else {
            panic!("{report}");
        }
    }
}

impl InMemory for ScriptedTransport {
    fn play(&self, request: Request) -> Played {
        let seen = SeenRequest::of(&request);
        let answer = {
            let mut state = self.0.state();
            let answer = state.steps.take(&seen);
            state.requests.push(seen);
            state.mismatches.extend(answer.as_ref().err().cloned());
            answer
        };
        // Outside the lock: what makes a reply may look at the script.
        match answer {
            Ok(reply) => Played::of(reply.make(), &request),
            Err(mismatch) => {
                let error = TransportError::not_sent(TransportErrorKind::Other);
                Played { takes: Duration::ZERO, outcome: Some(Err(error.with_reason(mismatch))) }
            }
        }
    }

    fn turn(&self, time: Duration) {
        let mut state = self.0.state();
        state.clock = state.clock.saturating_add(time);
    }

    fn wait(&self, time: Duration) -> Duration {
        self.0.state().waits.push(time);
        time
    }

    fn time(&self) -> Duration {
        self.0.state().clock
    }
}

transport_in_all_flavours!(ScriptedTransport);

impl fmt::Debug for ScriptedTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state();
        f.debug_struct("ScriptedTransport")
            .field("left", &state.steps.left())
            .field("requests", &state.requests)
            .field("mismatches", &state.mismatches)
            .finish_non_exhaustive()
    }
}
