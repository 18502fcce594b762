use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use http_body_util::Full;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Method, Request, Response, StatusCode};
use otp_core::bytes::Bytes;

/// Each with its type. Nothing else in the folder is handed out.
const FILES: [(&str, &str); 6] = [
    ("index.html", "text/html; charset=utf-8"),
    ("style.css", "text/css; charset=utf-8"),
    ("icon.svg", "image/svg+xml"),
    ("start.js", "text/javascript; charset=utf-8"),
    ("page.js", "text/javascript; charset=utf-8"),
    ("page_bg.wasm", "application/wasm"),
];

/// Nothing but the page's own files runs or loads. It may connect to what the client itself would
/// accept as a base URL.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; \
    img-src 'self'; connect-src 'self' https: http://127.0.0.1:* http://localhost:*; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'";

const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (CACHE_CONTROL, "no-store"),
    (REFERRER_POLICY, "no-referrer"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// What the server has to give, by path.
pub(crate) struct Files {
    host: String,
    by_path: HashMap<String, (&'static str, Bytes)>,
}

impl Files {
    pub(crate) fn new(folder: &Path, address: SocketAddr, config: String) -> io::Result<Self> {
        let mut by_path = HashMap::new();
        for (name, kind) in FILES {
            let bytes = std::fs::read(folder.join(name)).map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("no {name}: run `examples/browser/build-and-test --build` first"),
                )
            })?;
            by_path.insert(format!("/{name}"), (kind, Bytes::from(bytes)));
        }
        if let Some(index) = by_path.remove("/index.html") {
            by_path.insert("/".to_owned(), index);
        }
        by_path.insert("/config.json".to_owned(), ("application/json", config.into()));
        Ok(Self { host: address.to_string(), by_path })
    }

    pub(crate) fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::default());
        // A page elsewhere whose name was made to mean this machine must not read the token.
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
        if host != Some(self.host.as_str()) {
            *response.status_mut() = StatusCode::MISDIRECTED_REQUEST;
        } else if request.method() != Method::GET {
            *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        } else if let Some((kind, bytes)) = self.by_path.get(request.uri().path()) {
            *response.body_mut() = Full::new(bytes.clone());
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        } else {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        for (name, value) in HEADERS {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
