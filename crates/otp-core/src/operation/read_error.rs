use std::borrow::Cow;

/// Why an [operation](crate::Operation) does not take a response with a `2xx` status.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReadError {
    /// The operation has no such success status.
    UnexpectedStatus,
    /// The response is none of the service's: a captive portal or a proxy answered. What the server did is
    /// unknown, whatever the status says. The reason completes "the answer cannot be read: …". It must not
    /// repeat anything of the body.
    NotFromService(Cow<'static, str>),
    /// The body cannot be read: the reason completes "the answer cannot be read: …". It must not
    /// repeat anything of the body, which may hold secrets.
    Decode(Cow<'static, str>),
}

impl ReadError {
    /// A [`Decode`](Self::Decode) for this reason.
    pub fn decode(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Decode(reason.into())
    }

    /// A [`NotFromService`](Self::NotFromService) for this reason.
    pub fn not_from_service(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::NotFromService(reason.into())
    }
}
