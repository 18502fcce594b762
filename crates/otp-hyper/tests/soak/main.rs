//! A soak: one client in many runtimes, against servers that restart, refuse, drop connections, limit streams, go
//! away, go silent and answer late. What the servers received is compared with what the calls reported.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "it says what it did")]

mod calls;
#[path = "../support/counted.rs"]
mod counted;
mod dice;
mod servers;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use calls::{Dial, Tally, batch, call};
use dice::millis;
use otp_conformance::hostile::Protocol;
use otp_core::{AuthToken, Effect, ErrorKind, OtpsClient};
use otp_hyper::{HttpVersions, HyperTransport, Roots};
use servers::{World, serve};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::sleep;

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn descriptors() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/fd").ok()?.count())
}

fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// So many calls of each operation, over these protocols.
fn soak(versions: HttpVersions, protocols: &[(Protocol, bool)], each: usize) {
    // Alone in this process, for the sake of its descriptors.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    // What tokio opens once for the whole process is open then.
    drop(multi_thread());
    let descriptors_before = descriptors();
    let started = Instant::now();

    let world = Arc::new(World::default());
    let servers = multi_thread();
    let (killer, kill) = watch::channel(());
    let killer = Arc::new(killer);
    let origins: Vec<_> = protocols
        .iter()
        .map(|(protocol, is_tls)| servers.block_on(serve(&world, *protocol, *is_tls, &kill)))
        .collect();
    // Restarts: what is open is lost, and for a while nobody listens.
    let restarts = servers.spawn({
        let (world, killer) = (Arc::clone(&world), Arc::clone(&killer));
        async move {
            loop {
                sleep(millis(200, 600)).await;
                world.refuses.store(true, Ordering::SeqCst);
                killer.send(()).unwrap();
                sleep(millis(10, 80)).await;
                world.refuses.store(false, Ordering::SeqCst);
            }
        }
    });

    let mut builder = HyperTransport::builder()
        .http_versions(versions)
        .connector(Dial(Arc::clone(&world)))
        .pool_idle_timeout(Duration::from_secs(2));
    if let Some(roots) = origins.iter().find_map(|origin| origin.roots.as_ref()) {
        builder = builder.roots(Roots::pem(roots).unwrap());
    }
    let transport = builder.build().unwrap();
    let clients: Vec<OtpsClient> = origins
        .iter()
        .map(|origin| {
            OtpsClient::builder(transport.clone(), AuthToken::new("t").unwrap())
                .base_url(origin.url.clone())
                .build()
                .unwrap()
        })
        .collect();

    // Alive and not driven, until the end.
    let undriven = current_thread();
    let tally = Mutex::new(undriven.block_on(batch(&clients, 5)));
    let left = AtomicUsize::new(each.saturating_sub(5));
    let share = || {
        let share = left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(15)));
        Some(share.unwrap().min(15)).filter(|share| *share > 0)
    };
    let count = |more: Tally| {
        let mut tally = tally.lock().unwrap();
        tally.ended.extend(more.ended);
        tally.worst = tally.worst.max(more.worst);
    };
    let runtimes = AtomicUsize::new(3);
    let lasting = [current_thread(), multi_thread()];
    std::thread::scope(|scope| {
        for runtime in &lasting {
            scope.spawn(|| {
                while let Some(share) = share() {
                    count(runtime.block_on(batch(&clients, share)));
                }
            });
        }
        for kind in [current_thread as fn() -> Runtime, multi_thread] {
            let (clients, runtimes, share, count) = (&clients, &runtimes, &share, &count);
            scope.spawn(move || {
                while let Some(share) = share() {
                    let runtime = kind();
                    runtimes.fetch_add(1, Ordering::SeqCst);
                    count(runtime.block_on(batch(clients, share)));
                    // It ends with calls under way.
                    runtime.block_on(async {
                        for operation in 0..4 {
                            let client = clients[operation % clients.len()].clone();
                            tokio::spawn(call(client, operation, Duration::from_secs(1), false));
                        }
                        tokio::task::yield_now().await;
                    });
                }
            });
        }
    });

    // Healthy from now on: each call succeeds at once, as with a fresh client, also where all that happened.
    restarts.abort();
    assert!(servers.block_on(restarts).unwrap_err().is_cancelled());
    world.refuses.store(false, Ordering::SeqCst);
    world.is_healthy.store(true, Ordering::SeqCst);
    let all = || lasting.iter().chain([&undriven]);
    let mut healthy = 0;
    for runtime in all() {
        runtime.block_on(async {
            let calls: Vec<_> = (0..40)
                .map(|number| {
                    let client = clients[number % clients.len()].clone();
                    tokio::spawn(call(client, number / 10, Duration::from_secs(20), false))
                })
                .collect();
            for call in calls {
                let ended = call.await.unwrap();
                assert!(matches!(ended.result, Some(Ok(1))), "call {healthy}: {:?}", ended.result);
                healthy += 1;
            }
        });
    }

    // Nothing is left over.
    drop((clients, transport));
    for runtime in all() {
        let tasks = || {
            runtime.block_on(async { sleep(Duration::from_millis(5)).await });
            runtime.metrics().num_alive_tasks()
        };
        eventually("tasks are left over", || tasks() == 0);
    }
    eventually("connections are left over", || world.client_open.load(Ordering::SeqCst) == 0);
    eventually("the servers have open connections", || world.open.load(Ordering::SeqCst) == 0);
    drop((lasting, undriven));
    servers.shutdown_timeout(Duration::from_secs(5));
    if descriptors_before.is_some() {
        eventually("descriptors are left over", || descriptors() == descriptors_before);
    }

    // What the servers received is what the calls reported.
    let tally = tally.into_inner().unwrap();
    let received = world.received.lock().unwrap();
    for (marker, times) in received.iter() {
        assert!(*times == 1 || marker.starts_with("get-"), "{marker} was received {times} times");
    }
    let (mut succeeded, mut not_sent, mut unknown, mut given_up) = (0, 0, 0, 0);
    let (mut retried, mut refused) = (0, 0);
    for ended in &tally.ended {
        let times = received.get(&ended.marker).copied().unwrap_or_default();
        match &ended.result {
            Some(Ok(attempts)) => {
                succeeded += 1;
                retried += usize::from(*attempts > 1);
                assert!(times >= 1);
            }
            Some(Err(error)) if error.effect() == Effect::NotApplied => {
                not_sent += 1;
                refused += usize::from(error.kind() == ErrorKind::Connect);
                assert_eq!(times, 0, "{error:?}");
            }
            Some(Err(_)) => unknown += 1,
            None => given_up += 1,
        }
    }
    println!(
        "{protocols:?}: {} calls in {} runtimes in {:?}: {succeeded} succeeded ({retried} after a retry), {not_sent} \
         not sent ({refused} refused), {unknown} unknown, {given_up} given up; then {healthy} of {healthy}; {} requests on {} connections; \
         at worst {:?} late, the scheduler {:?}",
        tally.ended.len(),
        runtimes.load(Ordering::SeqCst),
        started.elapsed(),
        world.requests.load(Ordering::SeqCst),
        world.connections.load(Ordering::SeqCst),
        tally.worst.0,
        tally.worst.1,
    );
    assert_eq!(tally.ended.len(), each * 4);
    assert!(succeeded > 0);
    // The servers are hostile, but not so much that little succeeds, and each way to fail is seen.
    if each >= 500 {
        // While nobody listens, calls fail at once, so a loaded machine may see many of those.
        assert!(succeeded * 10 > tally.ended.len() && not_sent > 0 && unknown > 0 && given_up > 0);
    }
}

const NEGOTIATED: &[(Protocol, bool)] =
    &[(Protocol::Http1, false), (Protocol::Http1, true), (Protocol::Http2, true)];
const BY_PRIOR_KNOWLEDGE: &[(Protocol, bool)] = &[(Protocol::Http2, false)];

#[test]
fn a_short_soak_sends_no_post_twice_and_leaves_nothing_behind() {
    soak(HttpVersions::Negotiated, NEGOTIATED, 65);
    soak(HttpVersions::Http2, BY_PRIOR_KNOWLEDGE, 35);
}

#[test]
#[ignore = "takes about a minute"]
fn a_long_soak_sends_no_post_twice_and_leaves_nothing_behind() {
    soak(HttpVersions::Negotiated, NEGOTIATED, 2000);
    soak(HttpVersions::Http2, BY_PRIOR_KNOWLEDGE, 500);
}
