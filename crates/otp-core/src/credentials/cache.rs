use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use super::ProviderError;
use crate::AuthToken;

/// The current token of a client and its clones. The first call that needs another one asks the provider, and the
/// others wait for its answer.
///
/// Each answer of the provider ends a round. A call remembers the round in which it took its token. After a `401` it
/// asks only if that round still lasts. Otherwise another call has asked since, and that answer counts for both.
#[derive(Default)]
pub(crate) struct TokenCache(Mutex<State>);

#[derive(Default)]
struct State {
    round: Round,
    /// The token that this round began with, until a server rejects it.
    current: Option<AuthToken>,
    /// The last token that a server rejected, until the provider gives one.
    rejected: Option<AuthToken>,
    /// Why this round began without a token.
    failure: Option<SharedError>,
    asking: bool,
    /// In the order of their numbers.
    waiters: Vec<(u64, Waker)>,
    next_waiter: u64,
}

/// How many answers the provider has given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Round(u64);

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
    Have(AuthToken, Round),
    Failed(SharedError),
    Ask(Asking<'c>),
    Wait(Round),
}

impl TokenCache {
    /// The current token, and the round for a call that starts now.
    pub(crate) fn current(&self) -> (Option<AuthToken>, Round) {
        let state = self.lock();
        (state.current.clone(), state.round)
    }

    /// Drops the token that a call took in this round, unless the round is over. Then it gives the one that came
    /// since.
    pub(crate) fn reject(&self, round: Round) -> Option<(AuthToken, Round)> {
        let mut state = self.lock();
        if state.round > round {
            return state.current.clone().map(|token| (token, state.round));
        }
        if let Some(token) = state.current.take() {
            state.rejected = Some(token);
        }
        None
    }

    /// The last token that a server rejected, if none came after it.
    pub(crate) fn rejected(&self) -> Option<AuthToken> {
        self.lock().rejected.clone()
    }

    /// Remembers what a driver of an exchange got from elsewhere.
    pub(crate) fn store(&self, token: &AuthToken) -> Round {
        let mut state = self.lock();
        state.finish(Ok(token.clone()));
        state.round
    }

    /// The provider's answer after this round, or the next one.
    ///
    /// Dropping it lets one of those that wait ask in its place.
    pub(crate) async fn token<F>(
        &self,
        round: Round,
        ask: impl Fn() -> F,
    ) -> Result<(AuthToken, Round), SharedError>
    where
        F: Future<Output = Result<AuthToken, ProviderError>>,
    {
        loop {
            match self.turn(round) {
                Turn::Have(token, round) => return Ok((token, round)),
                Turn::Failed(error) => return Err(error),
                Turn::Wait(round) => Waiter { cache: self, round, number: None }.await,
                Turn::Ask(mut asking) => {
                    asking.outcome = Some(ask().await.map_err(SharedError::from));
                }
            }
        }
    }

    fn turn(&self, round: Round) -> Turn<'_> {
        let mut state = self.lock();
        if state.round > round {
            if let Some(token) = &state.current {
                return Turn::Have(token.clone(), state.round);
            }
            if let Some(failure) = &state.failure {
                return Turn::Failed(failure.clone());
            }
        }
        if state.asking {
            return Turn::Wait(state.round);
        }
        state.asking = true;
        Turn::Ask(Asking { cache: self, outcome: None })
    }

    /// Nothing in here can be left half done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Where the waiter of this number is, or belongs.
    fn find(&self, number: u64) -> Result<usize, usize> {
        self.waiters.binary_search_by_key(&number, |(own, _)| *own)
    }

    fn finish(&mut self, outcome: Result<AuthToken, SharedError>) {
        match outcome {
            Ok(token) => {
                (self.current, self.rejected, self.failure) = (Some(token), None, None);
                self.round.0 += 1;
            }
            // A driver of an exchange has stored one meanwhile.
            Err(_) if self.current.is_some() => {}
            Err(error) => {
                self.failure = Some(error);
                self.round.0 += 1;
            }
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
        waiters.into_iter().for_each(|(_, waker)| waker.wake());
    }
}

/// Is ready when nobody asks the provider in this round any more.
struct Waiter<'c> {
    cache: &'c TokenCache,
    round: Round,
    number: Option<u64>,
}

impl Future for Waiter<'_> {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.cache.lock();
        if !state.asking || state.round != self.round {
            return Poll::Ready(());
        }
        let number = self.number.unwrap_or(state.next_waiter);
        if self.number.is_none() {
            state.next_waiter += 1;
        }
        let waker = cx.waker().clone();
        let replaced = match state.find(number) {
            Ok(at) => Some(std::mem::replace(&mut state.waiters[at].1, waker)),
            Err(at) => {
                state.waiters.insert(at, (number, waker));
                None
            }
        };
        drop(state);
        self.number = Some(number);
        // It may be the last handle of a task, which then drops what it waits for.
        drop(replaced);
        Poll::Pending
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            let mut state = self.cache.lock();
            let removed = state.find(number).ok().map(|at| state.waiters.remove(at));
            // As above: not while the cache is locked.
            drop(state);
            drop(removed);
        }
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenCache([redacted])")
    }
}
