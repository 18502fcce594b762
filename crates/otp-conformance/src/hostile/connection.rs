//! One connection, from its handshake to its end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::served::{Log, Served};
use super::socket::Socket;
use super::witness::{HANDSHAKE, Witness};
use super::{Ending, Fault, Protocol, http1, http2, runtime};

pub(super) fn spawn(served: &Arc<Served>, acceptor: Option<TlsAcceptor>, stream: impl Socket) {
    let number = served.log.connections.fetch_add(1, Ordering::SeqCst);
    let open = Open::new(&served.log);
    let served = Arc::clone(served);
    let mut closing = served.closing.clone();
    let log = Arc::clone(&served.log);
    let stream = Witness::new(stream, move || {
        log.unencrypted.fetch_add(1, Ordering::SeqCst);
    });
    runtime().spawn(async move {
        let _open = open;
        let serving = async {
            if let Some(delay) = served.delays.get(number) {
                tokio::time::sleep(*delay).await;
            }
            connection(stream, acceptor, &served).await
        };
        tokio::select! {
            // A connection that fails is what clients do to servers like this.
            _ = serving => {}
            _ = closing.changed() => {}
        }
    });
}

/// A connection that is counted for as long as it is served.
struct Open(Arc<Log>);

impl Open {
    fn new(log: &Arc<Log>) -> Self {
        log.open.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(log))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn connection(
    mut socket: impl Socket,
    acceptor: Option<TlsAcceptor>,
    served: &Served,
) -> io::Result<()> {
    match served.last() {
        Fault::HangInHandshake => return until_closed(&mut socket).await,
        Fault::CloseInHandshake => return Ok(()),
        Fault::NotTls(bytes) => {
            socket.write_all(bytes).await?;
            return until_closed(&mut socket).await;
        }
        _ => {}
    }
    let (acceptor, served) = match &served.clear {
        Some(clear) if socket.first().await? != HANDSHAKE => (None, &**clear),
        _ => (acceptor, served),
    };
    match acceptor {
        None => {
            let ending = requests(&mut socket, served).await?;
            end(socket, ending, served, Socket::reset, |_| {}).await
        }
        Some(acceptor) => {
            let mut stream = acceptor.accept(socket).await?;
            let ending = requests(&mut stream, served).await?;
            end(stream, ending, served, |stream| stream.get_ref().0.reset(), alert).await
        }
    }
}

async fn requests<S>(stream: &mut S, served: &Served) -> io::Result<Ending>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    match served.wire.protocol {
        Protocol::Http1 => http1::serve(stream, served).await,
        Protocol::Http2 if served.is_polite() => http2::serve_politely(stream, served).await,
        Protocol::Http2 => http2::serve(stream, served).await,
    }
}

async fn end<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    ending: Ending,
    served: &Served,
    reset: impl FnOnce(&S) -> io::Result<()>,
    alert: impl FnOnce(&mut S),
) -> io::Result<()> {
    match ending {
        Ending::Reset => reset(&stream),
        Ending::Alert => {
            alert(&mut stream);
            // It writes the alert, and no farewell after it.
            let _ = stream.shutdown().await;
            drop(stream);
            served.log.closed.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
        Ending::Close => {
            let _ = stream.shutdown().await;
            drop(stream);
            served.log.closed.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
        Ending::Cut => {
            drop(stream);
            served.log.closed.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }
        Ending::Silence | Ending::Trickle => {
            let heard = until_closed(&mut stream).await;
            served.abandoned(1);
            heard
        }
    }
}

/// Makes rustls answer with a fatal alert, as if the client had sent nonsense.
fn alert<S>(stream: &mut TlsStream<S>) {
    let tls = stream.get_mut().1;
    // A record may have been read in part: it must end first, and is at most so large (RFC 8446 §5.2).
    for _ in 0..10 {
        let mut nonsense = &[0xff; 4096][..];
        if tls.read_tls(&mut nonsense).is_err() || tls.process_new_packets().is_err() {
            return;
        }
    }
}

/// Says nothing for as long as the client stays.
async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}
