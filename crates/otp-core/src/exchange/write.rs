//! The request of an attempt.

use std::borrow::Cow;

use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;

use super::messages;
use crate::headers::X_AUTH_TOKEN;
use crate::operation::{AuthScheme, RequestDraft, WriteError};
use crate::{AuthToken, CallOptions, ClientConfig, Endpoint, Request, Scrubber};

/// Whether a request carries the client's token: its endpoint wants one, and the caller set no credentials.
pub(super) fn uses_token(endpoint: &Endpoint, options: &CallOptions) -> bool {
    match endpoint.auth_scheme() {
        AuthScheme::XAuthToken => true,
        AuthScheme::Bearer => !options.headers().contains_key(AUTHORIZATION),
        AuthScheme::None => false,
    }
}

/// What an operation writes of its request.
pub(crate) type Write<'o> = &'o dyn Fn(&mut RequestDraft) -> Result<(), WriteError>;

/// The request of an attempt, which knows what is secret in it.
pub(crate) fn write(
    config: &ClientConfig,
    token: Option<&AuthToken>,
    endpoint: &'static Endpoint,
    options: &CallOptions,
    write: Write<'_>,
) -> Result<Request, Cow<'static, str>> {
    let base = config.base_url();
    let mut headers = config.headers().clone();
    if endpoint.accepted_type() != Endpoint::JSON {
        headers.insert(ACCEPT, HeaderValue::from_static(endpoint.accepted_type()));
    }
    let mut draft = RequestDraft::new(endpoint, base, headers);
    match (endpoint.auth_scheme(), token) {
        (AuthScheme::XAuthToken, Some(token)) => {
            draft.set_header(&X_AUTH_TOKEN, &token.to_header_value());
        }
        (AuthScheme::Bearer, Some(token)) => {
            draft.secret(token);
            draft.set_header(&AUTHORIZATION, &token.to_bearer());
        }
        (AuthScheme::None, _) | (_, None) => {}
    }
    if let Err(error) = write(&mut draft) {
        let secrets = draft.take_secrets();
        let token = token.map(ExposeSecret::expose_secret);
        return Err(refused(error, &Scrubber::new(token.into_iter().chain(secrets.iter()))));
    }
    for (name, value) in options.headers() {
        draft.set_header(name, value);
    }
    let secrets = draft.take_secrets();
    let mut request = Request::new(endpoint, draft.finish(base)?)
        .with_secrets(secrets)
        .with_response_limit(config.response_limit());
    for edit in config.edits() {
        if let Err(error) = edit(&mut request) {
            return Err(refused(error, &request.scrubber()));
        }
    }
    let mut secrets = request.take_secrets();
    let own = token.filter(|_| endpoint.auth_scheme() == AuthScheme::XAuthToken);
    for (name, value) in request.as_http().headers() {
        let is_own = name == X_AUTH_TOKEN
            && own.is_some_and(|token| value.as_bytes() == token.expose_secret().as_bytes());
        if value.is_sensitive() && !is_own {
            secrets.add_header(value);
        }
    }
    Ok(request.with_secrets(secrets))
}

/// Why a request was not written. It must hold no secret, and that is checked.
fn refused(error: WriteError, scrubber: &Scrubber<'_>) -> Cow<'static, str> {
    match error.into_reason() {
        Cow::Owned(reason) => {
            let reason = Zeroizing::new(reason);
            Cow::Owned(scrubber.one_line(&reason, messages::MAX_BYTES))
        }
        reason @ Cow::Borrowed(_) => reason,
    }
}
