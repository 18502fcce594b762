//! What concurrent calls share: one token, one request to the provider, one failure.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use otp_core::credentials::{ProviderError, TokenProvider, TokenRequest};
use otp_core::operation::{FindRecoveryCodes, ReceiveCodes};
use otp_core::{
    AuthToken, Credentials, Error, ErrorKind, Exchange, OtpsClient, Request, Response, Step,
    Transport, TransportError, async_trait, blocking, clock,
};
use support::base_url;
use support::tasks::{Gate, Tasks};
use support::tokens::Turn::{Fail, Give, Panic};
use support::tokens::{Provider, Service, Turn, async_client, token};

/// Receives a request at once, and answers when the test says so.
struct Slow {
    service: Arc<Service>,
    answers: Gate,
    /// Is over when a call's time is.
    deadline: Gate,
}

#[async_trait]
impl Transport for Slow {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let response = self.service.receive(request);
        self.answers.pass().await;
        Ok(response)
    }
    async fn sleep(&self, _: Duration) {
        self.deadline.pass().await;
    }
    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

/// Takes its turn when the test says so.
struct SlowProvider {
    provider: Arc<Provider>,
    turns: Gate,
}

#[async_trait]
impl TokenProvider for SlowProvider {
    async fn token(&self, request: &TokenRequest) -> Result<AuthToken, ProviderError> {
        let turn = self.provider.turn(request);
        self.turns.pass().await;
        turn.take().await
    }
}

struct World {
    service: Arc<Service>,
    transport: Arc<Slow>,
    provider: Arc<SlowProvider>,
    client: OtpsClient,
}

impl World {
    fn new(valid: &[&str], turns: &[Turn]) -> Self {
        let service = Service::accepting(valid);
        let transport = Arc::new(Slow {
            service: Arc::clone(&service),
            answers: Gate::default(),
            deadline: Gate::default(),
        });
        let provider =
            Arc::new(SlowProvider { provider: Provider::of(turns), turns: Gate::default() });
        let credentials = Credentials::provider(Arc::clone(&provider));
        let client = async_client(Arc::clone(&transport), credentials);
        Self { service, transport, provider, client }
    }

    /// A client that has this token from its provider, which takes these turns next.
    fn with_token(first: &'static str, valid: &[&str], turns: &[Turn]) -> Self {
        let turns: Vec<_> = [Give(first)].into_iter().chain(turns.iter().copied()).collect();
        let world = Self::new(valid, &turns);
        world.service.accept(first);
        world.transport.answers.release(1);
        world.provider.turns.release(1);
        pollster::block_on(world.call()).unwrap();
        world.service.expire(first);
        world
    }

    async fn call(&self) -> Result<(), Error> {
        self.client.call(ReceiveCodes).send().await.map(|_| ())
    }

    fn asked(&self) -> usize {
        self.provider.provider.asked().len()
    }
}

const MANY: usize = 20;

fn many<'t>(world: &'t World, tasks: &mut Tasks<'t, Result<(), Error>>) {
    for _ in 0..MANY {
        tasks.add(world.call());
    }
    tasks.run();
}

#[test]
fn concurrent_first_calls_share_one_request_to_the_provider() {
    let world = World::new(&["t1"], &[Give("t1"), Give("t2")]);
    let mut tasks = Tasks::new();
    many(&world, &mut tasks);
    world.provider.turns.release(1);
    world.transport.answers.release(MANY);
    tasks.run();
    assert!((0..MANY).all(|number| tasks.value(number).unwrap().is_ok()));
    assert_eq!(world.asked(), 1);
}

#[test]
fn concurrent_401s_share_one_refresh() {
    let world = World::with_token("t1", &["t2"], &[Give("t2"), Give("t3")]);
    let mut tasks = Tasks::new();
    many(&world, &mut tasks);
    world.transport.answers.release(2 * MANY);
    tasks.run();
    assert_eq!(world.asked(), 2);
    world.provider.turns.release(1);
    tasks.run();
    assert!((0..MANY).all(|number| tasks.value(number).unwrap().is_ok()));
    assert_eq!(world.asked(), 2);
    assert_eq!(world.service.tokens().iter().filter(|token| *token == "t2").count(), MANY);
}

