//! The OTP client over [ureq], for a program without any async: no runtime, no tokio in its tree.
//!
//! # What it is
//!
//! A [`blocking::Transport`](Transport) to copy: one file, to be read from top to bottom. What ureq does
//! by itself and a transport must not (following redirects, making errors of statuses, taking a proxy from
//! the environment) is turned off when it is built; what ureq's errors tell about how far a request got is
//! told on.
//!
//! # What it is not
//!
//! - Silent at the log level `trace`: there ureq writes whole URLs, and the OTP is part of one. Leave `ureq`
//!   at `debug` or above, where paths are starred out.
//! - Proof against ureq's features `gzip`, `brotli` and `cookies`, which it obeys whoever in the program turns
//!   them on. `cargo tree -e features -i ureq` shows whether somebody does.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use otp_core::blocking::Transport;
use otp_core::http::{self, Method};
use otp_core::{Request, Response, TransportError, TransportErrorKind as Kind, clock};
use ureq::AsSendBody;
use ureq::config::Config;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout,
};

/// No attempt takes longer, whatever its limit. ureq adds the limit to a clock, which panics at `Duration::MAX`.
const LONGEST: Duration = Duration::from_secs(3600);

/// Sends requests by ureq, over TLS or, where the base URL says so, in the clear.
///
/// Cloning is cheap; clones share the pool of connections, and may be used from several threads at once.
#[derive(Clone, Debug)]
pub struct UreqTransport {
    agent: ureq::Agent,
}

impl UreqTransport {
    /// A transport that trusts the certificate authorities of this PEM text and no others.
    ///
    /// # Errors
    ///
    /// If the text holds no certificate, or is not PEM.
    pub fn trusting(ca_pem: &str) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        let mut roots = Vec::new();
        for item in parse_pem(ca_pem.as_bytes()) {
            if let PemItem::Certificate(certificate) = item? {
                roots.push(certificate);
            }
        }
        if roots.is_empty() {
            return Err("there is no certificate ('-----BEGIN CERTIFICATE-----') to trust".into());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&roots))
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            // Nothing is added to a request that does not say these itself.
            .accept("")
            .accept_encoding("")
            .user_agent("")
            // Other methods than those of RFC 9110 are methods too.
            .allow_non_standard_methods(true)
            .build();
        let connector = Connecting(DefaultConnector::default());
        let resolver = Resolving(DefaultResolver::default());
        Ok(Self { agent: ureq::Agent::with_parts(config, connector, resolver) })
    }
}

impl Transport for UreqTransport {
    fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (time, size) = (request.time_limit().min(LONGEST), request.response_limit());
        let request = request.into_http();
        let may_have_body = [Method::POST, Method::PUT, Method::PATCH].contains(request.method());
        let response = if may_have_body || !request.body().is_empty() {
            self.run(request.map(Vec::from), time)
        } else {
            self.run(request.map(drop), time)
        };
        let (mut head, mut body) = response.map_err(failed)?.into_parts();
        // ureq leaves the URL in them.
        head.extensions.clear();
        match body.with_config().limit(size as u64).read_to_vec() {
            Ok(body) => Ok(Response::from_parts(head, body.into())),
            Err(error) => Err(failed(error).with_head(head)),
        }
    }

    fn sleep(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn now(&self) -> Duration {
        clock::monotonic()
    }
}

impl UreqTransport {
    fn run(
        &self,
        request: http::Request<impl AsSendBody>,
        time: Duration,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        let request = self
            .agent
            .configure_request(request)
            // For all phases together, the body's included.
            .timeout_global(Some(time))
            // The same time, so that a time-out while resolving is told from the others.
            .timeout_resolve(Some(time))
            .build();
        self.agent.run(request)
    }
}

/// Marks what fails while connecting, TLS included: nothing of a request is written before.
///
/// Connectors are a part of ureq that its minor versions may change.
#[derive(Debug)]
struct Connecting(DefaultConnector);

