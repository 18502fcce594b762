//! Counts the copies of secrets that stay in a process's memory, by looking.
//!
//! A [subject](subjects) is a client in a process of its own. It makes the same eight calls as each other subject
//! and searches all of its writable memory after each. The [driver] starts the subjects and is their
//! server and their proxy, so that no copy of theirs is counted.
//!
//! What is searched for never stands in a subject's memory by the search itself: see [`masked`].
//!
//! Linux only: it reads `/proc/self/mem`.

#![cfg(target_os = "linux")]

pub mod driver;
pub mod masked;
pub mod scan;
pub mod subjects;
