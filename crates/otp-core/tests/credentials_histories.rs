//! Random histories: tokens expire at any moment, answers come in any order, calls are dropped or run out of time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_core::credentials::{ProviderError, TokenProvider, TokenRequest};
use otp_core::operation::ReceiveCodes;
use otp_core::secrecy::ExposeSecret;
use otp_core::{
    AuthToken, Credentials, Error, ErrorKind, OtpsClient, Request, Response, Transport,
    TransportError, async_trait,
};
use support::response;
use support::tasks::{Gate, Tasks};
use support::tokens::{async_client, token};

#[derive(Default)]
struct World(Mutex<State>);

#[derive(Default)]
struct State {
    rng: Option<fastrand::Rng>,
    /// Tokens are numbered; the service accepts one of them, or none.
    valid: Option<u32>,
    newest: u32,
    given: HashSet<String>,
    /// The answers, and the requests to the provider, that are waiting.
    gates: Vec<Arc<Gate>>,
    timers: Vec<Arc<Gate>>,
    asking: usize,
    asked: usize,
    /// The token of the last answer of the provider; none if it failed or was given up.
    last: Option<String>,
    /// Of which tokens a 401 has reached its call.
    known_bad: HashSet<String>,
    sent: usize,
}

impl World {
    fn with<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.0.lock().unwrap())
    }

    async fn wait(&self) {
        let gate = Arc::new(Gate::default());
        self.with(|state| state.gates.push(Arc::clone(&gate)));
        gate.pass().await;
    }
}

#[async_trait]
impl Transport for World {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let sent = request.as_http().headers()["x-auth-token"].to_str().unwrap().to_owned();
        let is_valid = self.with(|state| {
            state.sent += 1;
            assert!(state.given.contains(&sent), "no provider gave {sent}");
            state.valid.is_some_and(|valid| sent == format!("t{valid}"))
        });
        self.wait().await;
        if !is_valid {
            self.with(|state| state.known_bad.insert(sent));
            return Ok(response(401, &[], ""));
        }
        Ok(response(204, &[], ""))
    }

    async fn sleep(&self, _: Duration) {
        let gate = Arc::new(Gate::default());
        self.with(|state| state.timers.push(Arc::clone(&gate)));
        gate.pass().await;
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

/// Counts a request to the provider while it lasts.
struct Asked<'w>(&'w World);

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        self.0.with(|state| state.asking -= 1);
    }
}

#[async_trait]
impl TokenProvider for World {
    async fn token(&self, request: &TokenRequest) -> Result<AuthToken, ProviderError> {
        let asked = Asked(self);
        self.with(|state| {
            state.asking += 1;
            state.asked += 1;
            assert_eq!(state.asking, 1, "one request at a time");
            if let Some(last) = state.last.take() {
                assert!(state.known_bad.contains(&last), "{last} is thrown away without a 401");
                assert_eq!(request.rejected().unwrap().expose_secret(), last);
            }
        });
        self.wait().await;
        let outcome = self.with(|state| {
            let rng = state.rng.as_mut().unwrap();
            let number = match rng.u32(0..10) {
                0..=1 => return Err("the provider fails".into()),
                // One that it gave before, perhaps the rejected one.
                2 if state.newest > 0 => rng.u32(1..=state.newest),
                _ => state.valid.unwrap_or(state.newest + 1),
            };
            state.newest = state.newest.max(number);
            let text = format!("t{number}");
            state.known_bad.remove(&text);
            state.given.insert(text.clone());
            state.last = Some(text.clone());
            Ok(token(&text))
        });
        drop(asked);
        outcome
    }
}

/// The outcome, and how many attempts there were.
async fn call(client: OtpsClient) -> Result<usize, Error> {
    Ok(client.call(ReceiveCodes).send().await?.metadata.attempts())
}

fn history(seed: u64) {
    let world = Arc::new(World::default());
    world.with(|state| state.rng = Some(fastrand::Rng::with_seed(seed)));
    let mut rng = fastrand::Rng::with_seed(!seed);
    let client = async_client(Arc::clone(&world), Credentials::provider(Arc::clone(&world)));
    let mut tasks = Tasks::new();
    let mut calls = 0;
    for _ in 0..rng.usize(10..80) {
        match rng.u32(0..10) {
            0..=2 if calls < 12 => {
                tasks.add(call(client.clone()));
                calls += 1;
            }
            3 => world.with(|state| {
                // A new token becomes valid, or none is.
                state.valid = rng.bool().then_some(state.newest + 1);
            }),
            4 if calls > 0 && rng.u32(0..4) == 0 => tasks.give_up(rng.usize(0..calls)),
            5 if calls > 0 => {
                tasks.poll(rng.usize(0..calls));
            }
            6 if rng.bool() => {
                if let Some(timer) = world.with(|state| state.timers.pop()) {
                    timer.release(1);
                }
            }
            _ => {
                let gate = world.with(|state| {
                    let number = rng.usize(0..state.gates.len().max(1));
                    (number < state.gates.len()).then(|| state.gates.swap_remove(number))
                });
                if let Some(gate) = gate {
                    gate.release(1);
                }
                if rng.bool() {
                    tasks.run();
                }
            }
        }
    }
    // In the end everything answers, and nobody may be left waiting. Time is never up.
    tasks.run();
    for _ in 0..1000 {
        let gates = world.with(|state| std::mem::take(&mut state.gates));
        gates.iter().for_each(|gate| gate.release(1));
        tasks.run();
    }
    for number in 0..calls {
        assert!(!tasks.is_running(number), "call {number} waits for ever");
        match tasks.value(number) {
            Some(Ok(attempts)) => assert!(attempts <= 2),
            Some(Err(error)) => {
                let kinds = [ErrorKind::Unauthorized, ErrorKind::Credentials];
                assert!(kinds.contains(&error.kind()), "{error}");
                assert!(error.attempts().len() <= 2);
            }
            None => {}
        }
    }
    let (asked, sent) = world.with(|state| (state.asked, state.sent));
    assert!(sent <= 2 * calls && asked <= 2 * calls, "{calls} calls, {asked} asked, {sent} sent");
}

#[test]
fn whatever_happens_no_good_token_is_lost_and_no_call_waits_for_ever() {
    for seed in 0..3000 {
        let outcome = std::panic::catch_unwind(|| history(seed));
        assert!(outcome.is_ok(), "seed {seed}");
    }
}