#[test]
fn calls_that_shared_their_first_token_refresh_it_together() {
    let world = World::new(&["t2"], &[Give("t1"), Give("t2"), Give("t3")]);
    let mut tasks = Tasks::new();
    many(&world, &mut tasks);
    world.provider.turns.release(1);
    tasks.run();
    world.transport.answers.release(2 * MANY);
    world.provider.turns.release(1);
    tasks.run();
    assert!((0..MANY).all(|number| tasks.value(number).unwrap().is_ok()));
    assert_eq!(world.asked(), 2);
}

#[test]
fn a_call_that_starts_during_a_refresh_waits_for_it() {
    let world = World::with_token("t1", &["t2"], &[Give("t2"), Give("t3")]);
    let mut tasks = Tasks::new();
    world.transport.answers.release(10);
    tasks.add(world.call());
    tasks.run();
    let late = tasks.add(world.call());
    tasks.run();
    assert!(tasks.is_running(late));
    world.provider.turns.release(1);
    tasks.run();
    assert!(tasks.value(late).unwrap().is_ok());
    assert_eq!(world.service.tokens(), ["t1", "t1", "t2", "t2"]);
    assert_eq!(world.asked(), 2);
}

#[test]
fn a_late_401_does_not_drop_a_newer_token() {
    let world = World::with_token("t1", &["t2"], &[Give("t2"), Give("t3")]);
    let mut tasks = Tasks::new();
    world.provider.turns.release(10);
    let late = tasks.add(world.call());
    tasks.run();
    let early = tasks.add(world.call());
    // The first in the queue is `late`: it passes only after `early` has the new token.
    tasks.poll(early);
    world.transport.answers.release(1);
    tasks.poll(early);
    world.transport.answers.release(1);
    tasks.poll(early);
    assert!(tasks.value(early).unwrap().is_ok());
    world.transport.answers.release(2);
    tasks.run();
    assert!(tasks.value(late).unwrap().is_ok());
    assert_eq!(world.service.tokens(), ["t1", "t1", "t1", "t2", "t2"]);
    assert_eq!(world.asked(), 2, "the late 401 was of t1, and t2 was there");
}

#[test]
fn concurrent_calls_share_a_failure_and_late_401s_do_not_repeat_it() {
    let world = World::with_token("t1", &[], &[Fail("sealed"), Give("t2")]);
    let mut tasks = Tasks::new();
    many(&world, &mut tasks);
    world.provider.turns.release(10);
    // One after another, so that each 401 but the first comes after the failure.
    for _ in 0..MANY {
        world.transport.answers.release(1);
        tasks.run();
    }
    for number in 0..MANY {
        let error = tasks.value(number).unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert!(error.to_string().contains("sealed"), "{error}");
        assert_eq!(error.status().unwrap(), 401);
    }
    assert_eq!(world.asked(), 2);
}

#[test]
fn a_failure_is_shared_by_calls_of_any_earlier_token() {
    // Two calls still wait for their answers to t1 when t2 has come and gone.
    let world = World::with_token("t1", &[], &[Give("t2"), Fail("sealed"), Give("t3")]);
    let mut tasks = Tasks::new();
    world.provider.turns.release(10);
    let late = [tasks.add(world.call()), tasks.add(world.call())];
    tasks.run();
    let first = tasks.add(world.call());
    for _ in 0..3 {
        tasks.poll(first);
        world.transport.answers.release(1);
    }
    tasks.poll(first);
    assert_eq!(tasks.value(first).unwrap().unwrap_err().kind(), ErrorKind::Unauthorized, "of t2");
    let second = tasks.add(world.call());
    tasks.poll(second);
    world.transport.answers.release(1);
    tasks.poll(second);
    assert_eq!(tasks.value(second).unwrap().unwrap_err().kind(), ErrorKind::Credentials);
    assert_eq!(world.asked(), 3);
    world.transport.answers.release(10);
    tasks.run();
    for late in late {
        assert_eq!(tasks.value(late).unwrap().unwrap_err().kind(), ErrorKind::Credentials);
    }
    assert_eq!(world.asked(), 3, "the failure is that of each of them");
}

#[test]
fn concurrent_calls_share_the_answer_of_a_provider_that_insists_on_its_token() {
    let world = World::with_token("t1", &[], &[Give("t1")]);
    let mut tasks = Tasks::new();
    many(&world, &mut tasks);
    world.transport.answers.release(MANY - 1);
    tasks.run();
    world.provider.turns.release(MANY);
    tasks.run();
    world.transport.answers.release(1);
    tasks.run();
    for number in 0..MANY {
        let error = tasks.value(number).unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert_eq!(error.attempts().len(), 1);
    }
    assert_eq!(world.asked(), 2);
}

