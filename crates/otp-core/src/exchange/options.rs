use std::fmt;
use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use super::RetryPolicy;
use crate::Error;
use crate::headers::X_AUTH_TOKEN;

/// The most that a timeout can be: an hour.
const MAX_TIMEOUT: Duration = Duration::from_secs(3600);

/// How one call is made: its timeouts, its retries, its extra headers.
///
/// A client has defaults, set by its [builder](crate::ClientBuilder); each [call](crate::Call) can
/// differ.
///
/// | option | default | bounds |
/// |---|---|---|
/// | [`timeout`](Self::with_timeout), of the whole call, waits included | 30 s | 1 ms to 1 h |
/// | [`attempt_timeout`](Self::with_attempt_timeout) | 10 s | 1 ms to 1 h |
/// | [`retry`](Self::with_retry) | 3 attempts, backoff from 100 ms to 2 s | see [`RetryPolicy`] |
/// | [`header`](Self::with_header) | none | none that the client or HTTP itself sets |
#[derive(Clone)]
pub struct CallOptions {
    timeout: Duration,
    attempt_timeout: Duration,
    retry: RetryPolicy,
    headers: HeaderMap,
}

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            timeout: Self::DEFAULT_TIMEOUT,
            attempt_timeout: Self::DEFAULT_ATTEMPT_TIMEOUT,
            retry: RetryPolicy::default(),
            headers: HeaderMap::new(),
        }
    }
}

impl CallOptions {
    /// The default timeout of a call: 30 seconds.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

    /// The default timeout of an attempt: 10 seconds.
    pub const DEFAULT_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

    /// Limits the whole call: all attempts and all waits.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Limits each attempt. What is left of the call's timeout limits it too.
    #[must_use]
    pub fn with_attempt_timeout(self, attempt_timeout: Duration) -> Self {
        Self { attempt_timeout, ..self }
    }

    /// Says how often and how patiently to try.
    #[must_use]
    pub fn with_retry(self, retry: RetryPolicy) -> Self {
        Self { retry, ..self }
    }

    /// Sets a header, such as `traceparent`, in place of the client's default of that name.
    ///
    /// A value that is [marked sensitive](HeaderValue::set_sensitive) is kept out of errors, should the
    /// server echo it. No value is ever shown by `Debug`.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The timeout of the whole call.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The timeout of each attempt.
    pub fn attempt_timeout(&self) -> Duration {
        self.attempt_timeout
    }

    /// How often and how patiently to try.
    pub fn retry(&self) -> RetryPolicy {
        self.retry
    }

    /// The extra headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        for (name, value) in [("timeout", self.timeout), ("attempt timeout", self.attempt_timeout)]
        {
            if value < Duration::from_millis(1) || value > MAX_TIMEOUT {
                return Err(Error::invalid_input(format!(
                    "invalid {name}: {value:?}; it is 1 ms to 1 h"
                )));
            }
        }
        self.retry.validate()?;
        match self.headers.keys().find(|name| RESERVED.contains(name)) {
            Some(name) => Err(Error::invalid_input(format!(
                "invalid header: '{name}' is set by the client or by HTTP itself and cannot be \
                 added to a call"
            ))),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for CallOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("timeout", &self.timeout)
            .field("attempt_timeout", &self.attempt_timeout)
            .field("retry", &self.retry)
            // Their values may be credentials.
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// What a call may not set: identity, negotiation and framing are the client's and the transport's.
pub(crate) static RESERVED: [HeaderName; 16] = [
    X_AUTH_TOKEN,
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::EXPECT,
    header::HOST,
    header::PROXY_AUTHORIZATION,
    header::RANGE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::USER_AGENT,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_out_of_bounds_are_refused_with_what_is_allowed() {
        let ok = CallOptions::default;
        assert!(ok().validate().is_ok());
        let hour = Duration::from_secs(3600);
        assert!(ok().with_timeout(hour).validate().is_ok());
        assert!(ok().with_timeout(hour + Duration::from_millis(1)).validate().is_err());
        assert!(ok().with_attempt_timeout(Duration::from_millis(1)).validate().is_ok());
        for (bad, told) in [
            (ok().with_timeout(Duration::ZERO), "1 ms to 1 h"),
            (ok().with_timeout(Duration::MAX), "1 ms to 1 h"),
            (ok().with_attempt_timeout(Duration::from_micros(999)), "1 ms to 1 h"),
            (ok().with_header(X_AUTH_TOKEN, HeaderValue::from_static("t")), "x-auth-token"),
            (ok().with_header(header::HOST, HeaderValue::from_static("h")), "host"),
        ] {
            let sentence = bad.validate().unwrap_err().to_string();
            assert!(sentence.contains(told), "{sentence}");
        }
    }
}
