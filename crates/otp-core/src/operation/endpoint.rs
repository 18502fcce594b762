use http::{Method, StatusCode};

/// What is fixed about an [operation](crate::Operation): it names the operation in errors and spans, and
/// tells the [exchange](crate::exchange) what may be repeated and what an answer proves.
///
/// ```
/// use otp_core::Endpoint;
/// use otp_core::http::StatusCode;
///
/// const ENDPOINT: &Endpoint = &Endpoint::post("enable_tfa_app", "/user/otp/app")
///     .acknowledged_by(&[StatusCode::OK])
///     .if_unknown("read the user's two-factor settings before you repeat it");
///
/// assert!(!ENDPOINT.is_idempotent());
/// ```
#[derive(Debug)]
pub struct Endpoint {
    name: &'static str,
    method: Method,
    path_template: &'static str,
    idempotent: bool,
    acknowledged_by: &'static [StatusCode],
    if_unknown: &'static str,
    if_applied: &'static str,
    if_bad_request: &'static str,
}

impl Endpoint {
    const fn new(
        name: &'static str,
        method: Method,
        path_template: &'static str,
        idempotent: bool,
    ) -> Self {
        let advice = if idempotent {
            "it is safe to repeat"
        } else {
            "find out what the server did before you repeat it"
        };
        Self {
            name,
            method,
            path_template,
            idempotent,
            acknowledged_by: &[],
            if_unknown: advice,
            if_applied: advice,
            if_bad_request: "correct the request",
        }
    }

    /// An endpoint that is read by `GET`: safe, so it may be repeated (RFC 9110 §9.2.1).
    ///
    /// `path_template` starts with a slash and has its parameters in braces:
    /// `/user/otp/verify/{otp}`.
    pub const fn get(name: &'static str, path_template: &'static str) -> Self {
        Self::new(name, Method::GET, path_template, true)
    }

    /// An endpoint that acts by `POST`: not to be repeated unless [`idempotent`](Self::idempotent)
    /// says so.
    pub const fn post(name: &'static str, path_template: &'static str) -> Self {
        Self::new(name, Method::POST, path_template, false)
    }

    /// An endpoint that sets by `PUT`: idempotent (RFC 9110 §9.2.2).
    pub const fn put(name: &'static str, path_template: &'static str) -> Self {
        Self::new(name, Method::PUT, path_template, true)
    }

    /// An endpoint that changes by `PATCH`: not to be repeated unless [`idempotent`](Self::idempotent)
    /// says so.
    pub const fn patch(name: &'static str, path_template: &'static str) -> Self {
        Self::new(name, Method::PATCH, path_template, false)
    }

    /// An endpoint that removes by `DELETE`: idempotent (RFC 9110 §9.2.2).
    pub const fn delete(name: &'static str, path_template: &'static str) -> Self {
        Self::new(name, Method::DELETE, path_template, true)
    }

    /// Overrides what the method says: whether the server may receive it twice without harm.
    #[must_use]
    pub const fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// The statuses that alone prove that the server acted, even if the rest of the response is lost.
    #[must_use]
    pub const fn acknowledged_by(mut self, statuses: &'static [StatusCode]) -> Self {
        self.acknowledged_by = statuses;
        self
    }

    /// What a caller should do when the server may have acted: the end of a sentence.
    #[must_use]
    pub const fn if_unknown(mut self, advice: &'static str) -> Self {
        self.if_unknown = advice;
        self
    }

    /// What a caller should do when the server did act and its answer was lost: the end of a sentence.
    #[must_use]
    pub const fn if_applied(mut self, advice: &'static str) -> Self {
        self.if_applied = advice;
        self
    }

    /// What a caller should do about a `400`: the end of a sentence.
    #[must_use]
    pub const fn if_bad_request(mut self, advice: &'static str) -> Self {
        self.if_bad_request = advice;
        self
    }

    /// The operation's name, such as `find_ensure_otp`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The method of its request.
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The path after the base URL, with parameters in braces.
    pub const fn path_template(&self) -> &'static str {
        self.path_template
    }

    /// Whether the server may receive it twice without harm.
    pub const fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    /// Whether a response with this status proves that the server acted.
    pub fn is_acknowledged_by(&self, status: StatusCode) -> bool {
        self.acknowledged_by.contains(&status)
    }

    pub(crate) const fn advice_if_unknown(&self) -> &'static str {
        self.if_unknown
    }

    pub(crate) const fn advice_if_applied(&self) -> &'static str {
        self.if_applied
    }

    pub(crate) const fn advice_if_bad_request(&self) -> &'static str {
        self.if_bad_request
    }
}
