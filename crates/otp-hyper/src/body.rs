//! Reading a body, and no more of it than allowed.

use h2::RecvStream;
use http_body_util::BodyExt;
use otp_core::bytes::{Bytes, BytesMut};
use otp_core::http::HeaderMap;
use otp_core::http::header::CONTENT_LENGTH;
use otp_core::{TransportError, TransportErrorKind};

use crate::error;

/// A body on its way.
pub(crate) enum Incoming {
    Http1(hyper::body::Incoming),
    Http2(RecvStream),
}

impl Incoming {
    async fn next(&mut self) -> Option<Result<Bytes, TransportError>> {
        match self {
            Self::Http1(body) => loop {
                match body.frame().await?.map(hyper::body::Frame::into_data) {
                    Ok(Ok(data)) => return Some(Ok(data)),
                    // Trailers mean nothing here.
                    Ok(Err(_)) => {}
                    Err(error) => return Some(Err(error::of_exchange(&error))),
                }
            },
            Self::Http2(stream) => match stream.data().await? {
                Ok(data) => {
                    // Fails only if the stream is gone, which the next piece tells.
                    let _ = stream.flow_control().release_capacity(data.len());
                    Some(Ok(data))
                }
                Err(error) => Some(Err(error::of_http2(&error, None))),
            },
        }
    }
}

/// The whole body. A body that is announced or grows beyond `limit` bytes is given up at once.
pub(crate) async fn collect(
    mut body: Incoming,
    headers: &HeaderMap,
    limit: usize,
) -> Result<Bytes, TransportError> {
    let announced =
        headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_large());
    }
    // Most bodies come in one piece, which is taken as it is.
    let mut whole = Bytes::new();
    let mut pieces = BytesMut::new();
    while let Some(data) = body.next().await {
        let data = data?;
        if whole.len() + pieces.len() + data.len() > limit {
            return Err(too_large());
        }
        if whole.is_empty() && pieces.is_empty() {
            whole = data;
        } else {
            pieces.extend_from_slice(&std::mem::take(&mut whole));
            pieces.extend_from_slice(&data);
        }
    }
    Ok(if pieces.is_empty() { whole } else { pieces.freeze() })
}

fn too_large() -> TransportError {
    TransportError::unknown(TransportErrorKind::ResponseTooLarge).with_reason("the body")
}
