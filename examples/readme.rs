//! Compiles and runs the snippets of the project's README.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
