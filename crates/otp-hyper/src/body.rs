//! Reading a body, and no more of it than allowed.

use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use otp_core::bytes::{Bytes, BytesMut};
use otp_core::{TransportError, TransportErrorKind};

use crate::error;

/// The whole body. A body that is announced or grows beyond `limit` bytes is given up at once.
pub(crate) async fn collect(mut body: Incoming, limit: usize) -> Result<Bytes, TransportError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    // Most bodies come in one piece, which is taken as it is.
    let mut whole = Bytes::new();
    let mut pieces = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| error::of_exchange(&error))?.into_data() else {
            continue;
        };
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
