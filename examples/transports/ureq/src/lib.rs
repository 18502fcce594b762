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
//! Silent at the log level `trace`: there ureq writes whole URLs, and the OTP is part of one. Leave `ureq`
//! at `debug` or above, where paths are starred out.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use otp_core::blocking::Transport;
use otp_core::http::{self, Method};
use otp_core::{Request, Response, TransportError, TransportErrorKind};
use ureq::AsSendBody;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

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
            .build();
        Ok(Self { agent: config.new_agent() })
    }
}

impl Transport for UreqTransport {
    fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (time, size) = (request.time_limit(), request.response_limit());
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
}

impl UreqTransport {
    fn run(
        &self,
        request: http::Request<impl AsSendBody>,
        time: Duration,
    ) -> Result<http::Response<ureq::Body>, ureq::Error> {
        // The time is for all phases together, the body's included. Of a time-out while connecting it must be
        // known that it was one, so those two phases have limits of their own that add up to the whole.
        let request = self
            .agent
            .configure_request(request)
            .timeout_global(Some(time))
            .timeout_resolve(Some(time / 2))
            .timeout_connect(Some(time / 2))
            .build();
        self.agent.run(request)
    }
}

/// What failed, and whether the request can have left.
fn failed(error: ureq::Error) -> TransportError {
    use TransportErrorKind as Kind;
    use ureq::Error::*;
    match error {
        Timeout(phase @ (ureq::Timeout::Resolve | ureq::Timeout::Connect)) => {
            TransportError::not_sent(Kind::Connect).with_reason(format!("time-out: {phase}"))
        }
        HostNotFound => TransportError::not_sent(Kind::Connect).with_reason("host not found"),
        ConnectionFailed => TransportError::not_sent(Kind::Connect),
        // Only connecting can be refused.
        Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            TransportError::not_sent(Kind::Connect)
                .with_reason("connection refused")
                .with_source(error)
        }
        Tls(_) | Rustls(_) | Pem(_) => TransportError::not_sent(Kind::Tls).with_source(error),
        // Nothing of it can be sent. What is wrong with it may be a secret, so it is not said.
        Http(_) | BadUri(_) => {
            TransportError::not_sent(Kind::Other).with_reason("ureq cannot send such a request")
        }
        Io(error) => on_a_connection(error),
        Timeout(phase) => {
            TransportError::unknown(Kind::Timeout).with_reason(format!("time-out: {phase}"))
        }
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

/// An error of the connection, or of the TLS on it.
fn on_a_connection(error: io::Error) -> TransportError {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        // These end a handshake, and nothing is written before it is complete. Any other may come later.
        Some(
            refused @ (rustls::Error::InvalidCertificate(_) | rustls::Error::PeerIncompatible(_)),
        ) => {
            let reason = refused.to_string();
            TransportError::not_sent(TransportErrorKind::Tls).with_reason(reason).with_source(error)
        }
        _ => TransportError::unknown(TransportErrorKind::ConnectionLost)
            .with_reason(error.kind().to_string())
            .with_source(error),
    }
}
