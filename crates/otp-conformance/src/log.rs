//! Hears everything that is logged in this process while somebody listens.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

static LISTENERS: AtomicUsize = AtomicUsize::new(0);
static HEARD: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Whether this process had no subscriber of its own, so that ours is there now.
static INSTALLED: LazyLock<bool> = LazyLock::new(|| {
    let everything = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_writer(Heard)
        .with_filter(dynamic_filter_fn(|_, _| LISTENERS.load(Ordering::SeqCst) > 0));
    tracing_subscriber::registry().with(everything).try_init().is_ok()
});

/// Whether anything can be heard.
pub(crate) fn is_installed() -> bool {
    *INSTALLED
}

/// Hears until it is dropped.
pub(crate) struct Listening {
    from: usize,
}

pub(crate) fn listen() -> Listening {
    let _ = is_installed();
    LISTENERS.fetch_add(1, Ordering::SeqCst);
    Listening { from: HEARD.lock().unwrap_or_else(PoisonError::into_inner).len() }
}

impl Listening {
    /// What was logged since it began, by anybody.
    pub(crate) fn lines(&self) -> Vec<String> {
        let heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
        let own = heard.get(self.from..).unwrap_or_default();
        String::from_utf8_lossy(own).lines().map(str::to_owned).collect()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut heard = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
        if LISTENERS.fetch_sub(1, Ordering::SeqCst) == 1 {
            heard.clear();
        }
    }
}

struct Heard;

impl io::Write for Heard {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        HEARD.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Heard {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        Self
    }
}
