//! The body of a response: whole, or cut off in the middle.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{CONTENT_LENGTH, HeaderValue};
use hyper::{Response, StatusCode};
use otp_core::bytes::Bytes;

/// The body of a response; empty by default.
#[derive(Default)]
pub(crate) struct ReplyBody {
    rest: Option<Bytes>,
    /// How many bytes are announced and never sent.
    withheld: u64,
}

/// Leaves the body out where HTTP has none: in an answer to `HEAD`, which keeps the length that the body would
/// have (RFC 9110 §9.3.2), and in a `204` or `304` (RFC 9110 §6.4.1).
pub(crate) fn within_http(mut response: Response<ReplyBody>, is_head: bool) -> Response<ReplyBody> {
    let has_none = matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if has_none {
        response.headers_mut().remove(CONTENT_LENGTH);
    } else if is_head {
        let length = response.body().len();
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    if has_none || is_head { response.map(|_| ReplyBody::default()) } else { response }
}

impl ReplyBody {
    fn len(&self) -> u64 {
        self.rest.as_ref().map_or(0, |rest| rest.len() as u64).saturating_add(self.withheld)
    }

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
        SizeHint::with_exact(self.len())
    }
}
