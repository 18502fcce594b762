//! Reading a body, and no more of it than allowed.

use std::mem;

use h2::RecvStream;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use otp_core::bytes::Bytes;
use otp_core::http::HeaderMap;
use otp_core::http::header::CONTENT_LENGTH;
use otp_core::secrecy::zeroize::{Zeroize, Zeroizing};
use otp_core::{TransportError, TransportErrorKind};

use crate::{error, http2};

/// A body on its way.
pub(crate) enum Incoming {
    Http1(hyper::body::Incoming),
    Http2(RecvStream, http2::Connection),
}

impl Incoming {
    /// How long it will be, if that is known. A `304` has no body, though its `Content-Length` is not zero
    /// (RFC 9110 §8.6).
    fn announced(&self, headers: &HeaderMap) -> Option<u64> {
        match self {
            Self::Http1(body) => body.size_hint().exact(),
            Self::Http2(stream, _) if stream.is_end_stream() => Some(0),
            Self::Http2(..) => headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok(),
        }
    }

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
            Self::Http2(stream, connection) => match stream.data().await? {
                Ok(data) => {
                    // Fails only if the stream is gone, which the next piece tells.
                    let _ = stream.flow_control().release_capacity(data.len());
                    connection.expect_an_answer();
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
    let announced = body.announced(headers);
    if announced.is_some_and(|length: u64| length > limit as u64) {
        return Err(too_large());
    }
    let announced = announced.map_or(0, |length| usize::try_from(length).unwrap_or(limit));
    // Most bodies come in one piece, which is taken as it is.
    let mut first = Piece::default();
    let mut several = Several::default();
    while let Some(data) = body.next().await {
        let data = Piece(data?);
        let size = first.0.len() + several.0.len() + data.0.len();
        if size > limit {
            return Err(too_large());
        }
        if first.0.is_empty() && several.0.is_empty() {
            first = data;
        } else {
            // The announced size, which is within the limit, is an upper bound for what is still to come.
            let size = size.max(announced);
            several.push(&mem::take(&mut first), size);
            several.push(&data, size);
        }
    }
    Ok(if several.0.is_empty() { first.into_bytes() } else { Bytes::from_owner(several.0) })
}

/// A piece of a body. It is wiped when it is dropped, as far as nobody else holds the buffer that it is in:
/// a body may hold recovery codes or a session token.
#[derive(Default)]
struct Piece(Bytes);

impl Piece {
    fn into_bytes(mut self) -> Bytes {
        mem::take(&mut self.0)
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Ok(mut alone) = mem::take(&mut self.0).try_into_mut() {
            alone.as_mut().zeroize();
        }
    }
}

/// A body of several pieces, in one allocation that is wiped; so is each that became too small.
///
/// The pieces are copied as they come. Kept, each could hold a buffer that is much larger than itself.
#[derive(Default)]
struct Several(Zeroizing<Vec<u8>>);

impl Several {
    fn push(&mut self, piece: &Piece, expected: usize) {
        let size = self.0.len() + piece.0.len();
        if size > self.0.capacity() {
            let capacity = size.max(expected).max(2 * self.0.capacity());
            let mut larger = Zeroizing::new(Vec::with_capacity(capacity));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(&piece.0);
    }
}

fn too_large() -> TransportError {
    TransportError::unknown(TransportErrorKind::ResponseTooLarge).with_reason("the body")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_pieces_become_one_body_and_the_announced_size_is_allocated_once() {
        let piece = |text: &'static str| Piece(Bytes::from(text.as_bytes().to_vec()));
        for (expected, capacity) in [(0, 12), (9, 9), (100, 100)] {
            let mut several = Several::default();
            for part in ["abc", "def", "ghi"] {
                several.push(&piece(part), expected);
            }
            assert_eq!(several.0.as_slice(), b"abcdefghi");
            assert!(several.0.capacity() >= capacity, "{}", several.0.capacity());
        }
    }
}
