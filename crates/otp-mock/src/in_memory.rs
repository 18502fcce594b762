//! A transport in memory, written once for the three flavours.

use std::pin::Pin;
use std::time::Duration;

use otp_core::http::response::Parts;
use otp_core::{Request, Response, TransportError, TransportErrorKind};

use crate::reply::{Answered, Outcome, Reply};

/// What a client sees of a [`Reply`].
pub(crate) struct Played {
    /// How long it takes.
    pub(crate) takes: Duration,
    /// None if it never ends.
    pub(crate) outcome: Option<Result<Response, TransportError>>,
}

/// Time that passes elsewhere.
pub(crate) type Passing = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a double's transport does.
pub(crate) trait InMemory {
    /// Answers a request.
    fn play(&self, request: Request) -> Played;
    /// Turns the clock on.
    fn turn(&self, time: Duration);
    /// Lets time pass: by turning the clock, or else by the future that is to be waited for.
    fn pass(&self, time: Duration) -> Option<Passing> {
        self.turn(time);
        None
    }
    /// Notes a wait between attempts, and says how long it is to be.
    fn wait(&self, time: Duration) -> Duration {
        time
    }
    /// What the clock shows.
    fn time(&self) -> Duration;
}

impl Played {
    /// What the client of this request sees of a reply.
    pub(crate) fn of(reply: Reply, request: &Request) -> Self {
        let limit = request.time_limit();
        let (delay, outcome) = (reply.delay(), reply.into_outcome());
        let takes = match &outcome {
            Outcome::NotSent | Outcome::Pending => Duration::ZERO,
            Outcome::Never => limit,
            _ => delay.min(limit),
        };
        let outcome = match outcome {
            Outcome::Pending => None,
            Outcome::NotSent => Some(arrived(Outcome::NotSent, 0)),
            _ if delay >= limit => Some(Err(timed_out())),
            outcome => Some(arrived(outcome, request.response_limit())),
        };
        Self { takes, outcome }
    }
}

pub(crate) fn timed_out() -> TransportError {
    TransportError::unknown(TransportErrorKind::Timeout).with_reason("no response head arrived")
}

pub(crate) fn arrived(outcome: Outcome, limit: usize) -> Result<Response, TransportError> {
    let lost = || TransportError::unknown(TransportErrorKind::ConnectionLost);
    let head = |Answered(response): Answered| -> Parts { response.into_parts().0 };
    Err(match outcome {
        Outcome::Answered(answered) if answered.0.body().len() > limit => {
            TransportError::unknown(TransportErrorKind::ResponseTooLarge)
                .with_reason("the body")
                .with_head(head(answered))
        }
        Outcome::Answered(Answered(response)) => return Ok(response),
        Outcome::Cut(answered) => lost()
            .with_reason("it was closed before the answer was complete")
            .with_head(head(answered)),
        Outcome::Lost => lost().with_reason("it was closed before the answer"),
        Outcome::NotSent => TransportError::not_sent(TransportErrorKind::ConnectionLost)
            .with_reason("it was closed before the request was written"),
        Outcome::Never | Outcome::Pending => timed_out(),
        Outcome::Failed(error) => error,
    })
}

/// Implements the transports of all flavours for what is [`InMemory`].
macro_rules! transport_in_all_flavours {
    ($transport:ty) => {
        #[otp_core::async_trait]
        impl otp_core::Transport for $transport {
            async fn send(
                &self,
                request: otp_core::Request,
            ) -> Result<otp_core::Response, otp_core::TransportError> {
                let played = $crate::in_memory::InMemory::play(self, request);
                if let Some(passing) = $crate::in_memory::InMemory::pass(self, played.takes) {
                    passing.await;
                }
                match played.outcome {
                    Some(outcome) => outcome,
                    None => std::future::pending().await,
                }
            }

            async fn sleep(&self, duration: std::time::Duration) {
                let time = $crate::in_memory::InMemory::wait(self, duration);
                if let Some(passing) = $crate::in_memory::InMemory::pass(self, time) {
                    passing.await;
                }
            }

            fn now(&self) -> std::time::Duration {
                $crate::in_memory::InMemory::time(self)
            }
        }

        #[otp_core::async_trait(?Send)]
        impl otp_core::local::Transport for $transport {
            async fn send(
                &self,
                request: otp_core::Request,
            ) -> Result<otp_core::Response, otp_core::TransportError> {
                otp_core::Transport::send(self, request).await
            }

            async fn sleep(&self, duration: std::time::Duration) {
                otp_core::Transport::sleep(self, duration).await;
            }

            fn now(&self) -> std::time::Duration {
                $crate::in_memory::InMemory::time(self)
            }
        }

        // Without async there is nothing to wait with, so time passes by turning the clock.
        impl otp_core::blocking::Transport for $transport {
            fn send(
                &self,
                request: otp_core::Request,
            ) -> Result<otp_core::Response, otp_core::TransportError> {
                let limit = request.time_limit();
                let played = $crate::in_memory::InMemory::play(self, request);
                // Nobody could ever drop this call.
                let takes = if played.outcome.is_some() { played.takes } else { limit };
                $crate::in_memory::InMemory::turn(self, takes);
                played.outcome.unwrap_or_else(|| Err($crate::in_memory::timed_out()))
            }

            fn sleep(&self, duration: std::time::Duration) {
                let time = $crate::in_memory::InMemory::wait(self, duration);
                $crate::in_memory::InMemory::turn(self, time);
            }

            fn now(&self) -> std::time::Duration {
                $crate::in_memory::InMemory::time(self)
            }
        }
    };
}
pub(crate) use transport_in_all_flavours;
