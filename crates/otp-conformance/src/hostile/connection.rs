//! One connection, from its handshake to its end.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use super::served::Served;
use super::socket::Socket;
use super::witness::Witness;
use super::{Ending, Fault, Protocol, http1, http2, runtime};

pub(super) fn spawn(served: &Arc<Served>, acceptor: Option<TlsAcceptor>, stream: impl Socket) {
    served.log.connections.fetch_add(1, Ordering::SeqCst);
    let served = Arc::clone(served);
    let mut closing = served.closing.clone();
    let log = Arc::clone(&served.log);
    let stream = Witness::new(stream, move || {
        log.unencrypted.fetch_add(1, Ordering::SeqCst);
    });
    runtime().spawn(async move {
        tokio::select! {
            // A connection that fails is what clients do to servers like this.
            _ = connection(stream, acceptor, &served) => {}
            _ = closing.changed() => {}
        }
    });
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
    match acceptor {
        None => {
            let ending = requests(&mut socket, served).await?;
            end(socket, ending, served, Socket::reset).await
        }
        Some(acceptor) => {
            let mut stream = acceptor.accept(socket).await?;
            let ending = requests(&mut stream, served).await?;
            end(stream, ending, served, |stream| stream.get_ref().0.reset()).await
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
) -> io::Result<()> {
    match ending {
        Ending::Reset => reset(&stream),
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

/// Says nothing for as long as the client stays.
async fn until_closed(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<()> {
    let mut ignored = [0; 1024];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}
