use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};

use super::ProviderError;
use crate::AuthToken;

/// The current token of a client and its clones. Whoever needs another one first asks the provider, and the others
/// wait for what comes of it.
#[derive(Default)]
pub(crate) struct TokenCache(Mutex<State>);

#[derive(Default)]
struct State {
    current: Option<AuthToken>,
    /// The last token that a server rejected.
    rejected: Option<AuthToken>,
    /// Why there is no token after it. A later success takes it back.
    failure: Option<SharedError>,
    /// How many requests to the provider have ended.
    round: u64,
    asking: bool,
    waiters: Vec<Waker>,
}

/// A provider's error, which every call that waited for the same token returns.
#[derive(Clone)]
pub(crate) struct SharedError(Arc<dyn std::error::Error + Send + Sync>);

impl From<ProviderError> for SharedError {
    fn from(error: ProviderError) -> Self {
        Self(error.into())
    }
}

impl fmt::Debug for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for SharedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for SharedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

enum Turn<'c> {
    Have(AuthToken),
    Failed(SharedError),
    Ask(Asking<'c>),
    Wait(u64),
}

impl TokenCache {
    /// The current token, if it is not the rejected one.
    pub(crate) fn current(&self, rejected: Option<&AuthToken>) -> Option<AuthToken> {
        self.lock().current.clone().filter(|token| Some(token) != rejected)
    }

    /// Remembers what a driver of an exchange got from elsewhere.
    pub(crate) fn store(&self, token: &AuthToken) {
        self.lock().finish(Ok(token.clone()));
    }

    /// Another token than the rejected one: the current one, or what the provider gives, or what another call
    /// gets from it at this moment.
    ///
    /// Dropping it lets one of those that wait ask in its place.
    pub(crate) async fn token<F>(
        &self,
        rejected: Option<&AuthToken>,
        ask: impl Fn() -> F,
    ) -> Result<AuthToken, SharedError>
    where
        F: Future<Output = Result<AuthToken, ProviderError>>,
    {
        let mut joined = None;
        loop {
            match self.turn(rejected, joined) {
                Turn::Have(token) => return Ok(token),
                Turn::Failed(error) => return Err(error),
                Turn::Wait(round) => {
                    joined = Some(round);
                    self.ended(round).await;
                }
                Turn::Ask(mut asking) => {
                    let outcome = ask().await.map_err(SharedError::from);
                    asking.outcome = Some(outcome.clone());
                    return outcome;
                }
            }
        }
    }

    /// `joined` is the round that this call waited for, if it did.
    fn turn(&self, rejected: Option<&AuthToken>, joined: Option<u64>) -> Turn<'_> {
        let mut state = self.lock();
        if rejected.is_some() && state.current.as_ref() == rejected {
            state.rejected = state.current.take();
            state.failure = None;
        }
        if let Some(token) = &state.current {
            return Turn::Have(token.clone());
        }
        if state.asking {
            return Turn::Wait(state.round);
        }
        let waited = joined.is_some_and(|round| round < state.round);
        let used_the_same = rejected.is_some() && state.rejected.as_ref() == rejected;
        match &state.failure {
            Some(failure) if waited || used_the_same => Turn::Failed(failure.clone()),
            _ => {
                state.asking = true;
                Turn::Ask(Asking { cache: self, outcome: None })
            }
        }
    }

    /// Waits until nobody asks the provider in this round any more.
    async fn ended(&self, round: u64) {
        std::future::poll_fn(|cx| {
            let mut state = self.lock();
            if !state.asking || state.round != round {
                return Poll::Ready(());
            }
            if !state.waiters.iter().any(|waker| waker.will_wake(cx.waker())) {
                state.waiters.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// Nothing in here can be left half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn finish(&mut self, outcome: Result<AuthToken, SharedError>) {
        self.round += 1;
        match outcome {
            Ok(token) => (self.current, self.failure) = (Some(token), None),
            Err(error) => self.failure = Some(error),
        }
    }
}

/// The right to ask the provider. Those that wait go on when it is given back, with the outcome or without.
struct Asking<'c> {
    cache: &'c TokenCache,
    outcome: Option<Result<AuthToken, SharedError>>,
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        let mut state = self.cache.lock();
        if let Some(outcome) = self.outcome.take() {
            state.finish(outcome);
        }
        state.asking = false;
        let waiters = std::mem::take(&mut state.waiters);
        drop(state);
        waiters.into_iter().for_each(Waker::wake);
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCache([redacted])")
    }
}
