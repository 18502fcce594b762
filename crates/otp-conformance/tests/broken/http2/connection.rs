//! A connection, its task, and what its streams wait for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http::HeaderMap;
use http::response::Parts;
use otp_conformance::hostile::frames::{self, Frame, Reader};
use otp_conformance::hostile::hpack;
use otp_core::Progress::{self, NotSent, Unknown};
use otp_core::TransportErrorKind::{self, ConnectionLost, Protocol};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

/// Of the protocol (RFC 9113 §6.9.2).
const WINDOW: i64 = 65_535;

pub struct Connection {
    pub shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub struct Shared {
    pub flaw: &'static str,
    state: Mutex<State>,
    changed: Notify,
    orders: mpsc::UnboundedSender<Vec<u8>>,
}

/// Why a stream has no answer.
#[derive(Clone, Copy, Debug)]
pub struct Failed {
    pub kind: TransportErrorKind,
    pub progress: Progress,
    pub reason: &'static str,
}

impl Failed {
    pub fn unknown(kind: TransportErrorKind, reason: &'static str) -> Self {
        Self { kind, progress: Unknown, reason }
    }

    pub fn not_sent(reason: &'static str) -> Self {
        Self { kind: ConnectionLost, progress: NotSent, reason }
    }
}

pub struct State {
    /// Whether the server has sent its settings.
    pub settled: bool,
    pub settings: usize,
    pub going_away: bool,
    pub closed: Option<Failed>,
    pub next: u32,
    pub max_streams: usize,
    pub max_frame: usize,
    pub initial: i64,
    pub window: i64,
    pub streams: BTreeMap<u32, Stream>,
    pub decoder: hpack::Decoder,
    pub block: Option<Block>,
    /// Frames that are about no answer, since the last that is about one.
    pub controls: usize,
    /// Whether a field has been put into the server's table.
    pub indexed: bool,
    /// Only if the flaw is to read no more.
    pub is_deaf: bool,
    /// What was pushed: the promised stream, and the body so far.
    pub pushed: Option<(u32, Vec<u8>)>,
    /// The promised stream whose answer is taken for that of another.
    pub instead: Option<(u32, u32)>,
}

/// A field block that arrives in several frames.
pub struct Block {
    pub stream: u32,
    pub end: bool,
    pub bytes: Vec<u8>,
}

pub struct Stream {
    pub window: i64,
    /// The largest body.
    pub limit: usize,
    pub head: Option<Parts>,
    pub informational: usize,
    /// Only if the flaw is to take the fields of an informational response.
    pub early: HeaderMap,
    pub body: Vec<u8>,
    pub empty: usize,
    pub uploaded: bool,
    pub ended: bool,
    pub failed: Option<Failed>,
}

impl Connection {
    pub fn start<S>(stream: S, flaw: &'static str) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (orders, waiting) = mpsc::unbounded_channel();
        let state = State {
            settled: false,
            settings: 0,
            going_away: false,
            closed: None,
            next: 1,
            max_streams: usize::MAX,
            max_frame: 0x4000,
            initial: WINDOW,
            window: WINDOW,
            streams: BTreeMap::new(),
            decoder: hpack::Decoder::default(),
            block: None,
            controls: 0,
            indexed: false,
            is_deaf: false,
            pushed: None,
            instead: None,
        };
        let shared =
            Arc::new(Shared { flaw, state: Mutex::new(state), changed: Notify::new(), orders });
        let mut preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        preface.extend(frames::settings_of(&[(frames::ENABLE_PUSH, 0)]).encode());
        let _ = shared.orders.send(preface);
        let task = tokio::spawn(drive(Arc::clone(&shared), stream, waiting));
        Self { shared, task }
    }

