use std::fmt;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, StatusCode};

use crate::exchange::retry_after;
use crate::headers::{
    DEPRECATION, SUNSET, X_RATELIMIT_LIMIT, X_RATELIMIT_REMAINING, X_RATELIMIT_RESET, X_REQUEST_ID,
};
use crate::{Attempt, Response, Scrubber};

/// The most of a request id that is kept.
const MAX_ID: usize = 512;

/// The most of a header that is kept.
const MAX_HEADER: usize = 2048;

/// 9999-12-31T23:59:59Z, the last second that an HTTP date can express (RFC 9110 §5.6.7).
const LAST_SECOND: u64 = 253_402_300_799;

/// What a response says besides its value.
///
/// It holds copies of the few headers that it gives out, and nothing else of the response. An echo of a
/// secret of the request is removed from them.
#[derive(Clone, Debug)]
pub struct Metadata {
    status: StatusCode,
    request_id: Option<String>,
    rate_limit: Option<RateLimit>,
    sunset: Option<SystemTime>,
    deprecation: Option<Deprecation>,
    retry_after: Option<Duration>,
    headers: KeptHeaders,
    failed_attempts: Vec<Attempt>,
}

/// The headers that a caller asked for, without the secrets of the request.
#[derive(Clone, Default)]
pub(crate) struct KeptHeaders(Vec<(HeaderName, String)>);

impl KeptHeaders {
    pub(crate) fn new(headers: &HeaderMap, kept: &[HeaderName], scrubber: &Scrubber<'_>) -> Self {
        let values = |name| headers.get_all(name).iter().map(move |value| (name, value));
        let kept = kept.iter().flat_map(values).map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes());
            (name.clone(), scrubber.one_line(&value, MAX_HEADER))
        });
        Self(kept.collect())
    }

    pub(crate) fn get(&self, name: &HeaderName) -> impl Iterator<Item = &str> + use<'_> {
        let name = name.clone();
        self.0.iter().filter(move |(of, _)| *of == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for KeptHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A value may be a session token.
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
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
    /// Deprecated, without a date: `true`, or a value that is not a date, or one beyond the year 9999.
    Announced,
    /// Deprecated since, or from, this time: `@1688169599` (RFC 9745 §2.1) or an HTTP date. It is a date
    /// that HTTP can express, from 1970 to 9999.
    At(SystemTime),
}

/// What a response says of the end of the service.
pub(crate) type Announcements = (Option<SystemTime>, Option<Deprecation>);

pub(crate) fn announcements(headers: &HeaderMap) -> Announcements {
    (sunset(headers), deprecation(headers))
}

impl Metadata {
    pub(crate) fn new(
        response: &Response,
        failed: &[Attempt],
        kept: &[HeaderName],
        scrubber: &Scrubber<'_>,
    ) -> Self {
        let headers = response.headers();
        let (sunset, deprecation) = announcements(headers);
        Self {
            status: response.status(),
            request_id: text(headers, &X_REQUEST_ID).map(|id| scrubber.one_line(id, MAX_ID)),
            rate_limit: RateLimit::read(headers),
            sunset,
            deprecation,
            retry_after: retry_after::read(headers),
            headers: KeptHeaders::new(headers, kept, scrubber),
            failed_attempts: failed.to_vec(),
        }
    }

    /// The response's status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The server's id of the request (`X-Request-Id`): on one line, at most 512 bytes, without this
    /// request's secrets.
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The rate limit, if the response says any of it.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.rate_limit
    }

    /// When the service is going to stop answering (`Sunset`, RFC 8594 §3). It is a date that HTTP can
    /// express, from 1970 to 9999.
    pub fn sunset(&self) -> Option<SystemTime> {
        self.sunset
    }

    /// Whether the service says that it is deprecated, and since when.
    pub fn deprecation(&self) -> Option<Deprecation> {
        self.deprecation
    }

    /// How long the server asks to wait before the next request (`Retry-After`, RFC 9110 §10.2.3), at most a year.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The values of a header that the call [was told to keep](crate::CallOptions::with_kept_header): each on one
    /// line, at most 2 KiB, without this request's secrets.
    pub fn header(&self, name: &HeaderName) -> impl Iterator<Item = &str> + use<'_> {
        self.headers.get(name)
    }

    /// How many attempts the call took: one, plus those that failed.
    pub fn attempts(&self) -> usize {
        self.failed_attempts.len() + 1
    }

    /// The attempts that failed before the one that succeeded.
    pub fn failed_attempts(&self) -> &[Attempt] {
        &self.failed_attempts
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    Some(headers.get(name)?.to_str().ok()?.trim())
}

impl RateLimit {
    pub(crate) fn read(headers: &HeaderMap) -> Option<Self> {
        let number = |name: &HeaderName| text(headers, name)?.parse().ok();
        let rate = Self {
            limit: number(&X_RATELIMIT_LIMIT),
            remaining: number(&X_RATELIMIT_REMAINING),
            reset: number(&X_RATELIMIT_RESET),
        };
        (rate.limit.is_some() || rate.remaining.is_some() || rate.reset.is_some()).then_some(rate)
    }
}

fn sunset(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(text(headers, &SUNSET)?).ok()
}

fn deprecation(headers: &HeaderMap) -> Option<Deprecation> {
    let value = text(headers, &DEPRECATION)?;
    let at = match value.strip_prefix('@') {
        // What no HTTP date can express is no date for the caller either: most calendars stop there.
        Some(seconds) if seconds.bytes().all(|byte| byte.is_ascii_digit()) => {
            seconds.parse().ok().filter(|seconds| *seconds <= LAST_SECOND).and_then(|seconds| {
                SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
            })
        }
        Some(_) => None,
        None => httpdate::parse_http_date(value).ok(),
    };
    match (at, value) {
        (Some(at), _) => Some(Deprecation::At(at)),
        // `?0` is what a structured field writes for it (RFC 9651 §3.3.6).
        (None, "false" | "?0") => None,
        (None, _) => Some(Deprecation::Announced),
    }
}
