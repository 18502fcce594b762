use std::fmt;
use std::sync::Arc;

use otp_core::bytes::Bytes;
use otp_core::{AuthToken, Endpoint, http};
use percent_encoding::percent_decode_str;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::FakeOtps;
use super::service::Service;
use crate::Reply;

/// A request to a [route](FakeOtps::route), whose token is a user's. Its `Debug` shows the operation alone.
pub struct RouteRequest<'a> {
    pub(super) service: &'a Arc<Service>,
    pub(super) endpoint: &'static Endpoint,
    pub(super) http: &'a http::Request<Bytes>,
    pub(super) params: Vec<(&'static str, String)>,
    pub(super) user: &'a str,
    pub(super) token: &'a AuthToken,
}

impl<'a> RouteRequest<'a> {
    /// The endpoint of the route.
    pub fn endpoint(&self) -> &'static Endpoint {
        self.endpoint
    }

    /// A parameter of the path, decoded. Bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Panics
    ///
    /// If the path template has no parameter of this name.
    #[track_caller]
    #[allow(clippy::panic, reason = "a handler that asks for what is not there must fail its test")]
    pub fn param(&self, name: &str) -> &str {
        match self.params.iter().find(|(known, _)| *known == name) {
            Some((_, value)) => value,
            None => panic!("{} has no parameter {name:?}", self.endpoint.path_template()),
        }
    }

    /// The first query parameter of this name, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        self.query_pairs().into_iter().find_map(|(known, value)| (known == name).then_some(value))
    }

    /// All query parameters in their order, decoded as a form's (`+` is a space). One without `=` has an empty
    /// value.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        let pairs = self.http.uri().query().unwrap_or_default().split('&');
        let pairs = pairs.filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (form_decoded(name), form_decoded(value)))
            .collect()
    }

    /// The headers as they came, the token included.
    pub fn headers(&self) -> &'a http::HeaderMap {
        self.http.headers()
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// If it is not JSON, or does not have the fields of `T`: a `422` that says so, for the handler to return
    /// with `?`.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Reply> {
        serde_json::from_slice(self.http.body()).map_err(|error| {
            let why = format!("The body cannot be read: {error}");
            Reply::json(422, json!({ "errors": [why] }))
        })
    }

    /// The raw request.
    pub fn as_http(&self) -> &'a http::Request<Bytes> {
        self.http
    }

    /// The name of the user whose token it is.
    pub fn user(&self) -> &'a str {
        self.user
    }

    /// A handle on the service that acts for the user: for the service's [date](FakeOtps::date), the code
    /// that the user's app shows, or a call of an operation.
    pub fn fake(&self) -> FakeOtps {
        FakeOtps::of(Arc::clone(self.service), self.token.clone())
    }
}

pub(super) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn form_decoded(text: &str) -> String {
    decoded(&text.replace('+', " "))
}

impl fmt::Debug for RouteRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteRequest")
            .field("operation", &self.endpoint.name())
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
