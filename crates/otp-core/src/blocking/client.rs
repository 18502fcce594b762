use std::fmt;
use std::sync::Arc;

use super::Transport;
use crate::client::{Assemble, sealed};
use crate::{
    Answer, AuthToken, Call, ClientBuilder, ClientConfig, Error, Exchange, Operation, Step,
};

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
    /// Makes the call, and returns when it is over.
    ///
    /// # Errors
    ///
    /// See [`ErrorKind`](crate::ErrorKind) for what can happen and [`Error::effect`] for what it
    /// means.
    pub fn send(self) -> Result<Answer<O::Output>, Error> {
        let transport = &*self.client.transport;
        let mut exchange =
            Exchange::new(&self.client.config, self.operation, self.options, transport.now());
        loop {
            match exchange.next(transport.now()) {
                Step::Send(request) => {
                    let outcome = {
                        #[cfg(feature = "tracing")]
                        let _inside = exchange.span().enter();
                        transport.send(request)
                    };
                    exchange.received(outcome, transport.now());
                }
                Step::Wait(duration) => transport.sleep(duration),
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
