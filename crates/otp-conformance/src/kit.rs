use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use otp_core::local::{FromSend, Transport};
use otp_core::{blocking, local};
use tokio::task::AbortHandle;

use crate::blocking::OnThreads;
use crate::case::Need;
use crate::cases::environment;
use crate::child::{self, Place};
use crate::harness::{Harness, Make};
use crate::hostile::{Server, Wire, runtime};
use crate::mismatch::Mismatch;
use crate::report::{CaseReport, Obstacle, Verdict};
use crate::time::all;
use crate::{Case, Clause, Report, log, plain_exchange};

/// Runs every case against a transport.
///
/// By default over HTTP/1.1 and TLS. A transport that speaks more is run more than once. A run takes some
/// ten seconds, most of them waiting for limits.
///
/// To hear what is logged, the first run makes a `tracing` subscriber the process's own, and takes what
/// `log` is given. If the test has set one before, the case about logs does not apply; a test that sets one
/// after goes into a file of its own.
///
/// ```no_run
/// use otp_conformance::{Case, Kit};
/// # mod mine {
/// #     use otp_core::{async_trait, Request, Response, TransportError};
/// #     pub struct MyTransport;
/// #     impl MyTransport { pub fn trusting(_: &str) -> Self { Self } }
/// #     #[async_trait]
/// #     impl otp_core::Transport for MyTransport {
/// #         async fn send(&self, _: Request) -> Result<Response, TransportError> { unreachable!() }
/// #         async fn sleep(&self, _: std::time::Duration) {}
/// #         fn now(&self) -> std::time::Duration { std::time::Duration::ZERO }
/// #     }
/// # }
/// # use mine::MyTransport;
///
/// # async fn conforms() {
/// Kit::new()
///     .except(Case::DecompressesNothing, "the stack under it always decompresses")
///     .run(|server| MyTransport::trusting(server.ca_pem()))
///     .await
///     .assert();
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Kit {
    wire: Wire,
    bound: bool,
    only: Option<Vec<Case>>,
    exceptions: Vec<(Case, String)>,
    /// The test that it is run in.
    test: Option<String>,
}

impl Default for Kit {
    fn default() -> Self {
        Self { wire: Wire::http1(), bound: false, only: None, exceptions: Vec::new(), test: None }
    }
}

impl Kit {
    /// All cases, over HTTP/1.1 and TLS with a CA of the kit's own.
    pub fn new() -> Self {
        Self::default()
    }

    fn over(self, change: impl FnOnce(Wire) -> Wire) -> Self {
        Self { wire: change(self.wire), ..self }
    }

    /// Over HTTP/2.
    #[must_use]
    pub fn http2(self) -> Self {
        self.over(|wire| Wire { protocol: crate::hostile::Protocol::Http2, ..wire })
    }

    /// Without TLS, for a stack that has none. The cases about TLS are not run; instead it must show that an
    /// `https` URL is refused.
    #[must_use]
    pub fn in_the_clear(self) -> Self {
        self.over(Wire::in_the_clear)
    }

    /// On a Unix socket: see [`Server::socket`].
    #[must_use]
    pub fn over_unix_socket(self) -> Self {
        self.over(Wire::over_unix_socket)
    }

    /// For a transport that always connects to the server it was made for, whatever host and port the URL
    /// names. The cases about two servers do not apply to it.
    #[must_use]
    pub fn bound_to_its_server(self) -> Self {
        Self { bound: true, ..self }
    }

    fn has_origins(&self) -> bool {
        !self.bound && !self.wire.is_unix()
    }

    /// With what a web page of another origin needs, over HTTP/1.1: see [`Wire::with_cors`].
    #[must_use]
    pub fn with_cors(self) -> Self {
        self.over(Wire::with_cors)
    }

    /// Declares a case that the platform under the transport cannot pass, and why. It is run all the
    /// same, the report shows the reason beside what was seen, and an exception that is not needed fails the
    /// test.
    #[must_use]
    pub fn except(mut self, case: Case, reason: impl Into<String>) -> Self {
        self.exceptions.push((case, reason.into()));
        self
    }

