//! What a broken transport is, and where it is tried.

use std::fmt;

use otp_conformance::{Case, Kit};

/// A broken transport: it keeps every promise but one.
#[derive(Clone, Copy)]
pub struct Broken {
    /// What is wrong with it.
    pub what: &'static str,
    /// The case that must see it.
    pub case: Case,
    /// Where it must be seen.
    pub on: &'static [(Over, Flavour)],
}

/// A broken transport on one wire, in one flavour.
#[derive(Clone, Copy)]
pub struct Proof {
    pub broken: Broken,
    pub over: Over,
    pub flavour: Flavour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    Tls,
    Clear,
    Http2,
    Http2Clear,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    Async,
    Local,
    Blocking,
}

/// In each flavour, on one of the wires: what a flavour and a wire have to do with each other is nothing.
pub const EVERYWHERE: &[(Over, Flavour)] =
    &[(Over::Tls, Flavour::Async), (Over::Tls, Flavour::Blocking), (Over::Clear, Flavour::Local)];

/// In each flavour, for what TLS has to do with.
pub const OVER_TLS: &[(Over, Flavour)] =
    &[(Over::Tls, Flavour::Async), (Over::Tls, Flavour::Local), (Over::Tls, Flavour::Blocking)];

impl Over {
    pub fn kit(self) -> Kit {
        match self {
            Self::Tls => Kit::new(),
            Self::Clear => Kit::new().in_the_clear(),
            Self::Http2 => Kit::new().http2(),
            Self::Http2Clear => Kit::new().http2().in_the_clear(),
        }
    }
}

impl Over {
    pub fn is_http2(self) -> bool {
        matches!(self, Self::Http2 | Self::Http2Clear)
    }
}

impl Broken {
    /// It, wherever it must be seen.
    pub fn proofs(self) -> impl Iterator<Item = Proof> {
        self.on.iter().map(move |(over, flavour)| Proof {
            broken: self,
            over: *over,
            flavour: *flavour,
        })
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({:?}, {:?})", self.broken.what, self.over, self.flavour)
    }
}
