//! The client: a transport, a configuration, and the loop that drives an exchange.

mod answer;
mod builder;
mod call;
mod config;
mod drive;
mod flavour;
mod metadata;
mod pages;

pub use answer::Answer;
pub use builder::ClientBuilder;
pub use call::Call;
pub use config::ClientConfig;
pub(crate) use config::TokenSource;
pub(crate) use drive::{Flavour, drive};
pub(crate) use flavour::{client, run};
pub(crate) use metadata::{Announcements, KeptHeaders, announcements};
pub use metadata::{Deprecation, Metadata, RateLimit};
pub use pages::{Paged, Pages};
pub(crate) use pages::{next_page, poll};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::credentials::{ProviderError, Source, TokenProvider, TokenRequest};
use crate::{
    AuthToken, Credentials, Error, Exchange, Operation, Request, Response, Transport,
    TransportError,
};

client! {
    /// The client of the OTP service, over any [`Transport`].
    ///
    /// It implements [`OtpsApi`](crate::OtpsApi), which answers plain values. For the options of one call and
    /// the metadata of its response, there is [`call`](Self::call).
    ///
    /// Cloning is cheap. Clones share the transport, the token and the retry budget.
    ///
    /// ```
    /// use std::time::Duration;
    /// use otp_core::operation::FindRecoveryCodes;
    /// use otp_core::{AuthToken, Error, OtpsApi, OtpsClient, Transport};
    ///
    /// async fn codes(transport: impl Transport + 'static) -> Result<usize, Error> {
    ///     let client = OtpsClient::new(transport, AuthToken::new("your-api-key")?);
    ///
    ///     // A plain value …
    ///     let list = client.find_recovery_codes().await?;
    ///
    ///     // … or the same with this call's own timeout and the response's metadata.
    ///     let answer = client.call(FindRecoveryCodes).timeout(Duration::from_secs(3)).send().await?;
    ///     if let Some(rate) = answer.metadata.rate_limit() {
    ///         println!("{:?} requests left", rate.remaining);
    ///     }
    ///     Ok(list.len())
    /// }
    /// ```
    ///
    /// # Cancellation
    ///
    /// Dropping the future of a call gives it up. Once it has been polled, whether the server acted is
    /// unknown, exactly as with [`Effect::Unknown`](crate::Effect::Unknown). A timeout is the better way
    /// to bound a call: it says how far the call got.
    [async] Arc,
    timer: |client, duration| client.transport.sleep(duration),
    send:
        /// Makes the call.
        ///
        /// # Errors
        ///
        /// See [`ErrorKind`](crate::ErrorKind) for what can happen and [`Error::effect`] for what it means.
        ///
        /// # Cancellation
        ///
        /// A dropped future counts as [`Effect::Unknown`](crate::Effect::Unknown) once it has been polled.
}
