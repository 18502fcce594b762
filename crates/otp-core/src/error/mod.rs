//! The one error of this crate, and what it says.

mod attempt;
mod builder;
mod display;
mod effect;
mod kind;

pub use attempt::Attempt;
pub use builder::ErrorBuilder;
pub use effect::Effect;
pub use kind::ErrorKind;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::{HeaderName, StatusCode};
use secrecy::zeroize::Zeroizing;
use serde::de::DeserializeOwned;

use crate::client::KeptHeaders;
use crate::{Endpoint, RateLimit};

/// Why a call failed, and whether the server may have acted.
///
/// One type for all operations, one pointer wide. Ask it in this order:
///
/// 1. [`effect`](Self::effect): did the server act? [This table](Effect#what-to-do-after-each-effect) says
///    what to do next.
/// 2. [`kind`](Self::kind): what happened? It decides what to tell the user or the operator.
/// 3. its `Display`: one sentence with both and with what to do, fit for a log.
///
/// ```
/// use otp_core::{Effect, ErrorKind, OtpsApi};
///
/// async fn text_me(api: &dyn OtpsApi) -> String {
///     match api.receive_codes().await {
///         Err(error) if error.effect() == Effect::NotApplied => match error.retry_after() {
///             Some(wait) => format!("No SMS was sent. Try again in {} seconds.", wait.as_secs()),
///             None if error.kind() == ErrorKind::RateLimited => {
///                 "No SMS was sent. Try again later.".into()
///             }
///             None => format!("No SMS was sent: {error}"),
///         },
///         Err(error) if error.effect() == Effect::Unknown => {
///             "Look at your phone. If no SMS arrives, ask again.".into()
///         }
///         _ => "An SMS is on its way.".into(),
///     }
/// }
/// ```
///
/// # Secrets
///
/// Neither `Display` nor `Debug` shows a URL, the token, the OTP or a recovery code. The server's
/// messages are stripped of this request's secrets, in case it echoed them.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    effect: Effect,
    endpoint: Option<&'static Endpoint>,
    reason: Option<Cow<'static, str>>,
    advice: Option<&'static str>,
    note: Option<&'static str>,
    status: Option<StatusCode>,
    messages: Vec<String>,
    request_id: Option<String>,
    retry_after: Option<Duration>,
    rate_limit: Option<RateLimit>,
    headers: KeptHeaders,
    body: Option<Zeroizing<String>>,
    attempts: Vec<Attempt>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Starts an error of this kind, for an implementor of [`OtpsApi`](crate::OtpsApi) or a double.
    ///
    /// What is not set has the default that fits the kind: see [`ErrorBuilder`].
    pub fn builder(kind: ErrorKind) -> ErrorBuilder {
        ErrorBuilder::new(kind)
    }

    pub(crate) fn invalid_input(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::builder(ErrorKind::InvalidInput).reason(reason).build()
    }

    /// What happened.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the server acted, over all attempts of this call.
    pub fn effect(&self) -> Effect {
        self.0.effect
    }

    /// The name of the operation, such as `find_ensure_otp`; none if a value was refused when it was
    /// built.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.endpoint.map(Endpoint::name)
    }

    /// The operation's path template, such as `/user/otp/verify/{otp}`: fit for a metric's label.
    pub fn path_template(&self) -> Option<&'static str> {
        self.0.endpoint.map(Endpoint::path_template)
    }

    /// The status of the last answer, if a response head arrived.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The server's own messages, from `error` and `errors` of the body: at most 16, each at most 512
    /// bytes long, on one line, without this request's secrets.
    pub fn messages(&self) -> &[String] {
        &self.0.messages
    }

    /// The server's id of the request (`X-Request-Id`), for a support ticket.
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// How long the server asked to wait (`Retry-After`, RFC 9110 §10.2.3), at most a year.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The rate limit, if the response says any of it.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.0.rate_limit
    }

    /// The values of a header of the response that the call
    /// [was told to keep](crate::CallOptions::with_kept_header): each on one line, at most 2 KiB, without this
    /// request's secrets.
    pub fn header(&self, name: &HeaderName) -> impl Iterator<Item = &str> + use<'_> {
        self.0.headers.get(name)
    }

    /// A typed value from the body of the server's error, without this request's secrets.
    ///
    /// None if the status is a success, if the body is not a JSON object of at most 16 KiB, or if it does not have
    /// the fields of `T`.
    ///
    /// ```
    /// use otp_core::{Error, ErrorKind};
    /// use serde::Deserialize;
    ///
    /// #[derive(Deserialize)]
    /// struct Quota {
    ///     limit: u32,
    /// }
    ///
    /// fn explain(error: &Error) -> String {
    ///     match error.details::<Quota>() {
    ///         Some(Quota { limit }) => format!("You may have {limit} keys."),
    ///         None => error.to_string(),
    ///     }
    /// }
    ///
    /// let error = Error::builder(ErrorKind::Unprocessable).body(r#"{"limit": 5}"#.to_owned()).build();
    /// assert_eq!(explain(&error), "You may have 5 keys.");
    /// ```
    pub fn details<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_str(self.0.body.as_ref()?).ok()
    }

    /// The attempts of this call, all of them failed, in order.
    ///
    /// None if nothing was tried.
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }
}

impl std::error::Error for Error {
    /// What the transport reported, if it failed.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind())
            .field("effect", &self.effect())
            .field("operation", &self.operation())
            .field("reason", &self.0.reason)
            .field("advice", &self.0.advice)
            .field("status", &self.status())
            .field("messages", &self.messages())
            .field("request_id", &self.request_id())
            .field("retry_after", &self.retry_after())
            .field("attempts", &self.attempts())
            .field("source", &self.0.source)
            .finish()
    }
}
