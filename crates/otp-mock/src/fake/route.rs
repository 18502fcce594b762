//! From request to response, by the OpenAPI document.

use otp_core::bytes::Bytes;
use otp_core::http::header::{ALLOW, CONTENT_TYPE};
use otp_core::http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, Otp, RecoveryCode};
use percent_encoding::percent_decode_str;
use serde_json::json;

use super::service::{Refusal, Service};

const PREFIX: &str = "/metal/v1";
const X_AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A path of the document.
enum Resource<'a> {
    RecoveryCodes,
    ReceiveSms,
    Verify(&'a str),
}

impl<'a> Resource<'a> {
    fn at(path: &'a str) -> Option<Self> {
        match path.strip_prefix(PREFIX)? {
            "/user/otp/recovery-codes" => Some(Self::RecoveryCodes),
            "/user/otp/sms/receive" => Some(Self::ReceiveSms),
            path => match path.strip_prefix("/user/otp/verify/")? {
                otp if otp.is_empty() || otp.contains('/') => None,
                otp => Some(Self::Verify(otp)),
            },
        }
    }

    /// The methods that it has.
    fn allows(&self) -> &'static str {
        match self {
            Self::RecoveryCodes => "GET, POST",
            Self::ReceiveSms | Self::Verify(_) => "POST",
        }
    }
}

pub(super) fn respond(service: &Service, request: &Request<Bytes>) -> Response<Bytes> {
    let mut response = route(service, request);
    if let Ok(id) = HeaderValue::from_str(&service.request_id()) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}

fn route(service: &Service, request: &Request<Bytes>) -> Response<Bytes> {
    let Some(resource) = Resource::at(request.uri().path()) else {
        return error(StatusCode::NOT_FOUND, "Not found");
    };
    let get = request.method() == Method::GET;
    if !(request.method() == Method::POST || get && matches!(resource, Resource::RecoveryCodes)) {
        let mut response = error(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(resource.allows()));
        return response;
    }
    let Some(token) = token(request) else { return refuse(Refusal::UnknownToken) };
    if let Err(refusal) = service.authenticate(&token) {
        return refuse(refusal);
    }
    if !request.body().is_empty() {
        return errors("This operation takes no body");
    }
    let answer = match resource {
        Resource::ReceiveSms => service.receive_codes(&token).map(|()| no_content()),
        Resource::Verify(otp) => {
            service.find_ensure_otp(&token, decode(otp).as_ref()).map(verified)
        }
        Resource::RecoveryCodes if get => service.find_recovery_codes(&token).map(list),
        Resource::RecoveryCodes => service.regenerate_codes(&token).map(list),
    };
    answer.unwrap_or_else(refuse)
}

/// The token of a request that has exactly one.
fn token(request: &Request<Bytes>) -> Option<AuthToken> {
    let mut values = request.headers().get_all(X_AUTH_TOKEN).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    AuthToken::new(value.to_str().ok()?).ok()
}

/// The path segment as an OTP; what cannot be one is simply wrong.
fn decode(segment: &str) -> Option<Otp> {
    Otp::new(percent_decode_str(segment).decode_utf8().ok()?).ok()
}

fn refuse(refusal: Refusal) -> Response<Bytes> {
    match refusal {
        Refusal::UnknownToken => error(StatusCode::UNAUTHORIZED, "Invalid authentication token"),
        Refusal::WrongOtp => error(StatusCode::BAD_REQUEST, "OTP is invalid"),
        Refusal::NoTwoFactor => errors("Two-factor authentication is not enabled"),
    }
}

/// The document's error body with `error`.
fn error(status: StatusCode, message: &str) -> Response<Bytes> {
    json(status, &json!({ "error": message }))
}

/// The document's error body with `errors`, as for what cannot be processed.
fn errors(message: &str) -> Response<Bytes> {
    json(StatusCode::UNPROCESSABLE_ENTITY, &json!({ "errors": [message] }))
}

fn no_content() -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

fn verified(session: AuthToken) -> Response<Bytes> {
    let mut response = no_content();
    response.headers_mut().insert(X_AUTH_TOKEN, session.to_header_value());
    response
}

fn list(codes: Vec<RecoveryCode>) -> Response<Bytes> {
    let codes: Vec<_> = codes.iter().map(ExposeSecret::expose_secret).collect();
    json(StatusCode::OK, &json!({ "recovery_codes": codes }))
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
