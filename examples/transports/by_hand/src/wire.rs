//! A stream that never blocks, with a deadline.

use std::io;
use std::time::Instant;

use otp_core::{TransportError, TransportErrorKind};

use crate::{Stream, executor};

/// How much is read at once.
const PIECE: usize = 8 * 1024;

pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    deadline: Instant,
    /// Whether the stream has taken a byte.
    taken: bool,
    received: Vec<u8>,
}

impl Wire {
    pub(crate) fn new(stream: Box<dyn Stream>, deadline: Instant) -> Self {
        Self { stream, deadline, taken: false, received: Vec::new() }
    }

    /// Writes all of this. Until the stream has taken a byte, a failure is known to have sent nothing.
    pub(crate) async fn send(&mut self, mut bytes: &[u8]) -> Result<(), TransportError> {
        while !bytes.is_empty() {
            match self.when_ready(|stream| stream.write(bytes)).await {
                Ok(0) => return Err(self.unwritten(io::ErrorKind::WriteZero.into())),
                Ok(count) => {
                    self.taken = true;
                    bytes = &bytes[count..];
                }
                Err(error) => return Err(self.unwritten(error)),
            }
        }
        self.when_ready(|stream| stream.flush()).await.map_err(lost)
    }

    fn unwritten(&self, error: io::Error) -> TransportError {
        if self.taken {
            return lost(error);
        }
        TransportError::not_sent(kind(&error)).with_reason("nothing was written").with_source(error)
    }

    /// What was received and not yet consumed.
    pub(crate) fn received(&self) -> &[u8] {
        &self.received
    }

    /// The same, taken out.
    pub(crate) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.received)
    }

    /// Forgets the first so many bytes of it.
    pub(crate) fn consume(&mut self, bytes: usize) {
        self.received.drain(..bytes);
    }

    /// Receives more; false if the other side has closed the connection.
    pub(crate) async fn receive(&mut self) -> Result<bool, TransportError> {
        let mut piece = [0; PIECE];
        let read = self.when_ready(|stream| stream.read(&mut piece)).await.map_err(lost)?;
        self.received.extend_from_slice(&piece[..read]);
        Ok(read > 0)
    }

    /// Receives more, which must come.
    pub(crate) async fn receive_more(&mut self) -> Result<(), TransportError> {
        match self.receive().await? {
            true => Ok(()),
            false => Err(lost(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    /// Tries this until it need not wait, or the time is up.
    async fn when_ready<T>(
        &mut self,
        mut attempt: impl FnMut(&mut dyn Stream) -> io::Result<T>,
    ) -> io::Result<T> {
        while Instant::now() < self.deadline {
            match attempt(&mut *self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    executor::give_way().await;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }
}

fn lost(error: io::Error) -> TransportError {
    TransportError::unknown(kind(&error)).with_reason(error.kind().to_string()).with_source(error)
}

fn kind(error: &io::Error) -> TransportErrorKind {
    match error.kind() {
        io::ErrorKind::TimedOut => TransportErrorKind::Timeout,
        _ => TransportErrorKind::ConnectionLost,
    }
}
