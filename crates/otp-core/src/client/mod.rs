//! The client: a transport, a configuration, and the loop that drives an exchange.

mod answer;
mod builder;
mod call;
mod config;
mod metadata;

pub use answer::Answer;
pub use builder::ClientBuilder;
pub(crate) use builder::{Assemble, sealed};
pub use call::Call;
pub use config::ClientConfig;
pub(crate) use metadata::{Announcements, announcements};
pub use metadata::{Deprecation, Metadata, RateLimit};

use std::fmt;
use std::sync::Arc;

use crate::{AuthToken, Error, Exchange, Operation, Step, Transport};

/// The client of the OTP service, over any [`Transport`].
///
/// It implements [`OtpsApi`](crate::OtpsApi), which answers plain values. For the options of one call and
/// the metadata of its response, there is [`call`](Self::call).
///
/// Cloning is cheap. Clones share the transport and the retry budget.
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
#[derive(Clone)]
pub struct OtpsClient {
    transport: Arc<dyn Transport>,
    config: ClientConfig,
}

impl OtpsClient {
    /// A client of the public service with default settings.
    pub fn new(transport: impl Transport + 'static, token: AuthToken) -> Self {
        Self { transport: Arc::new(transport), config: ClientConfig::new(token) }
    }

    /// Starts a client with settings of its own.
    pub fn builder(
        transport: impl Transport + 'static,
        token: AuthToken,
    ) -> ClientBuilder<OtpsClient> {
        let transport: Arc<dyn Transport> = Arc::new(transport);
        ClientBuilder::new(transport, token)
    }

    /// A client that acts for another user or session: it shares everything with this one except the
    /// token. It is as cheap as a clone.
    #[must_use]
    pub fn with_token(&self, token: AuthToken) -> Self {
        Self { transport: Arc::clone(&self.transport), config: self.config.with_token(token) }
    }

    /// Starts a call of an operation, one of [`operation`](crate::operation)'s or your own.
    pub fn call<O: Operation>(&self, operation: O) -> Call<'_, OtpsClient, O> {
        Call::new(self, operation, self.config.defaults().clone())
    }

    /// Everything about this client except its transport.
    pub fn config(&self) -> &ClientConfig {
        &self.config
    }
}

impl<O: Operation> Call<'_, OtpsClient, O> {
    /// Makes the call.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind) for what can happen and
    /// [`Error::effect`] for what it means.
    ///
    /// # Cancellation
    ///
    /// A dropped future counts as [`Effect::Unknown`](crate::Effect::Unknown) once it has been polled.
    pub async fn send(self) -> Result<Answer<O::Output>, Error> {
        let transport = &*self.client.transport;
        let mut exchange =
            Exchange::new(&self.client.config, self.operation, self.options, transport.now());
        loop {
            match exchange.next(transport.now()) {
                Step::Send(request) => {
                    let sending = transport.send(request);
                    #[cfg(feature = "tracing")]
                    let sending = tracing::Instrument::instrument(sending, exchange.span().clone());
                    let outcome = sending.await;
                    exchange.received(outcome, transport.now());
                }
                Step::Wait(duration) => transport.sleep(duration).await,
                Step::Done(result) => return result,
            }
        }
    }
}

impl sealed::Sealed for OtpsClient {}

impl Assemble for OtpsClient {
    type Transport = Arc<dyn Transport>;
    fn assemble(transport: Self::Transport, config: ClientConfig) -> Self {
        Self { transport, config }
    }
}

impl fmt::Debug for OtpsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtpsClient").field("config", &self.config).finish_non_exhaustive()
    }
}
