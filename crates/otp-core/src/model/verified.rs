use crate::AuthToken;

/// The OTP was right, and it is used up.
///
/// It has no default: `unwrap_or_default` would make a login of any error.
///
/// ```compile_fail,E0277
/// fn default<T: Default>() {}
/// default::<otp_core::Verified>();
/// ```
///
/// The OpenAPI document says that verifying "gives back a session token", yet documents an empty `204`.
/// So a session token is here when the response carried one and only then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    session_token: Option<AuthToken>,
}

impl Verified {
    /// Verified, without a session token.
    #[allow(
        clippy::new_without_default,
        reason = "`unwrap_or_default` would make a login of any error"
    )]
    pub fn new() -> Self {
        Self { session_token: None }
    }

    /// The same, with the session token that the service gave back.
    pub fn with_session_token(self, token: AuthToken) -> Self {
        Self { session_token: Some(token) }
    }

    /// The session token, if the response carried one: in an `X-Auth-Token` header, or as the `token`
    /// of a JSON object. Use it with [`OtpsClient::with_token`](crate::OtpsClient::with_token); code that
    /// holds a `dyn OtpsApi` hands it to whoever made that.
    pub fn session_token(&self) -> Option<&AuthToken> {
        self.session_token.as_ref()
    }

    /// The session token by value.
    pub fn into_session_token(self) -> Option<AuthToken> {
        self.session_token
    }
}