#[test]
fn a_waiter_asks_in_the_place_of_a_call_that_was_dropped() {
    let world = World::with_token("t1", &["t2"], &[Give("t2")]);
    let mut tasks = Tasks::new();
    world.transport.answers.release(100);
    many(&world, &mut tasks);
    for leader in 0..3 {
        assert_eq!(world.asked(), 2 + leader);
        tasks.give_up(leader);
        tasks.run();
    }
    // A waiter that is dropped takes nothing with it.
    tasks.give_up(10);
    tasks.run();
    assert_eq!(world.asked(), 5);
    world.provider.turns.release(1);
    tasks.run();
    let done = (0..MANY).filter_map(|number| tasks.value(number)).filter(Result::is_ok).count();
    assert_eq!(done, MANY - 4);
    assert_eq!(world.asked(), 5);
}

#[test]
fn a_waiter_asks_in_the_place_of_a_call_whose_time_is_up() {
    let world = World::with_token("t1", &["t2"], &[Give("t2")]);
    let mut tasks = Tasks::new();
    world.transport.answers.release(10);
    let (leader, waiter) = (tasks.add(world.call()), tasks.add(world.call()));
    tasks.run();
    // Only the leader is polled while there is time to be up.
    world.transport.deadline.release(1);
    tasks.poll(leader);
    let error = tasks.value(leader).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Credentials);
    tasks.run();
    assert_eq!(world.asked(), 3);
    world.provider.turns.release(1);
    tasks.run();
    assert!(tasks.value(waiter).unwrap().is_ok());
}

#[test]
fn a_waiter_gives_up_at_its_own_deadline_and_the_others_go_on() {
    let world = World::with_token("t1", &["t2"], &[Give("t2")]);
    let mut tasks = Tasks::new();
    world.transport.answers.release(10);
    let (leader, waiter) = (tasks.add(world.call()), tasks.add(world.call()));
    tasks.run();
    world.transport.deadline.release(1);
    tasks.poll(waiter);
    let error = tasks.value(waiter).unwrap().unwrap_err();
    assert!(error.to_string().contains("did not answer within the call's time"), "{error}");
    assert!(tasks.is_running(leader));
    world.provider.turns.release(1);
    tasks.run();
    assert!(tasks.value(leader).unwrap().is_ok());
    assert_eq!(world.asked(), 2);
}

#[test]
fn a_waiter_asks_in_the_place_of_a_call_whose_provider_panicked() {
    let world = World::with_token("t1", &["t2"], &[Panic, Give("t2")]);
    let mut tasks = Tasks::new();
    world.transport.answers.release(10);
    let (leader, waiter) = (tasks.add(world.call()), tasks.add(world.call()));
    tasks.run();
    assert_eq!(world.asked(), 2);
    world.provider.turns.release(1);
    assert!(catch_unwind(AssertUnwindSafe(|| tasks.run())).is_err());
    tasks.give_up(leader);
    tasks.run();
    assert_eq!(world.asked(), 3);
    world.provider.turns.release(1);
    tasks.run();
    assert!(tasks.value(waiter).unwrap().is_ok());
}

