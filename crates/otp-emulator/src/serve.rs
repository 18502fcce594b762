//! Connections: accepted, unwrapped from TLS, and answered, each within bounds.

use std::convert::Infallible;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
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

use crate::Cors;

/// How long a client may take for the TLS handshake and for a request's body.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a connection may wait for the next request's head: longer than clients keep theirs.
const IDLE: Duration = Duration::from_secs(60);

/// No operation takes a body, so this only bounds what is read to say so.
const MAX_BODY: usize = 64 * 1024;

/// What answers a request.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) fake: FakeOtps,
    pub(crate) cors: Option<Cors>,
}

/// Answers connections until `stopped` resolves or its sender is dropped.
pub(crate) async fn until(
    stopped: oneshot::Receiver<()>,
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    service: Service,
) {
    tokio::select! {
        _ = stopped => {}
        () = accept(listener, acceptor, service) => {}
    }
}

async fn accept(listener: TcpListener, acceptor: Option<TlsAcceptor>, service: Service) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, acceptor.clone(), service.clone()));
            }
            // Out of file descriptors, say: others are answered meanwhile, and some will close.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// A connection that fails is the client's affair: there is nobody here to tell.
async fn connection(stream: TcpStream, acceptor: Option<TlsAcceptor>, service: Service) {
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => requests(stream, service).await,
        Some(acceptor) => {
            if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
                requests(stream, service).await;
            }
        }
    }
}

async fn requests<S>(stream: S, service: Service)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answer = service_fn(move |request| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.respond(request).await) }
    });
    let mut server = auto::Builder::new(TokioExecutor::new());
    server.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
    server.http2().timer(TokioTimer::new()).max_concurrent_streams(256);
    let _ = server.serve_connection(TokioIo::new(stream), answer).await;
}

impl Service {
    async fn respond(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let Some(cors) = &self.cors else { return self.answer(head, body).await };
        if let Some(response) = cors.preflight(&head) {
            return response;
        }
        let mut response = self.answer(head, body).await;
        cors.allow(response.headers_mut());
        response
    }

    async fn answer(&self, head: Parts, body: Incoming) -> Response<Full<Bytes>> {
        let body = Limited::new(body, MAX_BODY).collect();
        match tokio::time::timeout(PATIENCE, body).await {
            Ok(Ok(body)) => {
                self.fake.respond(&Request::from_parts(head, body.to_bytes())).map(Full::new)
            }
            Ok(Err(_)) => refuse(StatusCode::PAYLOAD_TOO_LARGE, "The body is too large or broken"),
            Err(_) => refuse(StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time"),
        }
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
