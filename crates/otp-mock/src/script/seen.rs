use std::fmt;
use std::time::Duration;

use otp_core::bytes::Bytes;
use otp_core::{AuthToken, Endpoint, Operation, Otp, Request, http};

use super::Expected;
use crate::request;

/// A request that a double was sent. Its `Debug` shows no secret; the secrets can be compared as what
/// they are.
///
/// ```
/// use otp_core::operation::FindEnsureOtp;
/// use otp_core::{AuthToken, Otp, OtpsApi, OtpsClient};
/// use otp_mock::{Expected, Reply, ScriptedTransport};
///
/// # pollster::block_on(async {
/// let (token, otp) = (AuthToken::new("k3y")?, Otp::new("123456")?);
/// let script = ScriptedTransport::in_order()
///     .answer(Expected::any::<FindEnsureOtp>(), Reply::no_content());
/// let client = OtpsClient::new(script.clone(), token.clone());
/// client.find_ensure_otp(&otp).await?;
///
/// let seen = &script.requests()[0];
/// assert_eq!(seen.operation(), "find_ensure_otp");
/// assert_eq!(seen.token(), Some(token));
/// assert_eq!(seen.otp(), Some(otp));
/// # Ok::<(), otp_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct SeenRequest {
    endpoint: &'static Endpoint,
    http: http::Request<Bytes>,
    time_limit: Duration,
}

impl SeenRequest {
    pub(crate) fn of(request: &Request) -> Self {
        Self {
            endpoint: request.endpoint(),
            http: request.as_http().clone(),
            time_limit: request.time_limit(),
        }
    }

    /// The operation's name.
    pub fn operation(&self) -> &'static str {
        self.endpoint.name()
    }

    /// What is fixed about the operation.
    pub fn endpoint(&self) -> &'static Endpoint {
        self.endpoint
    }

    /// Whether it is this operation with exactly these values.
    pub fn is<O: Operation>(&self, operation: O) -> bool {
        Expected::call(operation).takes(self)
    }

    /// The token, if there is exactly one and it is valid.
    pub fn token(&self) -> Option<AuthToken> {
        request::token(self.http.headers())
    }

    /// The OTP in the path, if the operation has one there.
    pub fn otp(&self) -> Option<Otp> {
        let path = self.http.uri().path();
        let params = request::params_below_base(self.endpoint.path_template(), path)?;
        params.iter().find(|(name, _)| *name == "otp").and_then(|(_, value)| request::otp(value))
    }

    /// The time that the attempt had left.
    pub fn time_limit(&self) -> Duration {
        self.time_limit
    }

    /// The raw request. It holds the token, and its path may hold an OTP.
    pub fn as_http(&self) -> &http::Request<Bytes> {
        &self.http
    }
}

impl fmt::Debug for SeenRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers = self.http.headers().keys().map(http::HeaderName::as_str);
        f.debug_struct("SeenRequest")
            .field("operation", &self.operation())
            .field("method", self.http.method())
            .field("path_template", &self.endpoint.path_template())
            .field("headers", &headers.collect::<Vec<_>>())
            .field("body_len", &self.http.body().len())
            .field("time_limit", &self.time_limit)
            .finish()
    }
}
