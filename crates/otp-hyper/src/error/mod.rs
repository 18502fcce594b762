//! What failed, and whether the request can have left, from the errors of hyper, rustls and the system.

mod cause;
mod connecting;
mod exchange;
mod find;
mod refused;
mod runtime;
mod setting;
mod tls;

#[cfg(unix)]
pub(crate) use cause::NoSocket;
pub(crate) use cause::{
    End, Flood, NoneConnected, NotResolved, ProxyFailed, SpeaksTls, Unreached, Unusable,
};
pub(crate) use connecting::{
    again, no_http2, no_origin, of_connecting, of_starting_http2, too_slow,
};
pub(crate) use exchange::{
    end_of, flood, large_head, no_body, no_head, no_time_to_send, not_taken, of_exchange,
    of_handing_over, of_http2,
};
pub(crate) use find::is_closing;
pub(crate) use refused::Refused;
pub(crate) use runtime::{connector_ended, no_runtime, no_timer, runtime_ended};
pub(crate) use setting::invalid_input;
