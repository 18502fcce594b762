//! The cases, a file for each clause.

pub(crate) mod cancellable;
pub(crate) mod clock;
pub(crate) mod concurrent;
pub(crate) mod discreet;
pub(crate) mod honest;
pub(crate) mod in_bounds;
pub(crate) mod in_time;
pub(crate) mod one_request;
pub(crate) mod plain;
pub(crate) mod responses;
pub(crate) mod unchanged;
