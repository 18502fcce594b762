//! A run: which cases, in which order, and what came of each.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::{Exception, Kit};
use crate::case::Need;
use crate::cases::environment;
use crate::child::{self, Place};
use crate::engine::Engine;
use crate::guard::{Shared, State, Stop, panicked};
use crate::harness::{Harness, Make};
use crate::hostile::runtime;
use crate::kinds::{Alike, Kinds};
use crate::mismatch::{Mismatch, Symptom};
use crate::report::{AlikeReport, CaseReport, Obstacle, Origin, Verdict};
use crate::time::{all, wait};
use crate::{Case, Clause, Report, foundation, log, plain_exchange};

impl Kit {
    pub(super) async fn cases(&self, make: Make<'_>, futures: bool) -> Report {
        let started = Instant::now();
        let shared = Rc::new(Shared::new(Kinds::new(self.alike())));
        let place = self.test.as_deref().map(|test| {
            let flavour = if futures { "async" } else { "blocking" };
            Place::next(test, format!("{self}, {flavour}"))
        });
        if let Some(job) = child::job() {
            if place.is_some_and(|place| job.is_for(&place)) {
                let state = State::new(&shared, None);
                let harness = Harness::new(self.wire, self.has_origins(), futures, make, state);
                environment::in_the_child(&harness, &job.case).await.leave();
            }
            // Another run of the test has started this process, and is still to come.
            return Report::new(self.wire, None, Vec::new(), &[], Vec::new(), None);
        }
        let asked = |case: &Case| self.only.as_ref().is_none_or(|only| only.contains(case));
        let asked: Vec<_> = Case::ALL.iter().copied().filter(asked).collect();
        let obstacle = self.obstacle(&asked, make, futures, &shared).await;
        let run = Run {
            shared,
            started,
            futures,
            lost: Cell::default(),
            hopeless: Cell::default(),
            unsent: RefCell::default(),
        };
        let mut found = BTreeMap::new();
        let mut to_run = Vec::new();
        for case in asked.iter().copied() {
            match (self.inapplicable(case, futures), &obstacle) {
                (Some(reason), _) => {
                    let verdict = Verdict::NotApplicable { reason: reason.to_owned() };
                    found.insert(case, (verdict.into(), Duration::ZERO));
                }
                (None, Some(_)) => {
                    found.insert(case, (Verdict::NotRun.into(), Duration::ZERO));
                }
                (None, None) => to_run.push(case),
            }
        }
        // The foundations in their order, then what runs at the same time, then the others.
        let mut plain: Vec<_> =
            to_run.iter().copied().filter(|case| foundation::rank(*case).is_some()).collect();
        plain.sort_by_key(|case| foundation::rank(*case));
        for case in plain {
            found.insert(case, self.case(case, make, place.clone(), &run).await);
        }
        // A transport that blocks its thread would hold up the others of a group.
        let blocks = run.shared.failed.borrow().contains(&Case::ASendDoesNotBlock);
        let groups = if blocks { 0 } else { Case::GROUPS };
        for group in 1..=groups {
            let of_group = to_run.iter().copied().filter(|case| case.group() == Some(group));
            let cases = of_group.map(|case| {
                let running = self.case(case, make, None, &run);
                async move { (case, running.await) }
            });
            found.extend(all(cases).await);
        }
        to_run.retain(|case| !found.contains_key(case));
        for case in to_run {
            found.insert(case, self.case(case, make, place.clone(), &run).await);
        }
        self.conclude(&mut found, run.unsent.borrow_mut().pop_front());
        let mut cases = Vec::new();
        let mut symptoms = Vec::new();
        for case in asked {
            let Some((found, took)) = found.remove(&case) else { continue };
            symptoms.push(found.symptom);
            cases.push(CaseReport::new(case, found.verdict, took));
        }
        let alike = run.shared.kinds.used().map(AlikeReport::from).collect();
        let engine = self.known.map(Engine::name);
        Report::new(self.wire, obstacle, cases, &symptoms, alike, engine)
    }

    fn alike(&self) -> Vec<Alike> {
        let known = self.known.map(Engine::alike).unwrap_or_default();
        self.alike.iter().cloned().chain(known).collect()
    }

