use std::time::Duration;

use super::frames::Frame;
use super::{Act, Certificate, Reply};

/// What a [`Server`](super::Server) does to a request, or to a connection before any request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    // Before any request.
    /// Nobody listens.
    Refused,
    /// TCP does not answer: the queue of those who wait to be accepted is full. Only Linux keeps them
    /// waiting, and only on a port.
    HangInConnect,
    /// TCP accepts, and then nothing.
    HangInHandshake,
    /// TCP accepts and closes.
    CloseInHandshake,
    /// These bytes in the place of a TLS handshake.
    NotTls(&'static [u8]),
    /// A certificate that must not be trusted, and a `200` for whoever trusts it.
    Certificate(Certificate),

    // After the request, in either version.
    /// An answer, complete.
    Answer(Reply),
    /// An answer, complete, and then the connection is closed.
    AnswerAndClose(Reply),
    /// A `200` whose body is the value of the request's header `x-marker`.
    Echo,
    /// The same, a few bytes at a time.
    TricklingEcho,
    /// A complete `200`, whose head and whose body each come after this time.
    Late(Duration),
    /// The request is read, and then nothing. Over HTTP/2 other streams go on.
    Silence,
    /// The head of the request is read, its body is not, and then nothing on this connection: over HTTP/2 a PING
    /// has no answer either.
    Deaf,
    /// The request is read and the connection closed.
    Close,
    /// The request is read and the connection reset.
    Reset,
    /// A part of a success head, and then this.
    CutHead(Ending),
    /// A head with this status and a body of 300 bytes announced, ten of them, and then this.
    Cut(u16, Ending),
    /// An answer whose body never ends; if announced, by a length of 1 GiB. A client that makes room for
    /// what is announced gets it from most systems, so that this process is not aborted.
    Endless {
        /// Whether its length is announced.
        announced: bool,
    },
    /// A head that never ends.
    EndlessHead,
    /// A complete `401` with so many bytes of head.
    LargeHead(usize),
    /// A complete `401` with so many fields.
    ManyFields(usize),
    /// So many informational responses, then this answer.
    Informational(usize, Reply),
    /// Informational responses for ever.
    EndlessInformational,

    /// These steps in order, once the request is read. The connection goes on after the last one, unless that
    /// is an [`Ending`].
    Steps(Vec<Step>),
    /// The same once the head of the request is read, before its body is.
    Early(Vec<Step>),

    // HTTP/1.1 only.
    /// These bytes, then the connection is closed.
    Raw(&'static [u8]),
    /// An answer, and in the same write another that nobody asked for; the connection stays open.
    Unasked(Reply, Reply),
    /// The same, but the other comes 30 ms later.
    UnaskedLater(Reply, Reply),

    // HTTP/2 only.
    /// The client's preface is read, and the server's settings never come (RFC 9113 §3.4).
    NoSettings,
    /// These frames for this stream, then nothing.
    Frames(fn(u32) -> Vec<Frame>),
    /// These frames for this stream, then the connection is closed.
    FramesThenClose(fn(u32) -> Vec<Frame>),
    /// This frame, for ever.
    Flood(fn(u32) -> Frame),
    /// These acts once the request is complete; then the connection goes on.
    Stream(Vec<Act>),
    /// The same as soon as the head of the request is there. Its body is read, and no credit is given for it
    /// but by [`Act::Credit`].
    EarlyStream(Vec<Act>),
    /// An answer or an echo by a server of the h2 crate, if all faults are such. It compresses fields, and resets
    /// requests that are malformed.
    Polite(Box<Fault>),
    /// These settings at the beginning of each connection if this is the last fault, and this fault.
    With(&'static [(u16, u32)], Box<Fault>),
}

impl Fault {
    /// Whether it is done by a server that keeps all rules of HTTP/2.
    pub(super) fn is_polite(&self) -> bool {
        matches!(self, Self::Polite(_))
    }

    /// Whether it may prove to an HTTP/2 client that a stream was not processed, though it was counted
    /// (RFC 9113 §8.7).
    pub(super) fn may_refuse(&self) -> bool {
        match self {
            Self::Frames(_) | Self::FramesThenClose(_) | Self::Flood(_) => true,
            Self::Stream(acts) | Self::EarlyStream(acts) => acts.iter().any(Act::may_refuse),
            Self::With(_, fault) => fault.may_refuse(),
            _ => false,
        }
    }
}

/// A thing that a server does, of a list of them: [`Fault::Steps`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Writes these bytes, in one write. HTTP/1.1 only.
    Write(Vec<u8>),
    /// Writes a complete answer.
    Answer(Reply),
    /// Writes a complete `200` whose body is the value of the request's header `x-marker`.
    Echo,
    /// Waits so long.
    Wait(Duration),
    /// Reads the body of the request; only in [`Fault::Early`], where it is else read last.
    ReadBody,
    /// The connection ends like this. What follows is not done.
    End(Ending),
}

impl Step {
    /// Writes this text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Write(text.into().into_bytes())
    }

    /// Writes these bytes one at a time, each in a write of its own.
    pub fn one_by_one(bytes: impl AsRef<[u8]>) -> Vec<Self> {
        bytes.as_ref().iter().map(|byte| Self::Write(vec![*byte])).collect()
    }
}

/// How something ends that does not end as announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It does not.
    Silence,
    /// The connection is closed.
    Close,
    /// The connection is closed, over TLS without `close_notify` (RFC 8446 §6.1).
    Cut,
    /// The connection is reset.
    Reset,
    /// The connection is closed, over TLS with a fatal alert (RFC 8446 §6.2).
    Alert,
    /// A byte now and then: every 20 ms.
    Trickle,
}
