//! The cases, a file for each clause, and a folder for what only HTTP/2 has.

pub(crate) mod afterwards;
pub(crate) mod bodies;
pub(crate) mod bytes;
pub(crate) mod cancellable;
pub(crate) mod clock;
pub(crate) mod concurrent;
pub(crate) mod discreet;
pub(crate) mod each;
pub(crate) mod environment;
pub(crate) mod honest;
pub(crate) mod http2;
pub(crate) mod in_bounds;
pub(crate) mod in_time;
pub(crate) mod limits;
pub(crate) mod never_again;
pub(crate) mod one_request;
pub(crate) mod ordinary;
pub(crate) mod origins;
pub(crate) mod plain;
pub(crate) mod received;
pub(crate) mod resources;
pub(crate) mod responses;
pub(crate) mod unchanged;
pub(crate) mod unsent;
