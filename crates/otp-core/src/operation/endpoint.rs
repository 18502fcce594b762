use std::time::Duration;

use http::{Method, StatusCode};

use super::AuthScheme;

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
    if_status: &'static [(StatusCode, &'static str)],
    answers: &'static [StatusCode],
    declined_by: &'static [StatusCode],
    accept: &'static str,
    auth_scheme: AuthScheme,
    timeout: Option<Duration>,
    attempt_timeout: Option<Duration>,
}

impl Endpoint {
    /// The media type that is accepted by default.
    pub(crate) const JSON: &'static str = "application/json";

    const fn new(
        name: &'static str,
        method: Method,
        path_template: &'static str,
        idempotent: bool,
    ) -> Self {
        check_path_template(path_template);
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
            if_status: &[],
            answers: &[],
            declined_by: &[],
            accept: Self::JSON,
            auth_scheme: AuthScheme::XAuthToken,
            timeout: None,
            attempt_timeout: None,
        }
    }

    /// An endpoint that is read by `GET`: safe, so it may be repeated (RFC 9110 §9.2.1).
    ///
    /// `path_template` starts with a slash, has its parameters in braces, `/user/otp/verify/{otp}`, and no query.
    ///
    /// # Panics
    ///
    /// In a constant, at compile time: if it does not. So do the other constructors.
    ///
    /// ```compile_fail,E0080
    /// use otp_core::Endpoint;
    ///
    /// const PAGE: &Endpoint = &Endpoint::get("projects", "/projects?page=1");
    /// ```
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

    /// What a caller should do about these statuses: each the end of a sentence, in place of a general advice.
    ///
    /// ```
    /// use otp_core::Endpoint;
    /// use otp_core::http::StatusCode;
    ///
    /// const CREATE_KEY: &Endpoint = &Endpoint::post("create_key", "/user/api-keys")
    ///     .if_status(&[(StatusCode::UNPROCESSABLE_ENTITY, "choose another description")]);
    /// ```
    #[must_use]
    pub const fn if_status(mut self, advice: &'static [(StatusCode, &'static str)]) -> Self {
        self.if_status = advice;
        self
    }

    /// Statuses besides `2xx` that are an answer, which the operation reads: a `404` that means "none", a `304`.
    ///
    /// If such a response says that it is not what the endpoint [accepts](Self::accept), or is a page, somebody else
    /// answers, and it is the error that it usually is.
    ///
    /// # Panics
    ///
    /// In a constant, at compile time: if one is not `304` or a `4xx`, or is `401`, `407`, `408` or `429`, which have
    /// a meaning for the client.
    #[must_use]
    pub const fn answers(mut self, statuses: &'static [StatusCode]) -> Self {
        let mut rest = statuses;
        while let [status, others @ ..] = rest {
            assert!(
                matches!(status.as_u16(), 304 | 400 | 402..=406 | 409..=428 | 430..=499),
                "only 304 and 4xx can be answers, without 401, 407, 408 and 429"
            );
            rest = others;
        }
        self.answers = statuses;
        self
    }

    /// Statuses that say that the server did not act, although they leave that open in general, such as `409`: the
    /// error's effect is [`NotApplied`](crate::Effect::NotApplied).
    #[must_use]
    pub const fn declined_by(mut self, statuses: &'static [StatusCode]) -> Self {
        self.declined_by = statuses;
        self
    }

    /// The media types that the operation reads: the `Accept` header. The default is `application/json`.
    ///
    /// A success whose body says that it has another type is not from the service: a captive portal, for example. The
    /// call then fails with [`ErrorKind::Decode`](crate::ErrorKind::Decode), even if the operation does not look at
    /// the body. `*/*` takes every type.
    ///
    /// # Panics
    ///
    /// In a constant, at compile time: if it has other than visible ASCII characters and spaces.
    #[must_use]
    pub const fn accept(mut self, media_type: &'static str) -> Self {
        let mut rest = media_type.as_bytes();
        while let [byte, others @ ..] = rest {
            assert!(matches!(byte, b' '..=b'~'), "a media type has visible ASCII characters");
            rest = others;
        }
        self.accept = media_type;
        self
    }

    /// How a request carries its token. The default is `X-Auth-Token`.
    #[must_use]
    pub const fn auth(mut self, scheme: AuthScheme) -> Self {
        self.auth_scheme = scheme;
        self
    }

    /// The timeout of a call, in place of the client's default: 1 ms to 1 h.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The timeout of each attempt, in place of the client's default: 1 ms to 1 h.
    #[must_use]
    pub const fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = Some(timeout);
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

    pub(crate) fn advice_if_status(&self, status: StatusCode) -> Option<&'static str> {
        self.if_status.iter().find(|(of, _)| *of == status).map(|(_, advice)| *advice)
    }

    pub(crate) fn is_answer(&self, status: StatusCode) -> bool {
        self.answers.contains(&status)
    }

    pub(crate) fn is_declined_by(&self, status: StatusCode) -> bool {
        self.declined_by.contains(&status)
    }

    /// The media type that the operation reads.
    pub const fn accepted_type(&self) -> &'static str {
        self.accept
    }

    /// How a request carries its token.
    pub const fn auth_scheme(&self) -> AuthScheme {
        self.auth_scheme
    }

    pub(crate) const fn timeouts(&self) -> (Option<Duration>, Option<Duration>) {
        (self.timeout, self.attempt_timeout)
    }
}

/// A template is also what telemetry shows, so it has no query.
const fn check_path_template(template: &str) {
    let bytes = template.as_bytes();
    assert!(!bytes.is_empty() && bytes[0] == b'/', "a path template begins with a slash");
    let (mut at, mut within) = (0, false);
    while at < bytes.len() {
        assert!(
            bytes[at] != b'?' && bytes[at] != b'#',
            "a path template has no query: use RequestDraft::query"
        );
        match bytes[at] {
            b'{' => {
                assert!(!within, "a parameter of a path template is a name in braces");
                within = true;
            }
            b'}' => {
                assert!(within, "a parameter of a path template is a name in braces");
                within = false;
            }
            byte => assert!(
                byte.is_ascii_graphic(),
                "a path template has visible ASCII characters: percent-encode the others"
            ),
        }
        at += 1;
    }
    assert!(!within, "a parameter of a path template is a name in braces");
}