/// Counts how many of its clones are alive.
struct Counted(#[allow(dead_code, reason = "it is counted")] Arc<()>);

impl std::task::Wake for Counted {
    fn wake(self: Arc<Self>) {}
}

#[test]
fn a_dropped_waiter_leaves_nothing_behind() {
    let world = World::new(&[], &[Give("t1")]);
    let mut leader = Box::pin(world.call());
    let noop = &mut std::task::Context::from_waker(std::task::Waker::noop());
    assert!(leader.as_mut().poll(noop).is_pending());
    let alive = Arc::new(());
    for _ in 0..100 {
        let waker = std::task::Waker::from(Arc::new(Counted(Arc::clone(&alive))));
        let mut waiter = Box::pin(world.call());
        let cx = &mut std::task::Context::from_waker(&waker);
        assert!(waiter.as_mut().poll(cx).is_pending());
        assert!(waiter.as_mut().poll(cx).is_pending());
        drop(waiter);
    }
    // The test's own timer keeps none either.
    world.transport.deadline.release(0);
    assert_eq!(Arc::strong_count(&alive), 1, "wakers of dropped waiters are kept");
}

#[test]
fn a_waker_that_is_replaced_or_removed_may_drop_a_waiter() {
    // Dropping the last handle of a task drops its future, which may wait for a token itself.
    struct Owner(#[allow(dead_code, reason = "it is dropped")] Mutex<Option<Held>>);
    struct Held(
        #[allow(dead_code, reason = "it is dropped")]
        std::pin::Pin<Box<dyn Future<Output = ()> + Send>>,
    );
    impl std::task::Wake for Owner {
        fn wake(self: Arc<Self>) {}
    }
    let world = Arc::new(World::new(&[], &[Give("t1")]));
    let noop = &mut std::task::Context::from_waker(std::task::Waker::noop());
    let mut leader = Box::pin(world.call());
    assert!(leader.as_mut().poll(noop).is_pending());
    let mut waiter = Box::pin(world.call());
    for _ in 0..2 {
        let client = world.client.clone();
        let mut inner: std::pin::Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
            client.call(ReceiveCodes).send().await.unwrap();
        });
        assert!(inner.as_mut().poll(noop).is_pending());
        let waker = std::task::Waker::from(Arc::new(Owner(Mutex::new(Some(Held(inner))))));
        let cx = &mut std::task::Context::from_waker(&waker);
        assert!(waiter.as_mut().poll(cx).is_pending());
        drop(waker);
        // The test's own timer keeps none, so the cache has the last handle.
        world.transport.deadline.release(0);
    }
    drop(waiter);
    drop(leader);
}

#[test]
fn a_waiter_takes_its_own_answer_although_another_call_asks_again_already() {
    let world = World::new(&[], &[Fail("sealed"), Give("t1")]);
    let mut tasks = Tasks::new();
    let (leader, waiter) = (tasks.add(world.call()), tasks.add(world.call()));
    tasks.run();
    world.provider.turns.release(1);
    tasks.poll(leader);
    assert_eq!(tasks.value(leader).unwrap().unwrap_err().kind(), ErrorKind::Credentials);
    let next = tasks.add(world.call());
    tasks.poll(next);
    assert_eq!(world.asked(), 2);
    tasks.poll(waiter);
    assert_eq!(tasks.value(waiter).unwrap().unwrap_err().kind(), ErrorKind::Credentials);
}

#[test]
fn a_failure_that_was_overcome_is_forgotten() {
    // A call still waits for its answer to t1 while there is a failure, then t2, then a request for t3.
    let turns = [Fail("sealed"), Give("t2"), Give("t3")];
    let world = World::with_token("t1", &["t2"], &turns);
    let mut tasks = Tasks::new();
    let late = tasks.add(world.call());
    tasks.run();
    let call = |tasks: &mut Tasks<'_, _>, number| {
        for _ in 0..3 {
            tasks.poll(number);
            world.transport.answers.release(1);
        }
        tasks.poll(number);
    };
    world.provider.turns.release(2);
    for is_ok in [false, true] {
        let number = tasks.add(world.call());
        call(&mut tasks, number);
        assert_eq!(tasks.value(number).unwrap().is_ok(), is_ok);
    }
    world.service.expire("t2");
    world.service.accept("t3");
    let refreshing = tasks.add(world.call());
    call(&mut tasks, refreshing);
    assert_eq!(world.asked(), 4);
    world.transport.answers.release(10);
    tasks.run();
    assert!(tasks.is_running(late), "it waits for t3");
    world.provider.turns.release(1);
    tasks.run();
    assert!(tasks.value(late).unwrap().is_ok());
}

#[test]
fn a_failure_does_not_hide_a_token_that_a_driver_brought_meanwhile() {
    let world = World::new(&["t1", "t2"], &[Fail("sealed"), Give("t2")]);
    let mut tasks = Tasks::new();
    let leader = tasks.add(world.call());
    tasks.run();
    let config = world.client.config();
    let options = config.options_for::<ReceiveCodes>();
    let mut exchange = Exchange::new(config, ReceiveCodes, options, Duration::ZERO);
    assert!(matches!(exchange.next(Duration::ZERO), Step::Authenticate(_)));
    exchange.authenticated(Ok(token("t1")));
    let other = tasks.add(world.call());
    world.service.expire("t1");
    tasks.run();
    world.service.accept("t1");
    world.provider.turns.release(10);
    tasks.poll(leader);
    assert_eq!(world.service.tokens(), ["t1", "t1"], "the leader takes it, too");
    world.transport.answers.release(10);
    tasks.run();
    assert!(tasks.value(leader).unwrap().is_ok());
    assert!(tasks.value(other).unwrap().is_ok(), "it refreshes after its 401");
    assert_eq!(world.asked(), 2);
}

