//! Who may use the admin port.

use std::net::IpAddr;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hyper::header::{AUTHORIZATION, HOST, HeaderMap, HeaderValue, ORIGIN};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{StatusCode, Uri};
use otp_core::AuthToken;

use super::Answer;

/// How a browser says from where a request comes (Fetch Metadata, §2.3).
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Which names it answers to, and which token it asks for.
#[derive(Default)]
pub(crate) struct Access {
    /// In small letters, without a dot at the end.
    hosts: Vec<String>,
    token: Option<AuthToken>,
}

impl Access {
    pub(crate) fn new(hosts: impl IntoIterator<Item = String>, token: Option<AuthToken>) -> Self {
        Self { hosts: hosts.into_iter().map(|host| normal(&host)).collect(), token }
    }

    pub(super) fn needs_token(&self) -> bool {
        self.token.is_some()
    }

    /// Whether a program or a page of this port asks, with the token. A page of another site says so by its
    /// origin, and by its host if its name was made to lead here.
    pub(super) fn check(&self, head: &Parts) -> Result<(), Answer> {
        let host = self.host(&head.uri, &head.headers)?;
        check_site(&head.headers, &host)?;
        match &self.token {
            Some(token) if !has_token(&head.headers, token) => Err(Answer::Unauthorized),
            _ => Ok(()),
        }
    }

    /// The host, with its port, as the client wrote it.
    fn host(&self, uri: &Uri, headers: &HeaderMap) -> Result<String, Answer> {
        let refuse = |why| Answer::Refused(StatusCode::FORBIDDEN, why);
        let written = match (uri.authority(), headers.get(HOST)) {
            (Some(authority), _) => authority.as_str(),
            (None, Some(host)) => host.to_str().unwrap_or_default(),
            (None, None) => "",
        };
        let name = match written.parse::<Authority>() {
            Ok(authority) => normal(authority.host()),
            Err(_) => return Err(refuse("the request has no Host that can be read".to_owned())),
        };
        let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        if name == "localhost" || is_address || self.hosts.contains(&name) {
            return Ok(written.to_owned());
        }
        Err(refuse(format!(
            "the request is for the host '{name}', which this admin port does not answer to; \
             start the emulator with --admin-host {name} if it should"
        )))
    }
}

fn normal(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn check_site(headers: &HeaderMap, host: &str) -> Result<(), Answer> {
    // A request without an origin, such as for an image, says by this which page caused it.
    let site = headers.get(SEC_FETCH_SITE);
    let same_page = site.is_none_or(|site| site == "same-origin" || site == "none");
    let same_site = match headers.get(ORIGIN).map(HeaderValue::to_str) {
        None => true,
        Some(origin) => origin.is_ok_and(|origin| {
            origin.strip_prefix("http://").is_some_and(|origin| origin.eq_ignore_ascii_case(host))
        }),
    };
    if same_page && same_site {
        return Ok(());
    }
    let why = "the request was caused by a page of another site, which may not use the admin port";
    Err(Answer::Refused(StatusCode::FORBIDDEN, why.to_owned()))
}

/// By `Bearer`, as programs do, or as the password of `Basic`, as a browser asks a person for it.
fn has_token(headers: &HeaderMap, token: &AuthToken) -> bool {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Some((scheme, value)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else {
        return false;
    };
    let given = match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(value.trim_start().to_owned()),
        "basic" => BASE64_STANDARD.decode(value.trim_start()).ok().and_then(|pair| {
            let pair = String::from_utf8(pair).ok()?;
            pair.split_once(':').map(|(_, password)| password.to_owned())
        }),
        _ => None,
    };
    // It compares in constant time.
    given.and_then(|given| AuthToken::new(given).ok()).is_some_and(|given| given == *token)
}