    /// Names the test that the kit runs in, so that two more cases can be run: about environment variables,
    /// and about what is printed. Both need a process of their own. The kit starts the test program again
    /// with this test only; there, [`run`](Self::run) does what the case asks for and ends the process.
    /// [`this_test!`](crate::this_test) is the name of the test that it stands in.
    ///
    /// ```no_run
    /// # use otp_conformance::{Kit, this_test};
    /// // In a `#[test]`:
    /// let kit = Kit::new().in_test(this_test!());
    /// ```
    ///
    /// What the test does before it reaches the kit is done again in the new process. Without a name, the two
    /// cases do not apply.
    #[must_use]
    pub fn in_test(self, name: impl Into<String>) -> Self {
        Self { test: Some(name.into()), ..self }
    }

    /// Runs nothing but these, while you work on them.
    #[must_use]
    pub fn only(self, cases: impl IntoIterator<Item = Case>) -> Self {
        Self { only: Some(cases.into_iter().collect()), ..self }
    }

    /// Runs the cases against an async transport, on the executor that awaits this.
    ///
    /// `make` is called for each server that a case starts. It gives a transport that trusts the
    /// server's [CA](Server::ca_pem) and, if it does not go by the request's URL, connects to its
    /// [address](Server::address) or [socket](Server::socket). A transport that is set up by async code does
    /// that in its first send.
    ///
    /// Before the cases there is a plain exchange. If it fails, none of them is run: the report says so, and
    /// what it may be.
    ///
    /// A transport that blocks the thread it is polled on cannot be watched from there: a first exchange
    /// that has not ended after ten seconds, and a case after a minute, is named on standard error.
    ///
    /// # Panics
    ///
    /// If a server cannot be started, or `make` panics.
    pub async fn run<T>(&self, make: impl Fn(&Server) -> T) -> Report
    where
        T: otp_core::Transport + 'static,
    {
        self.cases(&|server| Rc::new(FromSend(make(server))), true).await
    }

    /// The same for a transport that stays on its thread.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    pub async fn run_local<T>(&self, make: impl Fn(&Server) -> T) -> Report
    where
        T: local::Transport + 'static,
    {
        self.cases(&|server| Rc::new(make(server)), true).await
    }

    /// The same for a transport that blocks. Each send has a thread of its own. One that never returns
    /// cannot be stopped: it is reported, and its thread is left behind.
    ///
    /// # Panics
    ///
    /// As [`run`](Self::run).
    pub fn run_blocking<T>(&self, make: impl Fn(&Server) -> T) -> Report
    where
        T: blocking::Transport + 'static,
    {
        let make =
            |server: &Server| Rc::new(OnThreads(Arc::new(make(server)))) as Rc<dyn Transport>;
        pollster::block_on(self.cases(&make, false))
    }

