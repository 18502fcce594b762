//! The body of a response: whole, or cut off in the middle.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Frame, SizeHint};
use otp_core::bytes::Bytes;

/// The body of a response; empty by default.
#[derive(Default)]
pub(crate) struct ReplyBody {
    rest: Option<Bytes>,
    /// How many bytes are announced and never sent.
    withheld: u64,
}

impl ReplyBody {
    pub(crate) fn whole(body: Bytes) -> Self {
        Self { rest: Some(body).filter(|body| !body.is_empty()), withheld: 0 }
    }

    /// Half of it, after which the connection must be ended: more never comes.
    pub(crate) fn cut(mut body: Bytes) -> Self {
        let withheld = body.split_off(body.len() / 2);
        Self { rest: Some(body), withheld: withheld.len() as u64 }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match (self.rest.take(), self.withheld) {
            (Some(bytes), _) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            (None, 0) => Poll::Ready(None),
            (None, _) => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.withheld == 0
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.as_ref().map_or(0, |rest| rest.len() as u64);
        SizeHint::with_exact(rest.saturating_add(self.withheld))
    }
}