impl Connector for Connecting {
    type Out = Connected<<DefaultConnector as Connector>::Out>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<()>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let connection = self.0.connect(details, chained);
        match connection {
            Ok(connection) => Ok(connection.map(Connected)),
            Err(error) => Err(ureq::Error::Other(Box::new(NotConnected(error)))),
        }
    }
}

/// Tells a connection that was cut off from one that was closed.
///
/// ureq takes both for the end of a body that has no length. Over TLS only the second proves that the body is
/// whole (RFC 9112 §9.8): anybody on the way can cut a connection.
#[derive(Debug)]
struct Connected<T>(T);

impl<T: ureq::unversioned::transport::Transport> ureq::unversioned::transport::Transport
    for Connected<T>
{
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.0.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.0.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.0.await_input(timeout).map_err(|error| match error {
            // Of this kind it is an error, and of its own it would be the end.
            ureq::Error::Io(error) if is_cut_off(&error) => io::Error::other(error).into(),
            error => error,
        })
    }

    fn is_open(&mut self) -> bool {
        self.0.is_open()
    }

    fn is_tls(&self) -> bool {
        self.0.is_tls()
    }
}

fn is_cut_off(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// Marks what fails while the host name is resolved. Its error may quote the host.
///
/// Resolvers are a part of ureq that its minor versions may change.
#[derive(Debug)]
struct Resolving(DefaultResolver);

impl Resolver for Resolving {
    fn resolve(
        &self,
        uri: &http::Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.0.resolve(uri, config, timeout).map_err(|error| match error {
            ureq::Error::Timeout(_) => error,
            _ => ureq::Error::HostNotFound,
        })
    }
}

#[derive(Debug)]
struct NotConnected(ureq::Error);

impl fmt::Display for NotConnected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            ureq::Error::Io(error) => error.fmt(f),
            ureq::Error::HostNotFound => f.write_str("the host name could not be resolved"),
            error => error.fmt(f),
        }
    }
}

impl StdError for NotConnected {}

/// What failed, and whether the request can have left.
fn failed(error: ureq::Error) -> TransportError {
    use ureq::Error::*;
    match error {
        Other(error) => match error.downcast() {
            Ok(error) => not_connected(*error),
            Err(_) => TransportError::unknown(Kind::Other),
        },
        HostNotFound | Timeout(ureq::Timeout::Resolve) => not_connected(NotConnected(error)),
        // What is wrong with such a request may be a secret, so it is not said.
        Http(_) | BadUri(_) => {
            TransportError::not_sent(Kind::Other).with_reason("ureq cannot send such a request")
        }
        Timeout(phase) => TransportError::unknown(Kind::Timeout).with_reason(phase.to_string()),
        Io(error) => TransportError::unknown(Kind::ConnectionLost)
            .with_reason(reason(&error))
            .with_source(error),
        LargeResponseHeader(..) => {
            TransportError::unknown(Kind::ResponseTooLarge).with_reason("the headers")
        }
        BodyExceedsLimit(_) => {
            TransportError::unknown(Kind::ResponseTooLarge).with_reason("the body")
        }
        // Its words may be the server's own.
        Protocol(_) => TransportError::unknown(Kind::Protocol),
        _ => TransportError::unknown(Kind::Other),
    }
}

/// The kind of what was cut off, which has another kind around it.
fn reason(error: &io::Error) -> String {
    let cut_off = error.get_ref().and_then(|inner| inner.downcast_ref::<io::Error>());
    cut_off.unwrap_or(error).kind().to_string()
}

fn not_connected(error: NotConnected) -> TransportError {
    let of_tls = match &error.0 {
        ureq::Error::Rustls(_) | ureq::Error::Tls(_) => true,
        ureq::Error::Io(error) => {
            error.get_ref().is_some_and(<dyn StdError + Send + Sync>::is::<rustls::Error>)
        }
        _ => false,
    };
    let kind = if of_tls { Kind::Tls } else { Kind::Connect };
    TransportError::not_sent(kind).with_reason(error.to_string()).with_source(error)
}
