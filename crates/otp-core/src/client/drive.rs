//! The one loop that drives an exchange, for every flavour.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use crate::client::TokenSource;
use crate::credentials::{ProviderError, Round, TokenRequest};
use crate::exchange::Engine;
use crate::{
    Answer, AuthToken, Error, Exchange, Operation, Request, Response, Step, TransportError,
};

/// What a call needs of its flavour. A blocking one has futures that are ready when they are first polled, but for
/// the timer and the wait for another call's token.
pub(crate) trait Flavour {
    fn send(&self, request: Request) -> impl Future<Output = Result<Response, TransportError>>;
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;
    fn now(&self) -> Duration;
    /// Asks the token provider.
    fn ask(&self, request: &TokenRequest)
    -> impl Future<Output = Result<AuthToken, ProviderError>>;
    /// Is ready after this time, and lets other futures go on until then.
    fn timer(&self, duration: Duration) -> impl Future<Output = ()>;
}

pub(crate) async fn drive<F: Flavour, O: Operation>(
    flavour: &F,
    mut exchange: Exchange<O>,
) -> Result<Answer<O::Output>, Error> {
    loop {
        let step = match exchange.step(flavour.now()) {
            Step::Done(result) => return exchange.answer(result),
            step => step,
        };
        match perform(flavour, exchange.engine(), step).await {
            Event::Received(outcome) => exchange.received(outcome, flavour.now()),
            Event::Authenticated(outcome) => exchange.take_token(outcome),
            Event::Waited => {}
        }
    }
}

/// What came of a step.
enum Event {
    Received(Result<Response, TransportError>),
    Authenticated(Result<(AuthToken, Round), ProviderError>),
    Waited,
}

/// Does a step. It is compiled once, and not for each operation.
async fn perform<F: Flavour>(flavour: &F, engine: &Engine, step: Step<()>) -> Event {
    match step {
        Step::Send(request) => {
            let sending = flavour.send(request);
            #[cfg(feature = "tracing")]
            let sending = tracing::Instrument::instrument(sending, engine.span().clone());
            Event::Received(sending.await)
        }
        Step::Wait(duration) => {
            flavour.sleep(duration).await;
            Event::Waited
        }
        Step::Authenticate(request) => {
            let (source, round) = engine.token_source();
            let asking = token(flavour, source, round, &request);
            #[cfg(feature = "tracing")]
            let asking = tracing::Instrument::instrument(asking, engine.span().clone());
            Event::Authenticated(asking.await)
        }
        Step::Done(_) => Event::Waited,
    }
}

/// A token that came after this round, within the request's time limit.
async fn token<F: Flavour>(
    flavour: &F,
    source: &TokenSource,
    round: Round,
    request: &TokenRequest,
) -> Result<(AuthToken, Round), ProviderError> {
    let cache = match source {
        TokenSource::Provided(cache) => cache,
        TokenSource::Fixed(token) => return Ok((token.clone(), round)),
    };
    let token = cache.token(round, || flavour.ask(request));
    // The timer is made only when the token is not there at once.
    let timer = async { flavour.timer(request.time_limit()).await };
    match first(token, timer).await {
        Some(outcome) => outcome.map_err(Into::into),
        None => Err(TooLate.into()),
    }
}

/// What the future gives, if it is ready before the timer.
async fn first<T>(future: impl Future<Output = T>, timer: impl Future<Output = ()>) -> Option<T> {
    let (mut future, mut timer) = (pin!(future), pin!(timer));
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(value) => Poll::Ready(Some(value)),
        Poll::Pending => timer.as_mut().poll(cx).map(|()| None),
    })
    .await
}

#[derive(Debug, thiserror::Error)]
#[error("the token provider did not answer within the call's time")]
struct TooLate;
