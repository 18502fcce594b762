use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use otp_core::{Request, Response, Transport, TransportError, async_trait, blocking, local};

use super::Recording;
use super::recording::{Exchanged, Seen};
use super::redact::Redactor;

/// A transport that writes down what passes through another, with every secret replaced, in the flavour
/// that the other has.
///
/// Clones record together. What is dropped before its answer is not recorded.
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
    record: Arc<Mutex<Record>>,
}

#[derive(Default)]
struct Record {
    recording: Recording,
    redactor: Redactor,
}

impl<T> Recorder<T> {
    /// Records what passes through this transport.
    pub fn new(transport: T) -> Self {
        Self { inner: transport, record: Arc::default() }
    }

    /// What passed so far.
    pub fn recording(&self) -> Recording {
        self.record().recording.clone()
    }

    fn write(
        &self,
        request: &Seen,
        outcome: Result<Response, TransportError>,
    ) -> Result<Response, TransportError> {
        let Record { recording, redactor } = &mut *self.record();
        recording.exchanges.push(Exchanged::new(request, &outcome, redactor));
        outcome
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<T: Transport> Transport for Recorder<T> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let seen = Seen::of(&request);
        let outcome = self.inner.send(request).await;
        self.write(&seen, outcome)
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
        let seen = Seen::of(&request);
        let outcome = self.inner.send(request).await;
        self.write(&seen, outcome)
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
        let seen = Seen::of(&request);
        let outcome = self.inner.send(request);
        self.write(&seen, outcome)
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
        f.debug_struct("Recorder")
            .field("exchanges", &self.record().recording.exchanges.len())
            .finish_non_exhaustive()
    }
}
