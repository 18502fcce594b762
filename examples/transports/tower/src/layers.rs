use otp_core::Transport;
use otp_core::http::{HeaderName, HeaderValue, Request};
use tower::ServiceBuilder;
use tower_http::set_header::SetRequestHeaderLayer;
use tower_http::trace::TraceLayer;

use crate::{BoxError, TowerTransport, client};

/// More requests are not under way at a time: others wait for their turn, within their time limit.
const AT_ONCE: usize = 64;

/// hyper's client with layers around it: a span for each request, a header that says who is asking, and a
/// limit on how many ask at a time.
///
/// # Errors
///
/// As [`client`].
pub fn layered(ca_pem: &str) -> Result<impl Transport + use<>, BoxError> {
    let consumer = HeaderName::from_static("x-consumer");
    let service = ServiceBuilder::new()
        // By itself it would log the URL, of which the OTP is part.
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(SetRequestHeaderLayer::overriding(consumer, HeaderValue::from_static("login")))
        .concurrency_limit(AT_ONCE)
        .service(client(ca_pem)?);
    Ok(TowerTransport::new(service))
}

fn span<B>(request: &Request<B>) -> tracing::Span {
    tracing::debug_span!("request", method = %request.method())
}
