//! What a flawed engine remembers from one call to the next.

use std::sync::{Arc, Mutex};

use otp_core::{Response, TransportError};
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;

use super::pool::{Connection, Origin};

pub struct Memory {
    pub first: Mutex<Option<Origin>>,
    pub last: Mutex<Option<Origin>>,
    /// Of the first request.
    pub host: Mutex<Option<String>>,
    pub alternative: Mutex<Option<u16>>,
    pub failures: Mutex<usize>,
    /// Without an answer in between.
    pub in_a_row: Mutex<usize>,
    pub retry_after: Mutex<Option<u16>>,
    pub sends: Mutex<usize>,
    pub late: Arc<Mutex<Vec<Result<Response, TransportError>>>>,
    pub permits: Semaphore,
    pub places: Semaphore,
    pub turn: tokio::sync::Mutex<()>,
    pub left: Mutex<Left>,
}

/// What is never given back.
#[derive(Default)]
pub struct Left {
    pub connections: Vec<Connection>,
    /// Leaked: given back to the allocator, they would hide what the next flaw of this kind keeps.
    pub bodies: Vec<&'static [u8]>,
    pub sockets: Vec<TcpSocket>,
}

impl Default for Memory {
    fn default() -> Self {
        Self {
            first: Mutex::default(),
            last: Mutex::default(),
            host: Mutex::default(),
            alternative: Mutex::default(),
            failures: Mutex::default(),
            in_a_row: Mutex::default(),
            retry_after: Mutex::default(),
            sends: Mutex::default(),
            late: Arc::default(),
            permits: Semaphore::new(6),
            places: Semaphore::new(100),
            turn: tokio::sync::Mutex::default(),
            left: Mutex::default(),
        }
    }
}
