use bytes::Bytes;
use secrecy::zeroize::Zeroize;

use crate::Response;

/// The body of a response, which may hold recovery codes, a session token or an echo of an OTP.
///
/// It is wiped when it is dropped, unless the transport has kept a part of the same allocation.
#[derive(Default)]
pub(super) struct Body(Bytes);

impl Body {
    pub(super) fn of(response: Response) -> Self {
        // The headers go first, since they may be in the same allocation.
        Self(response.into_body())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Ok(mut bytes) = std::mem::take(&mut self.0).try_into_mut() {
            bytes.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_others_hold_is_left_alone() {
        let bytes = Bytes::from(vec![b'a'; 100]);
        drop(Body::of(Response::new(bytes.clone())));
        assert_eq!(bytes, vec![b'a'; 100]);
        drop(Body::of(Response::new(Bytes::from_static(b"static"))));
        drop(Body::of(Response::new(Bytes::from_owner(vec![1, 2, 3]))));
        drop(Body::of(Response::new(bytes)));
        drop(Body::default());
    }
}
