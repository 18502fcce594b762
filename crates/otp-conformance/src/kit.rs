use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use otp_core::local::{FromSend, Transport};
use otp_core::{TransportErrorKind, blocking, local};

use crate::blocking::OnThreads;
use crate::engine::Engine;
use crate::hostile::{Server, Wire};
use crate::kinds::Alike;
use crate::report::Origin;
use crate::{Case, Report};

mod run;

/// Runs every case against a transport.
///
/// By default over HTTP/1.1 and TLS. A transport that speaks more is run more than once. A run takes about
/// half a minute, most of it waiting for limits.
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
    exceptions: Vec<Exception>,
    alike: Vec<Alike>,
    known: Option<&'static Engine>,
    to_the_end: bool,
    named: bool,
    /// The test that it is run in.
    test: Option<String>,
}

/// A case that is declared not to pass.
#[derive(Clone, Debug)]
struct Exception {
    case: Case,
    reason: String,
    origin: Origin,
}

impl Default for Kit {
    fn default() -> Self {
        Self {
            wire: Wire::http1(),
            bound: false,
            only: None,
            exceptions: Vec::new(),
            alike: Vec::new(),
            known: None,
            to_the_end: false,
            named: false,
            test: None,
        }
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
    ///
    /// An exception of a plain case also covers the cases that rest on it and fail in the same way.
    #[must_use]
    pub fn except(self, case: Case, reason: impl Into<String>) -> Self {
        self.exception(case, reason.into(), Origin::Exception)
    }

    /// Declares a case that the transport does not pass because that is its purpose, and why: a layer that adds
    /// a header, for instance. Otherwise as [`except`](Self::except).
    #[must_use]
    pub fn by_design(self, case: Case, reason: impl Into<String>) -> Self {
        self.exception(case, reason.into(), Origin::Design)
    }

    fn exception(mut self, case: Case, reason: String, origin: Origin) -> Self {
        self.exceptions.push(Exception { case, reason, origin });
        self
    }

    /// Declares kinds of errors that the engine's public API does not tell apart, and why. Where a case
    /// expects one of them, each of them passes. The report shows the declaration and the cases that needed it,
    /// and one that no case needed fails the test.
    ///
    /// ```
    /// use otp_conformance::Kit;
    /// use otp_core::TransportErrorKind::{ConnectionLost, Protocol};
    ///
    /// let kit = Kit::new()
    ///     .cannot_tell([ConnectionLost, Protocol], "the engine says `bad response` of both");
    /// ```
    #[must_use]
    pub fn cannot_tell(
        mut self,
        kinds: impl IntoIterator<Item = TransportErrorKind>,
        reason: impl Into<String>,
    ) -> Self {
        let kinds = kinds.into_iter().collect();
        self.alike.push(Alike { kinds, reason: reason.into(), must_be_needed: true });
        self
    }

    /// Takes over what is known of an engine: see [`engine`](crate::engine). What your transport passes in spite
    /// of it is passed: a profile is for many versions and wires, so none of it must be needed.
    #[must_use]
    pub fn known(self, engine: &'static Engine) -> Self {
        Self { known: Some(engine), ..self }
    }

    /// Runs every case, also when the run has become hopeless.
    ///
    /// Otherwise a case is not run if a plainer one that it rests on has failed, and the run ends early when
    /// its failures take more than twenty seconds.
    #[must_use]
    pub fn to_the_end(self) -> Self {
        Self { to_the_end: true, ..self }
    }

    /// Names each case on standard error before it is run. If the process ends within a case, by an abort or a
    /// signal, the last line says which case it was.
    #[must_use]
    pub fn named_on_stderr(self) -> Self {
        Self { named: true, ..self }
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
    /// What the test does before it reaches the kit is done again in the new process. Without a name, the three
    /// cases do not apply.
    ///
    /// For one of them the process has its own name server, whose answers come late. That takes Linux, a kernel that
    /// lets the user make namespaces, and the programs `unshare`, `mount` (util-linux) and `ip` (iproute2). Elsewhere
    /// that case does not apply.
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
    /// `make` is called for each transport that a case needs. It gives one that trusts the server's
    /// [CA](Server::ca_pem) and goes by the request's URL: some cases send to more servers than this one. One that
    /// connects to the server's [socket](Server::socket), or to its [address](Server::address) whatever the URL
    /// says, is [bound to its server](Self::bound_to_its_server). A transport that is set up by async code does
    /// that in its first send.
    ///
    /// Before the cases there is a plain exchange. If it fails, none of them is run: the report says so, and
    /// what it may be. A panic in `make` or in the transport is a finding like others.
    ///
    /// A transport that blocks the thread it is polled on cannot be watched from there: two seconds after
    /// the time limit of a send its server ends the connection. A first exchange that has not ended after
    /// ten seconds, and a case after a minute, is named on standard error.
    ///
    /// # Panics
    ///
    /// If a server cannot be started.
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
}

impl fmt::Display for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", crate::report::wire_name(self.wire))
    }
}