/// Answers when a test's thread says so.
struct Line(Mutex<mpsc::Receiver<Result<&'static str, &'static str>>>, Arc<Barrier>);

impl blocking::TokenProvider for Line {
    fn token(&self, _: &TokenRequest) -> Result<AuthToken, ProviderError> {
        self.1.wait();
        Ok(token(self.0.lock().unwrap().recv()??))
    }
}

/// The clock of the machine.
struct Real(Arc<Service>);

impl blocking::Transport for Real {
    fn send(&self, request: Request) -> Result<Response, TransportError> {
        Ok(self.0.receive(request))
    }
    fn sleep(&self, duration: Duration) {
        thread::sleep(duration);
    }
    fn now(&self) -> Duration {
        clock::monotonic()
    }
}

fn blocking_client(
    service: &Arc<Service>,
) -> (blocking::OtpsClient, mpsc::Sender<Result<&'static str, &'static str>>, Arc<Barrier>) {
    let (answer, answers) = mpsc::channel();
    let asked = Arc::new(Barrier::new(2));
    let provider = Line(Mutex::new(answers), Arc::clone(&asked));
    let credentials = blocking::Credentials::provider(provider);
    let client = blocking::OtpsClient::builder(Real(Arc::clone(service)), credentials)
        .base_url(base_url())
        .build()
        .unwrap();
    (client, answer, asked)
}

#[test]
fn blocking_threads_share_one_request_to_the_provider() {
    let service = Service::accepting(&["t1"]);
    let (client, answer, asked) = blocking_client(&service);
    thread::scope(|scope| {
        let call = || client.call(FindRecoveryCodes).send();
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(call)).collect();
        // The provider is asked once. A second request to it would wait at the barrier for ever.
        asked.wait();
        answer.send(Ok("t1")).unwrap();
        for thread in threads {
            thread.join().unwrap().unwrap();
        }
    });
    assert_eq!(service.tokens().len(), 8);
}

#[test]
fn a_blocking_waiter_gives_up_at_its_deadline_while_the_provider_hangs() {
    let service = Service::accepting(&["t1"]);
    let (client, answer, asked) = blocking_client(&service);
    let limit = Duration::from_millis(60);
    thread::scope(|scope| {
        let leader = scope.spawn(|| client.call(FindRecoveryCodes).send());
        asked.wait();
        let waiters: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let started = Instant::now();
                    let call = client.call(FindRecoveryCodes).timeout(limit);
                    (call.send().unwrap_err(), started.elapsed())
                })
            })
            .collect();
        for waiter in waiters {
            let (error, took) = waiter.join().unwrap();
            assert_eq!(error.kind(), ErrorKind::Credentials);
            assert!(took >= limit && took < limit + Duration::from_secs(5), "{took:?}");
        }
        answer.send(Ok("t1")).unwrap();
        leader.join().unwrap().unwrap();
    });
}

#[test]
fn a_blocking_wait_takes_no_wake_up_that_is_for_its_thread() {
    // A blocking call within an executor that parks its thread.
    let service = Service::accepting(&["t1"]);
    let (client, answer, asked) = blocking_client(&service);
    thread::scope(|scope| {
        let leader = scope.spawn(|| client.call(FindRecoveryCodes).send());
        asked.wait();
        let waiter = scope.spawn(|| {
            thread::current().unpark();
            let call = client.call(FindRecoveryCodes).timeout(Duration::from_millis(60));
            call.send().unwrap_err();
            let started = Instant::now();
            thread::park_timeout(Duration::from_secs(20));
            started.elapsed()
        });
        let parked = waiter.join().unwrap();
        answer.send(Ok("t1")).unwrap();
        leader.join().unwrap().unwrap();
        assert!(parked < Duration::from_secs(10), "{parked:?}");
    });
}