    /// The verdict of the case that all others ask for.
    fn conclude(&self, found: &mut BTreeMap<Case, (Found, Duration)>, wrong: Option<Mismatch>) {
        const CASE: Case = Case::WhatIsSaidToBeUnsentIsUnsent;
        let told = found.iter().any(|(case, (found, _))| {
            case.clause() == Clause::Honest
                && !matches!(
                    found.verdict,
                    Verdict::Passed | Verdict::Needless { .. } | Verdict::NotApplicable { .. }
                )
        });
        let Some((own, _)) = found.get_mut(&CASE) else { return };
        match (&own.verdict, wrong) {
            (Verdict::Passed | Verdict::Needless { .. }, Some(wrong)) if !told => {
                let exception = self.exceptions.iter().find(|exception| exception.case == CASE);
                let exception =
                    exception.map(|exception| (exception.origin, exception.reason.clone()));
                own.symptom = exception.is_none().then_some(wrong.symptom);
                own.verdict = Verdict::new(Err(wrong), exception);
            }
            (Verdict::Passed, Some(_)) => {
                let reason = "it is not so, and another case of this clause shows where".to_owned();
                own.verdict = Verdict::NotApplicable { reason };
            }
            _ => {}
        }
    }

    /// Why none of these cases is to be run, if so.
    async fn obstacle(
        &self,
        asked: &[Case],
        make: Make<'_>,
        futures: bool,
        shared: &Rc<Shared>,
    ) -> Option<Obstacle> {
        let because = |reason| Some(Obstacle { reason, found: None, advice: None });
        if asked.is_empty() {
            return because("no case was asked for, so nothing was shown");
        }
        if asked.iter().all(|case| self.inapplicable(*case, futures).is_some()) {
            return because("no case that was asked for applies here, so nothing was shown");
        }
        let watched = watch("the first exchange", FIRST);
        let state = State::new(shared, None);
        let harness = Harness::new(self.wire, self.has_origins(), futures, make, Rc::clone(&state));
        let outcome = to_its_end(plain_exchange::exchange(&harness, futures), &state).await;
        drop(harness);
        let outcome = state.take_stop().map_or(outcome, Err);
        watched.abort();
        let found = match outcome {
            Ok(Ok(())) => return None,
            Ok(Err(found)) | Err(Stop::Found(found)) => found,
            // Before the cases nothing has failed.
            Err(Stop::RestsOn(_)) => return None,
        };
        Some(Obstacle {
            reason: "no plain request got through over this wire, so no case was run",
            found: Some(found),
            advice: Some(plain_exchange::advice(self.wire)),
        })
    }

    /// Why a case cannot be run here, if it cannot.
    fn inapplicable(&self, case: Case, futures: bool) -> Option<&'static str> {
        let deaf = case == Case::LogsHoldNoSecret && !log::is_installed();
        let own_log = deaf.then_some("this process has a log subscriber of its own");
        let alone = case.spec().needs.contains(&Need::Process) && self.test.is_none();
        let alone = alone.then_some("it needs a process of its own: see `Kit::in_test`");
        let needs_two = case.spec().needs.contains(&Need::Origins);
        let bound = (self.bound && needs_two).then_some("the transport is bound to its server");
        case.inapplicable(self.wire, futures).or(own_log).or(alone).or(bound)
    }

    async fn case(
        &self,
        case: Case,
        make: Make<'_>,
        place: Option<Place>,
        run: &Run,
    ) -> (Found, Duration) {
        if let Some(reason) = run.ended_early().filter(|_| !self.to_the_end) {
            return (Verdict::EndedEarly { reason }.into(), Duration::ZERO);
        }
        if let Some(on) = run.blocked(case).filter(|_| !self.to_the_end) {
            return (Verdict::RestsOn { case: on }.into(), Duration::ZERO);
        }
        let started = Instant::now();
        if self.named {
            // Not by a macro: in a test that would be kept back, and be lost when the process ends.
            let _ = writeln!(std::io::stderr(), "otp-conformance: {case}");
        }
        let watched = watch(case.name(), LONG);
        let state = State::new(&run.shared, Some(case));
        let (origins, futures) = (self.has_origins(), run.futures);
        let harness = Harness::new(self.wire, origins, futures, make, Rc::clone(&state));
        let harness = harness.in_place(place);
        let outcome = to_its_end((case.spec().run)(&harness), &state).await;
        if let Err(wrong) = harness.was_sent_after_all().await {
            run.unsent.borrow_mut().push_back(wrong.when(&format!("in {case}")));
        }
        // With it the transports are dropped, which may panic.
        drop(harness);
        let outcome = state.take_stop().map_or(outcome, Err);
        watched.abort();
        let took = started.elapsed();
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(Stop::Found(wrong)) => Err(wrong),
            Err(Stop::RestsOn(on)) => return (Verdict::RestsOn { case: on }.into(), took),
        };
        let symptom = outcome.as_ref().err().map(|wrong| wrong.symptom);
        let exception = self.exception_of(case, symptom, &state, run);
        let excepted = exception.is_some();
        let verdict = Verdict::new(outcome, exception);
        if let Some(symptom) = symptom {
            run.failed(case, symptom, took, excepted, self.to_the_end);
        }
        (Found { verdict, symptom: symptom.filter(|_| !excepted) }, took)
    }

    /// The exception that covers this case.
    fn exception_of(
        &self,
        case: Case,
        symptom: Option<Symptom>,
        state: &State,
        run: &Run,
    ) -> Option<(Origin, String)> {
        let own = |exception: &&Exception| exception.case == case;
        if let Some(own) = self.exceptions.iter().find(own) {
            return Some((own.origin, own.reason.clone()));
        }
        let symptom = symptom?;
        let protocol = self.wire.protocol();
        if let Some(reason) = self.known.and_then(|engine| engine.reason(case, protocol)) {
            return Some((Origin::Engine, reason.to_owned()));
        }
        // What rests on an excepted case and fails in the same way has the same cause.
        let excepted = run.shared.excepted.borrow();
        let cause = excepted.iter().find(|(on, how)| *how == symptom && state.used(*on));
        let (on, _) = cause?;
        let (origin, reason) = self.exception_of(*on, Some(symptom), state, run)?;
        Some((origin, format!("as {on}: {reason}")))
    }
}

