//! A subscriber that writes every span and event, for targets that have one made per run.

use std::io::{self, Write};

use tracing_subscriber::fmt::format::FmtSpan;

/// Runs this with all telemetry written out, to a log that must hold none of these canaries.
pub fn traced<T>(canaries: &'static [&'static str], act: impl FnOnce() -> T) -> T {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(FmtSpan::CLOSE)
        .with_writer(move || Watched(canaries))
        .finish();
    tracing::subscriber::with_default(subscriber, act)
}

struct Watched(&'static [&'static str]);

impl Write for Watched {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line).to_lowercase();
        assert!(!self.0.iter().any(|canary| text.contains(canary)), "{text}");
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
