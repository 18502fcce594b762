//! The OTP client over [reqwest], for a program that has it already.
//!
//! # What it is
//!
//! A [`Transport`] to copy: one file, to be read from top to bottom. What reqwest does by itself and a
//! transport must not (following redirects, repeating, taking a proxy from the environment) is turned off
//! when it is built; what reqwest's errors tell about how far a request got is told on.
//!
//! # What it is not
//!
//! HTTP/2. When such a server goes away, the stack under reqwest does not tell what the server took from what
//! it did not.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, LengthLimitError, Limited};
use otp_core::http::header::{CONTENT_LENGTH, HeaderValue};
use otp_core::http::{self, Method};
use otp_core::{Request, Response, Transport, TransportError, TransportErrorKind, async_trait};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::time::{Instant, timeout_at};

type BoxError = Box<dyn StdError + Send + Sync>;

/// Connecting takes no longer. Within it, a time-out is known to have sent nothing.
const CONNECT: Duration = Duration::from_secs(5);

/// No attempt takes longer, whatever its limit.
const LONGEST: Duration = Duration::from_secs(3600);

/// Sends requests by reqwest, over TLS or, where the base URL says so, in the clear.
///
/// Cloning is cheap; clones share the pool of connections. It needs a tokio runtime with time and I/O
/// enabled.
#[derive(Clone, Debug)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    /// What `now` counts from, by the clock that `sleep` follows.
    started: Instant,
}

impl ReqwestTransport {
    /// A transport that trusts the certificate authorities of this PEM text and no others.
    ///
    /// # Errors
    ///
    /// If the text holds no certificate, or one that cannot be read.
    pub fn trusting(ca_pem: &str) -> Result<Self, BoxError> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(ca_pem)?)
            .http1_only()
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            // Another crate of the program may turn these features on.
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .build()?;
        Ok(Self { client, started: Instant::now() })
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        // One deadline for all phases, so that no phase starts the clock anew.
        let deadline = Instant::now() + request.time_limit().min(LONGEST);
        let limit = request.response_limit();

        let request = convert(request.into_http())?;
        let response = match timeout_at(deadline, self.client.execute(request)).await {
            Ok(response) => response.map_err(before_the_head)?,
            Err(_) => return Err(timeout("no response head arrived")),
        };
        let (head, body) = http::Response::from(response).into_parts();
        match timeout_at(deadline, Limited::new(body, limit).collect()).await {
            Ok(Ok(body)) => Ok(Response::from_parts(head, body.to_bytes())),
            Ok(Err(error)) => Err(after_the_head(error).with_head(head)),
            Err(_) => Err(timeout("the body did not arrive in full").with_head(head)),
        }
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

fn convert(
    mut request: http::Request<otp_core::bytes::Bytes>,
) -> Result<reqwest::Request, TransportError> {
    // hyper leaves it out, and some servers insist on it (RFC 9110 §8.6).
    if request.method() == Method::POST && request.body().is_empty() {
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let (path, query) = (request.uri().path().to_owned(), request.uri().query().map(str::to_owned));
    match reqwest::Request::try_from(request) {
        Ok(request)
            if request.url().path() == path && request.url().query() == query.as_deref() =>
        {
            Ok(request)
        }
        // reqwest's URLs are the browsers' ones, which write some paths and queries in another way.
        _ => Err(TransportError::not_sent(TransportErrorKind::Other)
            .with_reason("reqwest cannot send this URL as it is")),
    }
}

fn timeout(reason: &'static str) -> TransportError {
    TransportError::unknown(TransportErrorKind::Timeout).with_reason(reason)
}

/// reqwest gives no response: was there a connection?
fn before_the_head(error: reqwest::Error) -> TransportError {
    let error = error.without_url();
    if !error.is_connect() {
        return on_a_connection(error);
    }
    if let Some(refused) = find::<rustls::Error>(&error) {
        let reason = refused.to_string();
        return TransportError::not_sent(TransportErrorKind::Tls)
            .with_reason(reason)
            .with_source(error);
    }
    let reason = find::<io::Error>(&error).map(describe);
    let failed = TransportError::not_sent(TransportErrorKind::Connect).with_source(error);
    match reason {
        Some(reason) => failed.with_reason(reason),
        None => failed,
    }
}

/// In words that hold no host. std has no kind for a name that was not resolved, and its text may quote it.
fn describe(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => error.to_string(),
        None if error.to_string().starts_with("failed to lookup address") => {
            "the host name could not be resolved".to_owned()
        }
        None => error.kind().to_string(),
    }
}

/// The head is here, the body is not.
fn after_the_head(error: BoxError) -> TransportError {
    if error.is::<LengthLimitError>() {
        return TransportError::unknown(TransportErrorKind::ResponseTooLarge)
            .with_reason("the body");
    }
    match error.downcast::<reqwest::Error>() {
        Ok(error) => on_a_connection(error.without_url()),
        Err(error) => TransportError::unknown(TransportErrorKind::Other).with_source(error),
    }
}

/// The request was handed to a connection, so nobody knows whether it left.
fn on_a_connection(error: reqwest::Error) -> TransportError {
    let kind = match (find::<hyper::Error>(&error), find::<io::Error>(&error)) {
        (Some(error), _) if error.is_parse_too_large() => TransportErrorKind::ResponseTooLarge,
        (Some(error), _) if error.is_parse() => TransportErrorKind::Protocol,
        // What a chunked body is broken by.
        (_, Some(error))
            if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) =>
        {
            TransportErrorKind::Protocol
        }
        _ => TransportErrorKind::ConnectionLost,
    };
    TransportError::unknown(kind).with_source(error)
}

/// The first cause of this type.
fn find<'a, E: StdError + 'static>(mut error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    loop {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // An `io::Error` shows what is inside of it only to who asks for it.
        error = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => inner,
            None => error.source()?,
        };
    }
}

fn tls(ca_pem: &str) -> Result<ClientConfig, BoxError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(certificate?)?;
    }
    if roots.is_empty() {
        return Err("there is no certificate ('-----BEGIN CERTIFICATE-----') to trust".into());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
