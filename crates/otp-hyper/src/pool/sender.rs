//! What a call sends its request by: a connection, or a stream of one.

use std::sync::Arc;

use http_body_util::Full;
use hyper::client::conn::http1;
use otp_core::bytes::Bytes;

use crate::http2;
use crate::stream::Allowance;

pub(crate) enum Sender {
    /// For one call at a time. The call gives it back when the response has been read.
    Http1(Http1),
    /// Shared by as many calls as the server takes streams.
    Http2(Http2),
}

impl Sender {
    pub(crate) fn is_used(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.is_used,
            Self::Http2(connection) => connection.is_used,
        }
    }

    pub(crate) fn allowance(&self) -> &Arc<Allowance> {
        match self {
            Self::Http1(connection) => &connection.allowance,
            Self::Http2(connection) => connection.connection.allowance(),
        }
    }
}

pub(crate) struct Http1 {
    pub(crate) sender: http1::SendRequest<Full<Bytes>>,
    pub(crate) allowance: Arc<Allowance>,
    /// It has carried a request before, and so may have been closed meanwhile.
    pub(crate) is_used: bool,
}

/// One stream of a connection. Dropping it releases the stream.
pub(crate) struct Http2 {
    pub(crate) connection: http2::Connection,
    /// The connection has carried a request before.
    pub(crate) is_used: bool,
    lender: Arc<dyn Lender>,
    line: u64,
}

/// Lends streams of its connections, which it knows by number.
pub(super) trait Lender: Send + Sync {
    /// A stream of this connection is free again.
    fn release(&self, line: u64);
    /// This connection takes no further request.
    fn retire(&self, line: u64);
    /// This connection must answer a PING before it takes a further request.
    fn doubt(&self, line: u64);
}

impl Http2 {
    pub(super) fn new(
        connection: http2::Connection,
        is_used: bool,
        lender: Arc<dyn Lender>,
        line: u64,
    ) -> Self {
        Self { connection, is_used, lender, line }
    }

    /// Gives no further request to this connection. Requests that are on it stay.
    pub(crate) fn retire(&self) {
        self.lender.retire(self.line);
    }

    /// A request was left unanswered, so the connection may be dead. Before the next request it must answer a PING.
    pub(crate) fn doubt(&self) {
        self.lender.doubt(self.line);
    }
}

impl Drop for Http2 {
    fn drop(&mut self) {
        self.lender.release(self.line);
    }
}
