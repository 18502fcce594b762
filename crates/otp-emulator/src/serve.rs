//! Connections: accepted, unwrapped from TLS, and answered, each within bounds.

use std::convert::Infallible;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use otp_core::bytes::Bytes;
use otp_mock::FakeOtps;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// How long a client may take for the TLS handshake and for a request's body.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection may wait for the next request's head: longer than clients keep theirs.
const IDLE: Duration = Duration::from_secs(60);

/// No operation takes a body, so this only bounds what is read to say so.
const MAX_BODY: usize = 64 * 1024;

/// Answers connections until `stopped` resolves or its sender is dropped.
pub(crate) async fn until(
    stopped: oneshot::Receiver<()>,
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    fake: FakeOtps,
) {
    tokio::select! {
        _ = stopped => {}
        () = accept(listener, acceptor, fake) => {}
    }
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, fake: FakeOtps) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, acceptor.clone(), fake.clone()));
            }
            // Out of file descriptors, say: others are answered meanwhile, and some will close.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// A connection that fails is the client's affair: there is nobody here to tell.
async fn connection(stream: TcpStream, acceptor: Option<TlsAcceptor>, fake: FakeOtps) {
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => requests(stream, fake).await,
        Some(acceptor) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
                requests(stream, fake).await;
            }
        }
    }
}

async fn requests<S>(stream: S, fake: FakeOtps)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answer = service_fn(move |request| {
        let fake = fake.clone();
        async move { Ok::<_, Infallible>(respond(&fake, request).await) }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
    server.http2().timer(TokioTimer::new()).max_concurrent_streams(256);
    let _ = server.serve_connection(TokioIo::new(stream), answer).await;
}

async fn respond(fake: &FakeOtps, request: Request<Incoming>) -> Response<Full<Bytes>> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, MAX_BODY).collect();
    match tokio::time::timeout(PATIENCE, body).await {
        Ok(Ok(body)) => fake.respond(&Request::from_parts(head, body.to_bytes())).map(Full::new),
        Ok(Err(_)) => refuse(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large or broken"),
        Err(_) => refuse(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time"),
    }
}

fn refuse(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(format!(r#"{{"error":"{message}"}}"#)));
    *response.status_mut() = status;
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
    // The rest of the body is not going to be read.
    let close = hyper::header::HeaderValue::from_static("close");
    response.headers_mut().insert(hyper::header::CONNECTION, close);
    response
}
