use std::time::Duration;

use http::header::{HeaderName, HeaderValue};

use crate::{AuthToken, CallOptions, RetryPolicy};

/// One call with its own options; `send` makes it.
///
/// ```
/// use std::time::Duration;
/// use otp_core::http::{HeaderName, HeaderValue};
/// use otp_core::operation::ReceiveCodes;
/// use otp_core::{Error, OtpsClient};
///
/// async fn text_me(client: &OtpsClient, trace: HeaderValue) -> Result<(), Error> {
///     let answer = client
///         .call(ReceiveCodes)
///         .timeout(Duration::from_secs(5))
///         .header(HeaderName::from_static("traceparent"), trace)
///         .send()
///         .await?;
///     println!("sent; request {:?}", answer.metadata.request_id());
///     Ok(answer.value)
/// }
/// ```
#[derive(Debug)]
#[must_use = "`send` makes the call"]
pub struct Call<'c, C, O> {
    pub(crate) client: &'c C,
    pub(crate) operation: O,
    pub(crate) options: CallOptions,
}

impl<'c, C, O> Call<'c, C, O> {
    pub(crate) fn new(client: &'c C, operation: O, options: CallOptions) -> Self {
        Self { client, operation, options }
    }

    fn with(self, change: impl FnOnce(CallOptions) -> CallOptions) -> Self {
        Self { options: change(self.options), ..self }
    }

    /// Limits this call, all attempts and all waits included: 1 ms to 1 h.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|options| options.with_timeout(timeout))
    }

    /// Limits each attempt of this call: 1 ms to 1 h.
    pub fn attempt_timeout(self, timeout: Duration) -> Self {
        self.with(|options| options.with_attempt_timeout(timeout))
    }

    /// How often and how patiently to try this call.
    pub fn retry(self, retry: RetryPolicy) -> Self {
        self.with(|options| options.with_retry(retry))
    }

    /// Sets a header of this call, in place of the client's default of that name.
    pub fn header(self, name: HeaderName, value: HeaderValue) -> Self {
        self.with(|options| options.with_header(name, value))
    }

    /// Keeps the response's headers of this name, for [`Metadata::header`](crate::Metadata::header) and
    /// [`Error::header`](crate::Error::header).
    pub fn keep_header(self, name: HeaderName) -> Self {
        self.with(|options| options.with_kept_header(name))
    }

    /// Sets the token of this call, in place of the client's. It is never refreshed.
    pub fn token(self, token: AuthToken) -> Self {
        self.with(|options| options.with_token(token))
    }

    /// Replaces all options of this call.
    pub fn options(self, options: CallOptions) -> Self {
        self.with(|_| options)
    }
}
