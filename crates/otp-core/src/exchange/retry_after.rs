use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};

/// Nobody waits longer, and a caller may add this to a time without overflow.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// How long the server asks to wait: seconds or a date (RFC 9110 §10.2.3).
///
/// A date is measured from the response's own `Date`, which a server with a clock must send (RFC 9110
/// §6.6.1), so no clock of this side is asked and a wrong one does not matter. Without it, the date says
/// nothing.
pub(crate) fn read(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are still a number: a very long wait.
        return Some(value.parse().map_or(YEAR, Duration::from_secs).min(YEAR));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    let from = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    Some(until.duration_since(from).unwrap_or_default().min(YEAR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(retry_after: &'static str, date: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static(retry_after));
        if let Some(date) = date {
            headers.insert(DATE, HeaderValue::from_static(date));
        }
        headers
    }

    #[test]
    fn both_forms_are_read_and_absurd_ones_are_bounded() {
        let noon = "Wed, 21 Oct 2015 12:00:00 GMT";
        for (value, date, wait) in [
            ("0", None, Some(0)),
            ("120", None, Some(120)),
            (" 7 ", None, Some(7)),
            ("99999999999999999999999999", None, Some(YEAR.as_secs())),
            ("18446744073709551615", None, Some(YEAR.as_secs())),
            ("Wed, 21 Oct 2015 12:00:30 GMT", Some(noon), Some(30)),
            ("Wed, 21 Oct 2015 11:00:00 GMT", Some(noon), Some(0)),
            ("Thu, 21 Oct 9999 12:00:00 GMT", Some(noon), Some(YEAR.as_secs())),
            ("Wed, 21 Oct 2015 12:00:30 GMT", Some("noon"), None),
            ("Wed, 21 Oct 2015 12:00:30 GMT", None, None),
            ("", None, None),
            ("-5", None, None),
            ("1.5", None, None),
            ("soon", None, None),
        ] {
            assert_eq!(read(&headers(value, date)), wait.map(Duration::from_secs), "{value:?}");
        }
        assert_eq!(read(&HeaderMap::new()), None);
        assert_eq!(YEAR.as_secs(), 31_536_000);
    }
}
