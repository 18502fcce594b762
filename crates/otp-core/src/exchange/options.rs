use std::fmt;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};

use super::RetryPolicy;
use crate::headers::RESERVED;
use crate::{AuthToken, Endpoint, Error};

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
/// | [`kept_header`](Self::with_kept_header), of the response | none | |
/// | [`token`](Self::with_token) | the client's | |
#[derive(Clone)]
pub struct CallOptions {
    timeout: Duration,
    attempt_timeout: Duration,
    retry: RetryPolicy,
    headers: HeaderMap,
    kept_headers: Vec<HeaderName>,
    token: Option<AuthToken>,
}

impl Default for CallOptions {
    fn default() -> Self {
        Self {
            timeout: Self::DEFAULT_TIMEOUT,
            attempt_timeout: Self::DEFAULT_ATTEMPT_TIMEOUT,
            retry: RetryPolicy::default(),
            headers: HeaderMap::new(),
            kept_headers: Vec::new(),
            token: None,
        }
    }
}

impl CallOptions {
    /// The default timeout of a call: 30 seconds.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

    /// The default timeout of an attempt: 10 seconds.
    pub const DEFAULT_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

    /// The shortest timeout.
    pub(crate) const MIN_TIMEOUT: Duration = Duration::from_millis(1);

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

    /// Keeps the response's headers of this name, for [`Metadata::header`](crate::Metadata::header) and
    /// [`Error::header`].
    #[must_use]
    pub fn with_kept_header(mut self, name: HeaderName) -> Self {
        if !self.kept_headers.contains(&name) {
            self.kept_headers.push(name);
        }
        self
    }

    pub(crate) fn kept_headers(&self) -> &[HeaderName] {
        &self.kept_headers
    }

    /// With the timeouts that an endpoint has of its own.
    pub(crate) fn with_timeouts_of(mut self, endpoint: &Endpoint) -> Self {
        let (timeout, attempt_timeout) = endpoint.timeouts();
        self.timeout = timeout.unwrap_or(self.timeout);
        self.attempt_timeout = attempt_timeout.unwrap_or(self.attempt_timeout);
        self
    }

    /// Sets the token of the call, in place of the client's. It is never refreshed.
    #[must_use]
    pub fn with_token(self, token: AuthToken) -> Self {
        Self { token: Some(token), ..self }
    }

    pub(crate) fn token(&self) -> Option<&AuthToken> {
        self.token.as_ref()
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
            if value < Self::MIN_TIMEOUT || value > MAX_TIMEOUT {
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
            .field("kept_headers", &self.kept_headers)
            .field("token", &self.token)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;
    use crate::headers::X_AUTH_TOKEN;

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
