use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::run::Timer;
use super::{Credentials, TokenProvider, Transport};
use crate::client::{Flavour, client};
use crate::credentials::{ProviderError, Source, TokenRequest};
use crate::{
    Answer, AuthToken, Call, ClientBuilder, ClientConfig, Error, Exchange, Operation, Request,
    Response, TransportError,
};

client! {
    /// The client of the OTP service without any async: a call returns when it is over.
    ///
    /// It is [`OtpsClient`](crate::OtpsClient) for a thread that may wait, and behaves as that one does. It
    /// implements this module's [`OtpsApi`](super::OtpsApi). Cloning is cheap; clones share the transport
    /// and the retry budget, and may be used from several threads at once.
    ///
    /// ```
    /// use std::time::Duration;
    /// use otp_core::blocking::{OtpsApi, OtpsClient, Transport};
    /// use otp_core::operation::FindRecoveryCodes;
    /// use otp_core::{AuthToken, Error};
    ///
    /// fn codes(transport: impl Transport + 'static) -> Result<usize, Error> {
    ///     let client = OtpsClient::new(transport, AuthToken::new("your-api-key")?);
    ///
    ///     // A plain value …
    ///     let list = client.find_recovery_codes()?;
    ///
    ///     // … or the same with this call's own timeout and the response's metadata.
    ///     let answer = client.call(FindRecoveryCodes).timeout(Duration::from_secs(3)).send()?;
    ///     println!("request {:?}", answer.metadata.request_id());
    ///     Ok(list.len())
    /// }
    /// ```
    [] Arc,
    timer: |_client, duration| Timer::new(duration),
    send:
        /// Makes the call, and returns when it is over.
        ///
        /// # Errors
        ///
        /// See [`ErrorKind`](crate::ErrorKind) for what can happen and [`Error::effect`] for what it means.
}
