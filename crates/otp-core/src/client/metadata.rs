use std::fmt;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, StatusCode};
use secrecy::ExposeSecret;

use crate::headers::{
    DEPRECATION, SUNSET, X_AUTH_TOKEN, X_RATELIMIT_LIMIT, X_RATELIMIT_REMAINING, X_RATELIMIT_RESET,
    X_REQUEST_ID,
};
use crate::{Attempt, AuthToken, Response};

/// What a response says besides its value.
///
/// Nothing is read before it is asked for.
#[derive(Clone)]
pub struct Metadata {
    status: StatusCode,
    headers: HeaderMap,
    failed: Vec<Attempt>,
}

/// `X-RateLimit-Limit`, `-Remaining` and `-Reset`, as the service sent them; the OpenAPI document does
/// not say in which unit the reset is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimit {
    /// How many requests a window allows.
    pub limit: Option<u64>,
    /// How many are left in this one.
    pub remaining: Option<u64>,
    /// When the next window starts.
    pub reset: Option<u64>,
}

/// That the service is going away: the `Deprecation` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deprecation {
    /// Deprecated, without a date: `true`, or a value that is not a date.
    Announced,
    /// Deprecated since, or from, this time: `@1688169599` (RFC 9745 §2.1) or an HTTP date.
    At(SystemTime),
}

impl Metadata {
    pub(crate) fn new(response: Response, failed: &[Attempt], token: &AuthToken) -> Self {
        let (parts, _) = response.into_parts();
        let mut headers = parts.headers;
        // The session token is the value's to give, not the metadata's.
        headers.remove(X_AUTH_TOKEN);
        // A server that uses the token for an id must not bring it into a log.
        let token = token.expose_secret();
        if headers
            .get(X_REQUEST_ID)
            .is_some_and(|id| id.to_str().is_ok_and(|id| id.contains(token)))
        {
            headers.remove(X_REQUEST_ID);
        }
        Self { status: parts.status, headers, failed: failed.to_vec() }
    }

    /// The response's status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The server's id of the request (`X-Request-Id`).
    pub fn request_id(&self) -> Option<&str> {
        self.text(&X_REQUEST_ID)
    }

    /// The rate limit, if the response says any of it.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        let number = |name: &HeaderName| self.text(name)?.parse().ok();
        let rate = RateLimit {
            limit: number(&X_RATELIMIT_LIMIT),
            remaining: number(&X_RATELIMIT_REMAINING),
            reset: number(&X_RATELIMIT_RESET),
        };
        (rate.limit.is_some() || rate.remaining.is_some() || rate.reset.is_some()).then_some(rate)
    }

    /// When the service is going to stop answering (`Sunset`, RFC 8594 §3).
    pub fn sunset(&self) -> Option<SystemTime> {
        httpdate::parse_http_date(self.text(&SUNSET)?).ok()
    }

    /// Whether the service says that it is deprecated, and since when.
    pub fn deprecation(&self) -> Option<Deprecation> {
        let value = self.text(&DEPRECATION)?;
        let seconds = value.strip_prefix('@').and_then(|seconds| seconds.parse().ok());
        let at = match seconds {
            Some(seconds) => SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)),
            None => httpdate::parse_http_date(value).ok(),
        };
        match (at, value) {
            (Some(at), _) => Some(Deprecation::At(at)),
            (None, "false") => None,
            (None, _) => Some(Deprecation::Announced),
        }
    }

    /// How many attempts the call took: one, plus those that failed.
    pub fn attempts(&self) -> usize {
        self.failed.len() + 1
    }

    /// The attempts that failed before the one that succeeded.
    pub fn failed_attempts(&self) -> &[Attempt] {
        &self.failed
    }

    fn text(&self, name: &HeaderName) -> Option<&str> {
        Some(self.headers.get(name)?.to_str().ok()?.trim())
    }
}

impl fmt::Debug for Metadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metadata")
            .field("status", &self.status)
            .field("request_id", &self.request_id())
            .field("rate_limit", &self.rate_limit())
            .field("sunset", &self.sunset())
            .field("deprecation", &self.deprecation())
            .field("failed_attempts", &self.failed)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(headers: &[(&'static str, &'static str)]) -> Metadata {
        let mut response = Response::default();
        for (name, value) in headers {
            response.headers_mut().append(*name, value.parse().unwrap());
        }
        Metadata::new(response, &[], &AuthToken::new("s3cret").unwrap())
    }

    #[test]
    fn the_service_s_announcements_are_read() {
        let date = "Tue, 30 Jun 2026 23:59:59 GMT";
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_782_863_999);
        assert_eq!(metadata(&[("sunset", date)]).sunset(), Some(at));
        assert_eq!(metadata(&[("sunset", "soon")]).sunset(), None);
        for (value, deprecation) in [
            ("@1782863999", Some(Deprecation::At(at))),
            (date, Some(Deprecation::At(at))),
            ("true", Some(Deprecation::Announced)),
            ("@99999999999999999999", Some(Deprecation::Announced)),
            ("@18446744073709551615", Some(Deprecation::Announced)),
            ("false", None),
        ] {
            assert_eq!(metadata(&[("deprecation", value)]).deprecation(), deprecation, "{value}");
        }
        assert_eq!(metadata(&[]).deprecation(), None);
    }

    #[test]
    fn a_rate_limit_may_be_said_in_part() {
        assert_eq!(metadata(&[]).rate_limit(), None);
        assert_eq!(metadata(&[("x-ratelimit-limit", "many")]).rate_limit(), None);
        let rate = metadata(&[("x-ratelimit-remaining", "0")]).rate_limit().unwrap();
        assert_eq!(rate, RateLimit { limit: None, remaining: Some(0), reset: None });
    }

    #[test]
    fn debug_shows_what_is_known_to_be_harmless_and_nothing_else() {
        let shown = metadata(&[
            ("x-auth-token", "s3cret"),
            ("set-cookie", "s3cret"),
            ("x-request-id", "req-1"),
        ]);
        let shown = format!("{shown:?}");
        assert!(shown.contains("req-1") && !shown.contains("s3cret"), "{shown}");

        let echo = metadata(&[("x-request-id", "for s3cret")]);
        assert_eq!(echo.request_id(), None);
    }
}
