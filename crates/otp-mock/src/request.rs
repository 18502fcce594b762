//! What a request carries: its token, and the parameters of its path.

use otp_core::http::HeaderMap;
use otp_core::{AuthToken, Otp};
use percent_encoding::percent_decode_str;

use crate::X_AUTH_TOKEN;

/// The token of a request that has exactly one.
pub(crate) fn token(headers: &HeaderMap) -> Option<AuthToken> {
    let mut values = headers.get_all(X_AUTH_TOKEN).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    AuthToken::new(value.to_str().ok()?).ok()
}

/// A path segment as an OTP, if it can be one.
pub(crate) fn otp(segment: &str) -> Option<Otp> {
    Otp::new(percent_decode_str(segment).decode_utf8().ok()?).ok()
}

/// The parameters of a path, each with its name and still encoded. None if the template has another path.
pub(crate) fn params<'p>(
    template: &'static str,
    path: &'p str,
) -> Option<Vec<(&'static str, &'p str)>> {
    let mut params = Vec::new();
    let mut given = path.split('/');
    for segment in template.split('/') {
        let given = given.next()?;
        match param(segment) {
            Some((before, name, after)) => {
                let value = given.strip_prefix(before)?.strip_suffix(after)?;
                params.push((name, Some(value).filter(|value| !value.is_empty())?));
            }
            None if given == segment => {}
            None => return None,
        }
    }
    given.next().is_none().then_some(params)
}

/// As [`params`], for a path that begins with that of a base URL.
pub(crate) fn params_below_base<'p>(
    template: &'static str,
    path: &'p str,
) -> Option<Vec<(&'static str, &'p str)>> {
    let depth = template.matches('/').count();
    let (start, _) = path.rmatch_indices('/').nth(depth.checked_sub(1)?)?;
    params(template, path.get(start..)?)
}

/// The parameter of a template's segment, with what stands before and after it.
pub(crate) fn param(segment: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = segment.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_takes_the_paths_that_it_describes() {
        for (template, path, values) in [
            ("/user/otp/verify/{otp}", "/user/otp/verify/1", Some(vec![("otp", "1")])),
            ("/user/otp/verify/{otp}", "/user/otp/verify/", None),
            ("/user/otp/verify/{otp}", "/user/otp/verify", None),
            ("/user/otp/verify/{otp}", "/user/otp/verify/1/2", None),
            ("/user/otp/verify/{otp}", "/user/otp/verify/1/", None),
            ("/a/{x}/b/{y}", "/a/1/b/%2F", Some(vec![("x", "1"), ("y", "%2F")])),
            ("/a/{x}/b/{y}", "/a/1/c/2", None),
            ("/keys/key-{id}.json", "/keys/key-7.json", Some(vec![("id", "7")])),
            ("/keys/key-{id}.json", "/keys/key-.json", None),
            ("/keys", "/keys", Some(vec![])),
            ("/keys", "/Keys", None),
        ] {
            assert_eq!(params(template, path), values, "{template} {path}");
            let below = format!("/metal/v1{path}");
            assert_eq!(params_below_base(template, &below), values, "{template} {below}");
        }
        assert_eq!(params_below_base("/a/b", "/b"), None);
    }
}
