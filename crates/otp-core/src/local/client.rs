use std::fmt;
use std::rc::Rc;

use super::Transport;
use crate::client::{Assemble, sealed};
use crate::{
    Answer, AuthToken, Call, ClientBuilder, ClientConfig, Error, Exchange, Operation, Step,
};

/// The client of the OTP service over a [`Transport`] that may stay on one thread.
///
/// It is [`OtpsClient`](crate::OtpsClient) without `Send` and `Sync`, and behaves as that one does. It
/// implements this module's [`OtpsApi`](super::OtpsApi). Cloning is cheap; clones share the transport
/// and the retry budget.
///
/// # Cancellation
///
/// As there: a dropped future counts as [`Effect::Unknown`](crate::Effect::Unknown) once it has been
/// polled.
#[derive(Clone)]
pub struct OtpsClient {
    transport: Rc<dyn Transport>,
    config: ClientConfig,
}

impl OtpsClient {
    /// A client of the public service with default settings.
    pub fn new(transport: impl Transport + 'static, token: AuthToken) -> Self {
        Self { transport: Rc::new(transport), config: ClientConfig::new(token) }
    }

    /// Starts a client with settings of its own.
    pub fn builder(
        transport: impl Transport + 'static,
        token: AuthToken,
    ) -> ClientBuilder<OtpsClient> {
        let transport: Rc<dyn Transport> = Rc::new(transport);
        ClientBuilder::new(transport, token)
    }

    /// A client that acts for another user or session: it shares everything with this one except the
    /// token. It is as cheap as a clone.
    #[must_use]
    pub fn with_token(&self, token: AuthToken) -> Self {
        Self { transport: Rc::clone(&self.transport), config: self.config.with_token(token) }
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
    /// See [`ErrorKind`](crate::ErrorKind) for what can happen and [`Error::effect`] for what it
    /// means.
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
    type Transport = Rc<dyn Transport>;
    fn assemble(transport: Self::Transport, config: ClientConfig) -> Self {
        Self { transport, config }
    }
}

impl fmt::Debug for OtpsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OtpsClient").field("config", &self.config).finish_non_exhaustive()
    }
}
