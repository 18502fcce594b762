//! The cases, a file for each clause.

pub(crate) mod afterwards;
pub(crate) mod cancellable;
pub(crate) mod clock;
pub(crate) mod concurrent;
pub(crate) mod discreet;
pub(crate) mod honest;
pub(crate) mod in_bounds;
pub(crate) mod in_time;
pub(crate) mod limits;
pub(crate) mod never_again;
pub(crate) mod one_request;
pub(crate) mod origins;
pub(crate) mod received;
pub(crate) mod resources;
pub(crate) mod responses;
pub(crate) mod unchanged;
pub(crate) mod unsent;
