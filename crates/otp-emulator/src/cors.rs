use std::io;

use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, HeaderValue, ORIGIN, VARY,
};
use hyper::http::request::Parts;
use hyper::http::uri::PathAndQuery;
use hyper::{HeaderMap, Method, Response, StatusCode, Uri};

/// Which pages may call the emulator from a browser, by the CORS protocol of the
/// [Fetch standard](https://fetch.spec.whatwg.org/#http-cors-protocol).
///
/// Pages of that origin may send every method and header of the API and read every header of the
/// answers. Without it, browsers let no page do either.
///
/// ```
/// use otp_emulator::{Cors, Emulator};
///
/// let emulator = Emulator::builder().plain().cors(Cors::origin("http://localhost:8080")?).start()?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Cors {
    origin: HeaderValue,
}

impl Cors {
    /// Pages of every origin. As with the emulator itself, only where that is harmless: every page
    /// that is open in the browser may then try.
    pub fn any_origin() -> Self {
        Self { origin: HeaderValue::from_static("*") }
    }

    /// Pages of one origin, such as `http://localhost:8080`: scheme, host and port, and nothing after.
    ///
    /// # Errors
    ///
    /// If it is not an origin.
    pub fn origin(origin: &str) -> io::Result<Self> {
        let uri: Option<Uri> = origin.parse().ok();
        let is_origin = uri.is_some_and(|uri| {
            uri.scheme().is_some()
                && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
                && uri.path_and_query().is_none_or(|path| path == &PathAndQuery::from_static("/"))
        });
        match HeaderValue::from_str(origin) {
            Ok(origin_value) if is_origin && !origin.ends_with('/') => {
                Ok(Self { origin: origin_value })
            }
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "an origin is a scheme, a host and a port, such as http://localhost:8080",
            )),
        }
    }

    /// The answer, if this request is a browser's question whether the real one may come.
    pub(crate) fn preflight<B: Default>(&self, request: &Parts) -> Option<Response<B>> {
        let asks = &request.headers;
        if request.method != Method::OPTIONS
            || !asks.contains_key(ORIGIN)
            || !asks.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        {
            return None;
        }
        let mut response = Response::new(B::default());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        let methods = HeaderValue::from_static("DELETE, GET, PATCH, POST, PUT");
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, methods);
        if let Some(wanted) = asks.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        }
        headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        self.allow(headers);
        Some(response)
    }

    /// Lets the page read this answer.
    pub(crate) fn allow(&self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.origin.clone());
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
        headers.append(VARY, HeaderValue::from_static("Origin"));
    }
}
