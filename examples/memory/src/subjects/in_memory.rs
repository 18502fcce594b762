//! The client of this project over a transport that does no I/O and wipes all that it holds: what stays is
//! `otp-core`'s.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_core::bytes::Bytes;
use otp_core::http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use otp_core::secrecy::zeroize::Zeroizing;
use otp_core::{Request, Response, Transport, TransportError, TransportErrorKind, async_trait};

use otp_mock::Recorder;

use super::{Setup, Steps};

pub(super) async fn run(setup: &Setup, steps: &mut Steps) -> Result<(), Box<dyn Error>> {
    super::otp_hyper::calls(transport(setup)?, setup, steps).await
}

/// The same with a recorder around it, whose recording is written down.
pub(super) async fn run_recorded(setup: &Setup, steps: &mut Steps) -> Result<(), Box<dyn Error>> {
    let recorder = Recorder::new(Arc::new(transport(setup)?));
    super::otp_hyper::calls(recorder.clone(), setup, steps).await?;
    let recording = recorder.recording().to_string();
    if !recording.contains("POST /user/otp/verify/otp-1") {
        return Err("nothing was recorded".into());
    }
    steps.note("recording");
    Ok(())
}

fn transport(setup: &Setup) -> Result<InMemory, Box<dyn Error>> {
    let mut answers = Vec::new();
    for at in 0..6 {
        let status = setup.secret(&format!("answer-{at}-status")).parse::<u16>()?;
        let owned = |name: &str| {
            let text = setup.secret(&format!("answer-{at}-{name}"));
            Bytes::from_owner(Bytesful(text))
        };
        let mut response = Response::new(owned("body"));
        *response.status_mut() = status.try_into()?;
        let token = owned("token");
        if !token.is_empty() {
            let name = HeaderName::from_static("x-auth-token");
            response.headers_mut().insert(name, HeaderValue::from_maybe_shared(token)?);
        }
        if !response.body().is_empty() {
            let json = HeaderValue::from_static("application/json");
            response.headers_mut().insert(CONTENT_TYPE, json);
        }
        answers.push(Mutex::new(Some(response)));
    }
    Ok(InMemory { answers, next: AtomicUsize::new(0) })
}

struct Bytesful(Zeroizing<String>);

impl AsRef<[u8]> for Bytesful {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Answers in order, and then never.
struct InMemory {
    answers: Vec<Mutex<Option<Response>>>,
    next: AtomicUsize,
}

#[async_trait]
impl Transport for InMemory {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let limit = request.time_limit();
        drop(request.into_http());
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        let answer = self.answers.get(next).and_then(|answer| answer.lock().ok()?.take());
        match answer {
            Some(answer) => Ok(answer),
            None => {
                tokio::time::sleep(limit).await;
                Err(TransportError::unknown(TransportErrorKind::Timeout))
            }
        }
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn now(&self) -> Duration {
        use tokio::time::Instant;
        static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }
}
