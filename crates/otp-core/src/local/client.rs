use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::{Credentials, TokenProvider, Transport};
use crate::client::{Flavour, client};
use crate::credentials::{ProviderError, Source, TokenRequest};
use crate::{
    Answer, AuthToken, Call, ClientBuilder, ClientConfig, Error, Exchange, Operation, Request,
    Response, TransportError,
};

client! {
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
    [async] Rc,
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