    async fn cases(&self, make: Make<'_>, futures: bool) -> Report {
        let place = self.test.as_deref().map(|test| {
            let flavour = if futures { "async" } else { "blocking" };
            Place::next(test, format!("{self}, {flavour}"))
        });
        if let Some(job) = child::job() {
            if place.is_some_and(|place| job.is_for(&place)) {
                let harness = Harness::new(self.wire, self.has_origins(), futures, make);
                environment::in_the_child(&harness, &job.case).await.leave();
            }
            // Another run of the test has started this process, and is still to come.
            return Report::new(self.wire, None, Vec::new());
        }
        let asked = |case: &Case| self.only.as_ref().is_none_or(|only| only.contains(case));
        let asked: Vec<_> = Case::ALL.iter().copied().filter(asked).collect();
        let obstacle = self.obstacle(&asked, make, futures).await;
        let mut unsent = Vec::new();
        let mut together = BTreeMap::new();
        if obstacle.is_none() {
            for group in 1..=Case::GROUPS {
                let of_group = asked.iter().copied().filter(|case| case.group() == Some(group));
                let of_group = of_group.filter(|case| self.inapplicable(*case, futures).is_none());
                let reports = of_group.map(|case| self.case(case, futures, make, None));
                let reports = all(reports).await;
                together.extend(reports.into_iter().map(|found| (found.0.case, found)));
            }
        }
        let mut cases = Vec::new();
        for case in asked {
            cases.push(match (self.inapplicable(case, futures), &obstacle) {
                (Some(reason), _) => {
                    let verdict = Verdict::NotApplicable { reason: reason.to_owned() };
                    CaseReport::new(case, verdict, Duration::ZERO)
                }
                (None, Some(_)) => CaseReport::new(case, Verdict::NotRun, Duration::ZERO),
                (None, None) => {
                    let (report, was_sent) = match together.remove(&case) {
                        Some(found) => found,
                        None => self.case(case, futures, make, place.clone()).await,
                    };
                    unsent.extend(was_sent);
                    report
                }
            });
        }
        self.conclude(&mut cases, unsent.into_iter().next());
        Report::new(self.wire, obstacle, cases)
    }

    /// The verdict of the case that all others ask for.
    fn conclude(&self, cases: &mut [CaseReport], wrong: Option<Mismatch>) {
        const CASE: Case = Case::WhatIsSaidToBeUnsentIsUnsent;
        let failed = |report: &CaseReport| {
            report.case.clause() == Clause::Honest
                && matches!(report.verdict, Verdict::Failed { .. } | Verdict::Excepted { .. })
        };
        let told = cases.iter().any(failed);
        let Some(report) = cases.iter_mut().find(|report| report.case == CASE) else { return };
        match (&report.verdict, wrong) {
            (Verdict::Passed | Verdict::Needless { .. }, Some(wrong)) if !told => {
                report.verdict = Verdict::new(Err(wrong), self.exception(CASE));
            }
            (Verdict::Passed, Some(_)) => {
                let reason = "it is not so, and another case of this clause shows where".to_owned();
                report.verdict = Verdict::NotApplicable { reason };
            }
            _ => {}
        }
    }

    fn exception(&self, case: Case) -> Option<String> {
        let exception = self.exceptions.iter().find(|(own, _)| *own == case);
        exception.map(|(_, reason)| reason.clone())
    }

    /// Why none of these cases is to be run, if so.
    async fn obstacle(&self, asked: &[Case], make: Make<'_>, futures: bool) -> Option<Obstacle> {
        let because = |reason| Some(Obstacle { reason, found: None, advice: None });
        if asked.is_empty() {
            return because("no case was asked for, so nothing was shown");
        }
        if asked.iter().all(|case| self.inapplicable(*case, futures).is_some()) {
            return because("no case that was asked for applies here, so nothing was shown");
        }
        let watched = watch("the first exchange", FIRST);
        let outcome = plain_exchange::exchange(
            &Harness::new(self.wire, self.has_origins(), futures, make),
            futures,
        )
        .await;
        watched.abort();
        outcome.err().map(|found| Obstacle {
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

    /// What came of a case, and whether something was sent that was said to be unsent.
    async fn case(
        &self,
        case: Case,
        futures: bool,
        make: Make<'_>,
        place: Option<Place>,
    ) -> (CaseReport, Option<Mismatch>) {
        let started = Instant::now();
        let watched = watch(case.name(), LONG);
        let harness = Harness::new(self.wire, self.has_origins(), futures, make).in_place(place);
        let outcome = (case.spec().run)(&harness).await;
        let was_sent = harness.was_sent_after_all().await.err();
        watched.abort();
        let verdict = Verdict::new(outcome, self.exception(case));
        let report = CaseReport::new(case, verdict, started.elapsed());
        (report, was_sent.map(|wrong| wrong.when(&format!("in {case}"))))
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

impl fmt::Display for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", crate::report::wire_name(self.wire))
    }
}