/// What is known in the middle of a run.
struct Run {
    shared: Rc<Shared>,
    started: Instant,
    /// Whether a send can be dropped.
    futures: bool,
    /// How long the cases took that failed.
    lost: Cell<Duration>,
    /// Whether a foundation has failed.
    hopeless: Cell<bool>,
    /// What was said to be unsent, and was not.
    unsent: RefCell<VecDeque<Mismatch>>,
}

impl Run {
    fn failed(
        &self,
        case: Case,
        symptom: Symptom,
        took: Duration,
        excepted: bool,
        to_the_end: bool,
    ) {
        if excepted {
            self.shared.excepted.borrow_mut().push((case, symptom));
            return;
        }
        self.lost.set(self.lost.get() + took);
        if !to_the_end {
            self.hopeless.set(self.hopeless.get() || foundation::rank(case).is_some());
            self.shared.failed.borrow_mut().push(case);
        }
    }

    /// Why nothing more is run, if so.
    fn ended_early(&self) -> Option<&'static str> {
        if self.hopeless.get() && self.started.elapsed() > HOPELESS {
            return Some("the run was ended, since a plain case has failed");
        }
        (self.lost.get() > HOPELESS)
            .then_some("the run was ended, since its failures took too long")
    }

    /// The foundation that failed, for a case that is known to need it before it is run.
    fn blocked(&self, case: Case) -> Option<Case> {
        let blocks = Case::ASendDoesNotBlock;
        let needs_futures = case != blocks && case.spec().needs.contains(&Need::Futures);
        (needs_futures && self.shared.failed.borrow().contains(&blocks)).then_some(blocks)
    }
}

/// A run without hope is ended after this time.
const HOPELESS: Duration = Duration::from_secs(20);

/// What came of a case, and what it is a symptom of if it failed.
struct Found {
    verdict: Verdict,
    symptom: Option<Symptom>,
}

impl From<Verdict> for Found {
    fn from(verdict: Verdict) -> Self {
        Self { verdict, symptom: None }
    }
}

/// Drives a case until it ends, is stopped, or has taken too long. What panics in it is a finding.
async fn to_its_end<T>(case: impl Future<Output = T>, state: &State) -> Result<T, Stop> {
    let mut case = Box::pin(case);
    let mut late = pin!(wait(LONG));
    let ended = poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| case.as_mut().poll(cx)));
        if let Some(stop) = state.take_stop() {
            return Poll::Ready(Err(stop));
        }
        match polled {
            Err(panic) => return Poll::Ready(Err(Stop::Found(panicked("the case", &*panic)))),
            Ok(Poll::Ready(outcome)) => return Poll::Ready(Ok(outcome)),
            Ok(Poll::Pending) => {}
        }
        late.as_mut().poll(cx).map(|()| {
            let seen = format!("nothing within {} s: it hangs", LONG.as_secs());
            Err(Stop::Found(Mismatch::new("an end", seen).of(Symptom::Hangs)))
        })
    })
    .await;
    // What the case still holds is dropped here, so that a panic is found.
    drop(case);
    match (ended, state.take_stop()) {
        (Ok(_), Some(stop)) => Err(stop),
        (ended, _) => ended,
    }
}

/// After this an exchange is called long, which the kit itself ends sooner if it can.
const FIRST: Duration = Duration::from_secs(10);

/// After this a case is called long.
const LONG: Duration = Duration::from_secs(60);

/// Says so if something does not end, which nobody else can if the transport blocks the thread.
fn watch(what: &'static str, patience: Duration) -> AbortHandle {
    let complaint = async move {
        tokio::time::sleep(patience).await;
        let seconds = patience.as_secs();
        eprintln!("otp-conformance: {what} has not ended for {seconds} s; is a thread blocked?");
    };
    runtime().spawn(complaint).abort_handle()
}
