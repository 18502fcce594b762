use std::time::Duration;

use super::Reply;
use super::frames::{Frame, REFUSED_STREAM};

/// A thing that an HTTP/2 server does to a stream, of a list of them: [`Fault::Stream`](super::Fault::Stream).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Act {
    /// This frame for this stream. No window is respected.
    Frame(fn(u32) -> Frame),
    /// These frames for this stream, with nothing in between. No window is respected.
    Frames(fn(u32) -> Vec<Frame>),
    /// A head with this status and these fields.
    Head(u16, &'static [(&'static str, &'static str)]),
    /// These bytes of body. The stream does not end.
    Data(&'static [u8]),
    /// DATA one byte larger than the client's frames may be, and the end of the stream.
    Oversized,
    /// The end of the stream: an empty DATA.
    End,
    /// A complete answer. The client's windows are respected.
    Reply(Reply),
    /// A `200` whose body is the value of the request's header `x-marker`.
    Echo,
    /// `RST_STREAM` with this error code.
    Reset(u32),
    /// GOAWAY with this last stream and error code. Streams above it are ignored from then on.
    GoAway(Last, u32),
    /// These settings, and a wait until the client has acknowledged them. After two seconds without that the
    /// connection is closed.
    Settings(&'static [(u16, u32)]),
    /// A PING, and a wait for its answer. After two seconds without one the connection is closed.
    Ping,
    /// A wait until the request is complete, for two seconds at most.
    Complete,
    /// A wait until so many requests have come to the server, for two seconds at most.
    Requests(usize),
    /// This time.
    Wait(Duration),
    /// This part of the connection's window is given to the client, and of this stream's.
    Credit(u32),
    /// The same of the connection's window only.
    CreditConnection(u32),
    /// A push of a `200` with this body for a request like this one.
    Push(&'static [u8]),
    /// The connection is closed.
    Close,
    /// The connection is reset.
    ResetConnection,
}

impl Act {
    /// Whether it may prove that a stream was not processed (RFC 9113 §8.7).
    pub(super) fn may_refuse(&self) -> bool {
        match self {
            Self::Frame(_) | Self::Frames(_) | Self::GoAway(..) => true,
            Self::Reset(code) => *code == REFUSED_STREAM,
            _ => false,
        }
    }
}

/// The last stream that a GOAWAY names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// None at all.
    Zero,
    /// The one before this.
    Below,
    /// This one.
    This,
    /// The one after this.
    Above,
    /// The largest of all: a first warning (RFC 9113 §6.8).
    Highest,
}

impl Last {
    pub(super) fn of(self, stream: u32) -> u32 {
        match self {
            Self::Zero => 0,
            Self::Below => stream.saturating_sub(2),
            Self::This => stream,
            Self::Above => stream + 2,
            Self::Highest => 0x7fff_ffff,
        }
    }
}
