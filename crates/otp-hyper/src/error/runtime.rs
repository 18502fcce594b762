//! What is wrong with the runtime, so that nothing was sent.

use otp_core::{TransportError, TransportErrorKind as Kind};

/// There is no runtime to send anything on.
pub(crate) fn no_runtime() -> TransportError {
    TransportError::not_sent(Kind::Other)
        .with_reason("it was called outside of a tokio runtime")
        .with_advice("call it inside of one that has I/O and time enabled")
}

/// The runtime cannot wait.
pub(crate) fn no_timer() -> TransportError {
    TransportError::not_sent(Kind::Other)
        .with_reason("the tokio runtime has no timer")
        .with_advice("build the runtime with 'enable_all'")
}

/// The runtime was shut down.
pub(crate) fn runtime_ended() -> TransportError {
    TransportError::not_sent(Kind::Other)
        .with_reason("the tokio runtime was shut down")
        .with_advice("call it inside of one that runs")
}

/// The connector panicked.
pub(crate) fn connector_ended() -> TransportError {
    TransportError::not_sent(Kind::Other).with_reason("the connector panicked").with_advice(
        "if the runtime has no I/O, build it with 'enable_all'; otherwise see the panic's message",
    )
}
