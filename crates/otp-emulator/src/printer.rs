//! Standard output and standard error as they may be when another program started this one: unread or closed.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};
use std::thread;
use std::time::Duration;

use crate::escape;

/// How many lines wait until somebody reads them.
const WAITING: usize = 1000;

/// Prints lines from a thread of its own, so that nobody who has one to print ever waits. Lines that nobody
/// reads are left out beyond a bound, and their number is told later.
#[derive(Clone)]
pub(crate) struct Printer {
    entries: SyncSender<Entry>,
    left_out: Arc<AtomicU64>,
}

enum Entry {
    Line(String),
    /// Says when all before it was printed.
    Mark(Sender<()>),
}

impl Printer {
    /// # Errors
    ///
    /// If the system has no thread to give.
    pub(crate) fn start(stream: impl Write + Send + 'static) -> io::Result<Self> {
        let (entries, printed) = mpsc::sync_channel(WAITING);
        let printer = thread::Builder::new().name("printer".to_owned());
        printer.spawn(move || print_all(&printed, stream))?;
        Ok(Self { entries, left_out: Arc::default() })
    }

    /// Prints one line, with hidden characters escaped.
    pub(crate) fn line(&self, line: impl AsRef<str>) {
        let line = escape::text(line.as_ref());
        let left_out = self.left_out.swap(0, Ordering::Relaxed);
        let note = format!("left out: {left_out} lines, since nobody read them");
        if left_out > 0 && self.entries.try_send(Entry::Line(note)).is_err() {
            self.left_out.fetch_add(left_out, Ordering::Relaxed);
        }
        if self.entries.try_send(Entry::Line(line)).is_err() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until all is printed, but no longer than this.
    pub(crate) fn flush(&self, limit: Duration) {
        let (printed, all) = mpsc::channel();
        if self.entries.try_send(Entry::Mark(printed)).is_ok() {
            let _ = all.recv_timeout(limit);
        }
    }
}

fn print_all(entries: &Receiver<Entry>, mut stream: impl Write) {
    for entry in entries {
        // Where the stream is closed, there is nobody to tell.
        let _ = match entry {
            Entry::Line(line) => writeln!(stream, "{line}").and_then(|()| stream.flush()),
            Entry::Mark(printed) => printed.send(()).map_err(io::Error::other),
        };
    }
}
