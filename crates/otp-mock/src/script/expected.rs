//! What a request should be, and how one differs from that.

use std::borrow::Cow;
use std::fmt;

use otp_core::bytes::Bytes;
use otp_core::http::header::{ACCEPT, HeaderName, HeaderValue, USER_AGENT};
use otp_core::{AuthToken, BaseUrl, ClientConfig, Error, Operation};

use super::SeenRequest;
use crate::X_AUTH_TOKEN;

/// What a request should be: an operation with its values, an operation with any values, or anything.
///
/// An operation becomes one by itself, so a script mostly does without this name. No value of it is ever
/// shown.
///
/// ```
/// use otp_core::operation::{FindEnsureOtp, ReceiveCodes};
/// use otp_core::{AuthToken, Otp};
/// use otp_mock::{Expected, Reply, ScriptedTransport};
///
/// let script = ScriptedTransport::in_order()
///     .answer(ReceiveCodes, Reply::no_content())
///     .answer(Expected::any::<FindEnsureOtp>(), Reply::error(400, "OTP is invalid"))
///     .answer(
///         Expected::call(FindEnsureOtp::new(Otp::new("123456")?))
///             .with_token(AuthToken::new("k3y")?),
///         Reply::no_content(),
///     );
/// # std::mem::forget(script);
/// # Ok::<(), otp_core::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct Expected {
    operation: Option<Cow<'static, str>>,
    written: Option<Written>,
    token: Option<AuthToken>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// What an operation writes.
#[derive(Clone)]
struct Written {
    path: String,
    body: Bytes,
}

/// One thing that was looked at, and whether it was as expected. It shows no value.
pub(super) struct Looked {
    what: String,
    /// In words; none if it is as expected.
    difference: Option<String>,
}

impl Expected {
    fn new(operation: Option<Cow<'static, str>>) -> Self {
        Self { operation, written: None, token: None, headers: Vec::new() }
    }

    /// The operation of this name, whatever its values.
    pub(crate) fn named(operation: String) -> Self {
        Self::new(Some(operation.into()))
    }

    /// Any request.
    pub fn anything() -> Self {
        Self::new(None)
    }

    /// This operation, whatever its values.
    pub fn any<O: Operation>() -> Self {
        Self::new(Some(O::ENDPOINT.name().into()))
    }

    /// This operation with exactly these values: path parameters, headers and body.
    ///
    /// # Panics
    ///
    /// If the operation cannot be written.
    #[track_caller]
    #[allow(clippy::panic, reason = "a test that cannot say what it expects must fail")]
    pub fn call<O: Operation>(operation: O) -> Self {
        let request = match write(&operation) {
            Ok(request) => request,
            Err(error) => panic!("what is expected cannot be written: {error}"),
        };
        let (head, body) = request.into_parts();
        let clients_own = [ACCEPT, USER_AGENT, X_AUTH_TOKEN];
        let headers = head.headers.iter().filter(|(name, _)| !clients_own.contains(name));
        Self {
            written: Some(Written { path: head.uri.path().to_owned(), body }),
            headers: headers.map(|(name, value)| (name.clone(), value.clone())).collect(),
            ..Self::any::<O>()
        }
    }

    /// The same, with this token.
    pub fn with_token(self, token: AuthToken) -> Self {
        Self { token: Some(token), ..self }
    }

    /// The same, with this header and no other of its name; with several of them in their order, if the
    /// name is given several times.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Each name once, with its values in order.
    fn headers_by_name(&self) -> Vec<(&HeaderName, Vec<&HeaderValue>)> {
        let mut headers: Vec<(&HeaderName, Vec<&HeaderValue>)> = Vec::new();
        for (name, value) in &self.headers {
            match headers.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => headers.push((name, vec![value])),
            }
        }
        headers
    }

    /// Whether it is about the operation of this request, whatever the values.
    pub(super) fn is_of(&self, request: &SeenRequest) -> bool {
        self.operation.as_ref().is_none_or(|name| name == request.operation())
    }

    pub(super) fn takes(&self, request: &SeenRequest) -> bool {
        self.look_at(request).iter().all(Looked::is_as_expected)
    }

    /// Compares a request, thing by thing.
    pub(super) fn look_at(&self, request: &SeenRequest) -> Vec<Looked> {
        let mut looked = Vec::new();
        let mut look = |what: String, as_expected: bool, difference: &dyn Fn() -> String| {
            let difference = (!as_expected).then(difference);
            looked.push(Looked { what, difference });
        };
        let another = !self.is_of(request);
        if let Some(operation) = &self.operation {
            look("operation".into(), !another, &|| {
                format!("expected {operation}, came {}", request.operation())
            });
        }
        // The values of another operation are not comparable.
        if let Some(written) = self.written.as_ref().filter(|_| !another) {
            // The base URL is the client's affair, so only the end of the path is.
            let same = request.as_http().uri().path().ends_with(&written.path);
            look("path".into(), same, &|| {
                format!("other values in {}", request.endpoint().path_template())
            });
            let body = request.as_http().body();
            look("body".into(), *body == written.body, &|| {
                format!("expected {} bytes, came {} others", written.body.len(), body.len())
            });
        }
        if let Some(token) = &self.token {
            let came = request.token();
            look("token".into(), came.as_ref() == Some(token), &|| match came {
                Some(_) => "another one".into(),
                None => "none that is valid".into(),
            });
        }
        for (name, expected) in self.headers_by_name() {
            let came: Vec<_> = request.as_http().headers().get_all(name).iter().collect();
            look(format!("header {name}"), came == expected, &|| match came.len() {
                0 => "missing".into(),
                len if len == expected.len() => "another value".into(),
                len => format!("expected {} values, came {len}", expected.len()),
            });
        }
        looked
    }
}

/// As the client would write it, with a base URL of no path.
fn write<O: Operation>(operation: &O) -> Result<otp_core::http::Request<Bytes>, Error> {
    let config = ClientConfig::builder(AuthToken::new("expected")?)
        .base_url(BaseUrl::new("http://127.0.0.1")?)
        .build()?;
    Ok(config.request(operation)?.into_http())
}

impl Looked {
    pub(super) fn is_as_expected(&self) -> bool {
        self.difference.is_none()
    }
}

impl fmt::Display for Looked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let difference = self.difference.as_deref().unwrap_or("as expected");
        write!(f, "{:<12} {difference}", self.what)
    }
}

impl<O: Operation> From<O> for Expected {
    #[track_caller]
    fn from(operation: O) -> Self {
        Self::call(operation)
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation.as_deref().unwrap_or("any request"))
    }
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expected")
            .field("operation", &self.operation)
            .field("values", &self.written.as_ref().map(|_| "[redacted]"))
            .field("token", &self.token)
            .field("headers", &self.headers.iter().map(|(name, _)| name).collect::<Vec<_>>())
            .finish()
    }
}
