//! The system's ways to say that it is time to stop.

use std::io;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use tokio::runtime;

/// Tells of the first signal. A second one ends the program at once, whatever it is doing, after `clean_up`.
///
/// # Errors
///
/// If the system gives no thread or takes no handler.
pub(crate) fn watch(clean_up: fn()) -> io::Result<Receiver<io::Result<()>>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    // Before anything else, so that none is missed.
    let mut signals = runtime.block_on(async { Signals::new() })?;
    let (tell, told) = mpsc::channel();
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(async {
            let _ = tell.send(signals.next().await);
            if signals.next().await.is_ok() {
                clean_up();
                std::process::exit(1);
            }
        });
    })?;
    Ok(told)
}

/// SIGTERM, SIGINT and SIGQUIT, and SIGHUP unless the program was started to outlive its terminal.
#[cfg(unix)]
struct Signals(Vec<tokio::signal::unix::Signal>);

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let mut kinds = vec![SignalKind::terminate(), SignalKind::interrupt(), SignalKind::quit()];
        if !outlives_its_terminal() {
            kinds.push(SignalKind::hangup());
        }
        Ok(Self(kinds.into_iter().map(signal).collect::<io::Result<_>>()?))
    }

    async fn next(&mut self) -> io::Result<()> {
        std::future::poll_fn(|context| {
            let mut signals = self.0.iter_mut();
            match signals.any(|signal| signal.poll_recv(context).is_ready()) {
                true => std::task::Poll::Ready(Ok(())),
                false => std::task::Poll::Pending,
            }
        })
        .await
    }
}

/// Whether SIGHUP was ignored when the program started, as `nohup` does it. Only Linux tells.
#[cfg(unix)]
fn outlives_its_terminal() -> bool {
    const SIGHUP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & SIGHUP != 0)
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
