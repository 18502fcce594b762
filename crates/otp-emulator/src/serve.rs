//! Connections: accepted, unwrapped from TLS, and answered, each within bounds.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use hyper::body::Incoming;
use hyper::header::{CONNECTION, DATE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::answer;
use crate::body::{self, ReplyBody};
use crate::connections::{Connections, Seat};
use crate::host;

/// How long requests that are being answered may take to end once the emulator is to stop.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// How long a connection that answers nothing may take to say goodbye.
const FLUSH: Duration = Duration::from_millis(20);

/// How much longer than its patience a kept connection may wait for the next request: longer than clients
/// keep theirs.
const KEPT: u32 = 6;

/// What answers requests.
pub(crate) trait Handler: Clone + Send + Sync + 'static {
    /// Notes a request that is answered with this status and does not reach the handler.
    fn note_refused(&self, _: &Request<Incoming>, _: StatusCode) {}

    /// The date to write into answers that have none. `None` is the system's.
    fn date(&self) -> Option<SystemTime> {
        None
    }

    /// Answers, or ends the stream or the connection.
    fn answer(
        &self,
        request: Request<Incoming>,
        seat: &Arc<Seat>,
    ) -> impl Future<Output = Result<Response<ReplyBody>, h2::Error>> + Send;
}

/// Listeners and what answers on them.
pub(crate) struct Site<D> {
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) acceptor: Option<TlsAcceptor>,
    pub(crate) handler: D,
    pub(crate) connections: Arc<Connections>,
    /// How long a client may take until its first request is there.
    pub(crate) patience: Duration,
}

/// Answers connections until `stop` changes or its sender is dropped; then lets what is being answered
/// end, within bounds.
pub(crate) async fn until<D: Handler>(mut stop: watch::Receiver<()>, site: Site<D>) {
    let mut tasks = JoinSet::new();
    let Site { listeners, acceptor, handler, connections, patience } = site;
    let mut turn = 0;
    loop {
        tokio::select! {
            _ = stop.changed() => break,
            _ = tasks.join_next(), if !tasks.is_empty() => {}
            accepted = accept(&listeners, &mut turn) => match accepted {
                Ok(stream) => {
                    let ticket = tokio::select! {
                        _ = stop.changed() => break,
                        ticket = connections.enter() => ticket,
                    };
                    let (handler, acceptor, stop) = (handler.clone(), acceptor.clone(), stop.clone());
                    tasks.spawn(async move {
                        let seat = Arc::clone(&ticket.seat);
                        tokio::select! {
                            () = seat.ended() => {}
                            () = seat.tired(patience, patience.saturating_mul(KEPT)) => {}
                            () = connection(stream, acceptor, handler, &ticket.seat, stop) => {}
                        }
                    });
                }
                Err(error) => pause(&error).await,
            },
        }
    }
    drop(listeners);
    let all = async { while tasks.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, all).await;
}

/// The next connection, of each listener in turn.
async fn accept(listeners: &[TcpListener], turn: &mut usize) -> io::Result<TcpStream> {
    poll_fn(|context| {
        for _ in listeners {
            *turn = turn.wrapping_add(1);
            let listener = &listeners[*turn % listeners.len()];
            if let Poll::Ready(accepted) = listener.poll_accept(context) {
                return Poll::Ready(accepted.map(|(stream, _)| stream));
            }
        }
        Poll::Pending
    })
    .await
}

/// Out of file descriptors, say: others are answered meanwhile, and some will close.
async fn pause(error: &io::Error) {
    // A connection that was gone before it was accepted says nothing about the next one.
    if error.kind() != io::ErrorKind::ConnectionAborted {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A connection that fails is the client's affair: there is nobody here to tell.
async fn connection<D: Handler>(
    stream: TcpStream,
    acceptor: Option<TlsAcceptor>,
    handler: D,
    seat: &Arc<Seat>,
    stop: watch::Receiver<()>,
) {
    let _ = stream.set_nodelay(true);
    match acceptor {
        None => requests(stream, handler, seat, stop).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                requests(stream, handler, seat, stop).await;
            }
        }
    }
}

async fn requests<D, S>(stream: S, handler: D, seat: &Arc<Seat>, mut stop: watch::Receiver<()>)
where
    D: Handler,
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let answer = service_fn({
        let seat = Arc::clone(seat);
        move |request| {
            let (handler, seat) = (handler.clone(), Arc::clone(&seat));
            async move { answer_by(&handler, request, &seat).await }
        }
    });
    let server = server();
    let mut connection = pin!(server.serve_connection(TokioIo::new(stream), answer));
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stop.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    let limit = if seat.is_idle() { FLUSH } else { GRACE };
    let _ = tokio::time::timeout(limit, connection).await;
}

/// Answers, by the rules of HTTP that hold whatever is asked for.
async fn answer_by<D: Handler>(
    handler: &D,
    request: Request<Incoming>,
    seat: &Arc<Seat>,
) -> Result<Response<ReplyBody>, h2::Error> {
    let is_head = request.method() == Method::HEAD;
    let mut response = match host::refuse(&request) {
        None => handler.answer(request, seat).await?,
        Some(why) => {
            handler.note_refused(&request, StatusCode::BAD_REQUEST);
            let mut response = answer::refuse((StatusCode::BAD_REQUEST, why));
            if request.version() < Version::HTTP_2 {
                // A client that gets this wrong may get the end of the request wrong too.
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            response
        }
    };
    // hyper adds the system's date where there is none.
    let date = handler.date().map(httpdate::fmt_http_date);
    if let Some(date) = date.and_then(|date| HeaderValue::try_from(date).ok()) {
        response.headers_mut().entry(DATE).or_insert(date);
    }
    // HTTP/1.1 leaves it out by itself, HTTP/2 does not.
    Ok(body::within_http(response, is_head))
}

/// What one connection may take: a request has a head of 16 KiB and next to no body.
fn server() -> auto::Builder<TokioExecutor> {
    let mut server = auto::Builder::new(TokioExecutor::new());
    // Time is the seat's to watch: this timer only dates responses.
    server.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(16 * 1024);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(16 * 1024)
        .initial_stream_window_size(16 * 1024)
        .initial_connection_window_size(64 * 1024)
        .max_send_buf_size(64 * 1024);
    server
}
