//! The mocks that mockall makes, one set a flavour.

pub(crate) mod blocking;
pub(crate) mod local;
pub(crate) mod send;
