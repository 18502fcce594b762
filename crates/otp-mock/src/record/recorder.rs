use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use otp_core::{Request, Response, Transport, TransportError, async_trait, blocking, local};

use super::Recording;
use super::captured::{self, CapturedExchange, CapturedOutcome, CapturedRequest};

/// A transport that writes down what passes through another, with every secret replaced, in the flavour
/// that the other has.
///
/// Clones record together. Exchanges stand in the order in which they were sent. What is dropped before its
/// answer is not recorded.
///
/// The secrets are replaced when the [recording](Self::recording) is taken, so that what a later exchange
/// shows to be a secret is replaced in an earlier one too. Until it is dropped, the recorder keeps in memory
/// what passed.
///
/// ```
/// use otp_core::{OtpsApi, OtpsClient};
/// use otp_mock::{FakeOtps, Recorder};
///
/// # pollster::block_on(async {
/// let service = FakeOtps::new();
/// let recorder = Recorder::new(service.clone());
/// let client = OtpsClient::new(recorder.clone(), service.token().clone());
/// client.receive_codes().await?;
/// client.find_ensure_otp(&service.next_sms().await.otp).await?;
///
/// let recording = recorder.recording();
/// assert!(recording.to_string().contains("POST /user/otp/verify/otp-1"));
/// # Ok::<(), otp_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct Recorder<T> {
    inner: T,
    /// In the order of sending.
    exchanges: Arc<Mutex<Vec<CapturedExchange>>>,
}

/// A request on its way.
struct Sent {
    /// Where its answer belongs.
    at: usize,
    when: Duration,
}

impl<T> Recorder<T> {
    /// Records what passes through this transport.
    pub fn new(transport: T) -> Self {
        Self { inner: transport, exchanges: Arc::default() }
    }

    /// What was answered so far.
    pub fn recording(&self) -> Recording {
        // Others may go on in the meantime.
        let exchanges = self.exchanges().clone();
        Recording { exchanges: captured::write(&exchanges) }
    }

    fn sent(&self, request: &Request, when: Duration) -> Sent {
        let request = Arc::new(CapturedRequest::of(request));
        let mut exchanges = self.exchanges();
        exchanges.push(CapturedExchange { request, outcome: None });
        Sent { at: exchanges.len() - 1, when }
    }

    fn came(&self, sent: &Sent, outcome: &Result<Response, TransportError>, now: Duration) {
        let outcome = CapturedOutcome::of(outcome, now.saturating_sub(sent.when));
        if let Some(exchange) = self.exchanges().get_mut(sent.at) {
            exchange.outcome = Some(Arc::new(outcome));
        }
    }

    fn exchanges(&self) -> MutexGuard<'_, Vec<CapturedExchange>> {
        self.exchanges.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<T: Transport> Transport for Recorder<T> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let sent = self.sent(&request, self.inner.now());
        let outcome = self.inner.send(request).await;
        self.came(&sent, &outcome, self.inner.now());
        outcome
    }

    async fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration).await;
    }

    fn now(&self) -> Duration {
        self.inner.now()
    }
}

#[async_trait(?Send)]
impl<T: local::Transport> local::Transport for Recorder<T> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let sent = self.sent(&request, self.inner.now());
        let outcome = self.inner.send(request).await;
        self.came(&sent, &outcome, self.inner.now());
        outcome
    }

    async fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration).await;
    }

    fn now(&self) -> Duration {
        self.inner.now()
    }
}

impl<T: blocking::Transport> blocking::Transport for Recorder<T> {
    fn send(&self, request: Request) -> Result<Response, TransportError> {
        let sent = self.sent(&request, self.inner.now());
        let outcome = self.inner.send(request);
        self.came(&sent, &outcome, self.inner.now());
        outcome
    }

    fn sleep(&self, duration: Duration) {
        self.inner.sleep(duration);
    }

    fn now(&self) -> Duration {
        self.inner.now()
    }
}

impl<T> fmt::Debug for Recorder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exchanges =
            self.exchanges().iter().filter(|exchange| exchange.outcome.is_some()).count();
        f.debug_struct("Recorder").field("exchanges", &exchanges).finish_non_exhaustive()
    }
}