    /// Whether new requests may go over it.
    pub fn takes_requests(&self) -> bool {
        let state = self.shared.state();
        let is_closed =
            state.closed.is_some() && !self.shared.is("over HTTP/2, a closed connection is used");
        !is_closed && !state.going_away
    }
}

/// How many bytes of a field block are read.
const MOST_BLOCK: usize = 256 * 1024;

/// How many frames about no answer are read before one that is.
const MOST_CONTROLS: usize = 10_000;

async fn drive<S: AsyncRead + AsyncWrite + Unpin>(
    shared: Arc<Shared>,
    stream: S,
    mut orders: mpsc::UnboundedReceiver<Vec<u8>>,
) {
    let (mut incoming, mut outgoing) = tokio::io::split(stream);
    let mut reader = Reader::default();
    let reading = async {
        loop {
            let frame = match reader.next(&mut incoming).await {
                Ok(Some(frame)) => frame,
                _ => return Failed::unknown(ConnectionLost, shared.lost()),
            };
            let taken = shared.take(frame);
            let (too_much, is_deaf) = shared.progress();
            shared.changed.notify_waiters();
            match taken {
                Ok(()) if too_much => {
                    let kind = TransportErrorKind::ResponseTooLarge;
                    return Failed::unknown(kind, "too much before an answer");
                }
                Ok(()) => {}
                Err(failed) => return failed,
            }
            if is_deaf {
                std::future::pending::<()>().await;
            }
        }
    };
    let writing = async {
        while let Some(bytes) = orders.recv().await {
            if outgoing.write_all(&bytes).await.is_err() || outgoing.flush().await.is_err() {
                break;
            }
        }
        // Reading tells better what has happened.
        std::future::pending::<()>().await;
    };
    let failed = tokio::select! {
        failed = reading => failed,
        () = writing => return,
    };
    shared.fail_all(failed);
    if failed.kind == Protocol {
        let goodbye = frames::go_away(0, frames::PROTOCOL_ERROR).encode();
        let _ = tokio::time::timeout(Duration::from_secs(1), outgoing.write_all(&goodbye)).await;
    }
}

impl Shared {
    pub fn is(&self, this: &str) -> bool {
        super::is(self.flaw, this)
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn order(&self, frame: &Frame) {
        // A connection that has ended reads no orders.
        let _ = self.orders.send(frame.encode());
    }

    /// Waits until there is something.
    pub async fn until<T>(&self, mut find: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            let changed = self.changed.notified();
            if let Some(found) = find(&mut self.state()) {
                return found;
            }
            changed.await;
        }
    }

    pub fn notify(&self) {
        self.changed.notify_waiters();
    }

    /// Whether too much has come before an answer, and whether no more is read.
    fn progress(&self) -> (bool, bool) {
        let state = self.state();
        let patient = self.is("each frame starts the limit again");
        let too_much = (state.controls > MOST_CONTROLS && !patient)
            || state.block.as_ref().is_some_and(|block| block.bytes.len() > MOST_BLOCK);
        (too_much, state.is_deaf)
    }

    /// What the end of the connection is called.
    fn lost(&self) -> &'static str {
        match self.state().going_away {
            true => "closed after GOAWAY",
            false => "closed",
        }
    }

    /// The connection ends, and with it every stream that has not.
    fn fail_all(&self, failed: Failed) {
        let mut state = self.state();
        state.closed = Some(failed);
        for stream in state.streams.values_mut().filter(|stream| !stream.ended) {
            let lost = failed.kind == ConnectionLost;
            let before = stream.head.is_none();
            let own = match self.flaw {
                "over HTTP/2, a lost connection has sent nothing" if lost && before => {
                    Failed::not_sent("closed")
                }
                "a connection that is no HTTP/2 has sent nothing" if !lost => {
                    Failed { progress: NotSent, ..failed }
                }
                _ => failed,
            };
            stream.failed.get_or_insert(own);
            if self.is("over HTTP/2, a body cut off is complete") && !before {
                (stream.failed, stream.ended) = (None, true);
            }
        }
        drop(state);
        self.changed.notify_waiters();
    }
}
