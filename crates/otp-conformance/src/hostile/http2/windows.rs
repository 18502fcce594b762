//! Flow control (RFC 9113 §5.2): what may still be sent, in one direction.

use std::collections::HashMap;

/// Before any SETTINGS, and of every connection (RFC 9113 §6.9.2).
const INITIAL: i64 = 65_535;

/// The windows of a connection and of its streams. A window may be negative (RFC 9113 §6.9.2).
#[derive(Debug)]
pub(super) struct Windows {
    connection: i64,
    initial: i64,
    streams: HashMap<u32, i64>,
}

impl Default for Windows {
    fn default() -> Self {
        Self { connection: INITIAL, initial: INITIAL, streams: HashMap::new() }
    }
}

impl Windows {
    pub(super) fn open(&mut self, stream: u32) {
        self.streams.insert(stream, self.initial);
    }

    pub(super) fn close(&mut self, stream: u32) {
        self.streams.remove(&stream);
    }

    /// A new `SETTINGS_INITIAL_WINDOW_SIZE`, which changes the windows of open streams too.
    pub(super) fn set_initial(&mut self, bytes: u32) {
        let change = i64::from(bytes) - self.initial;
        self.initial += change;
        self.streams.values_mut().for_each(|window| *window += change);
    }

    /// A `WINDOW_UPDATE`; stream 0 is the connection.
    pub(super) fn add(&mut self, stream: u32, bytes: u32) {
        match self.streams.get_mut(&stream) {
            Some(window) => *window += i64::from(bytes),
            None if stream == 0 => self.connection += i64::from(bytes),
            None => {}
        }
    }

    /// How much of this may be sent.
    pub(super) fn left(&self, stream: u32) -> usize {
        let own = self.streams.get(&stream).copied().unwrap_or(0);
        usize::try_from(own.min(self.connection)).unwrap_or(0)
    }

    /// Takes so much away; `false` if it was not there.
    pub(super) fn take(&mut self, stream: u32, bytes: usize) -> bool {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let own = self.streams.get_mut(&stream);
        let own = own.is_none_or(|window| {
            *window -= bytes;
            *window >= 0
        });
        self.connection -= bytes;
        (own && self.connection >= 0) || bytes == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_of_two_windows_counts_and_settings_change_open_streams() {
        let mut windows = Windows::default();
        windows.open(1);
        assert_eq!((windows.left(1), windows.left(3)), (65_535, 0));
        assert!(windows.take(1, 60_000));
        windows.set_initial(10_000);
        // The stream's is now 10,000 - 60,000.
        assert_eq!(windows.left(1), 0);
        assert!(windows.take(1, 0) && !windows.take(1, 1));
        windows.add(1, 60_000);
        assert_eq!(windows.left(1), 5_534);
        windows.add(0, 100_000);
        assert_eq!(windows.left(1), 9_999);
        windows.close(1);
        assert_eq!(windows.left(1), 0);
    }
}
