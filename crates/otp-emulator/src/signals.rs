//! The system's ways to say that it is time to stop.

use std::io;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use tokio::runtime;

/// Tells of the first signal; a second one ends the program at once, whatever it is doing.
///
/// # Errors
///
/// If the system gives no thread or takes no handler.
pub(crate) fn watch() -> io::Result<Receiver<io::Result<()>>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    // Before anything else, so that none is missed.
    let mut signals = runtime.block_on(async { Signals::new() })?;
    let (tell, told) = mpsc::channel();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            let _ = tell.send(signals.next().await);
            if signals.next().await.is_ok() {
                std::process::exit(1);
            }
        });
    })?;
    Ok(told)
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) -> io::Result<()> {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        Ok(())
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    #[allow(clippy::unnecessary_wraps, reason = "as where it can fail")]
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> io::Result<()> {
        tokio::signal::ctrl_c().await
    }
}
