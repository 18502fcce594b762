//! The `Keep-Alive` header of a response.

use std::time::Duration;

use otp_core::http::header::{HeaderMap, HeaderName};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

/// For how long the server keeps the connection: `Keep-Alive: timeout=5` (RFC 2068 §19.7.1), less a second, in
/// which a request is on its way to a server that has just closed it.
pub(crate) fn limit(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(KEEP_ALIVE)?.to_str().ok()?;
    let seconds = value.split(',').find_map(|parameter| {
        let (name, seconds) = parameter.split_once('=')?;
        let seconds = name.trim().eq_ignore_ascii_case("timeout").then_some(seconds)?;
        seconds.trim().trim_matches('"').parse().ok()
    })?;
    Some(Duration::from_secs(seconds).saturating_sub(Duration::from_secs(1)))
}

#[cfg(test)]
mod tests {
    use otp_core::http::HeaderValue;

    use super::*;

    #[test]
    fn the_hint_of_a_server_shortens_how_long_a_connection_is_kept() {
        let read = |value: &str| {
            let headers =
                HeaderMap::from_iter([(KEEP_ALIVE, HeaderValue::from_str(value).unwrap())]);
            limit(&headers).map(|keep| keep.as_secs())
        };
        for (value, seconds) in [
            ("timeout=5", Some(4)),
            ("timeout=5, max=100", Some(4)),
            ("max=100, Timeout = 60", Some(59)),
            ("timeout=\"5\"", Some(4)),
            ("timeout=1", Some(0)),
            ("timeout=0", Some(0)),
            ("max=100", None),
            ("timeout=", None),
            ("timeout=-1", None),
            ("5", None),
            ("timeout=99999999999999999999", None),
        ] {
            assert_eq!(read(value), seconds, "{value}");
        }
        assert_eq!(limit(&HeaderMap::new()), None);
    }
}
