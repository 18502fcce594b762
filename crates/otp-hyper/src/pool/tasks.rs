//! The tasks of a place: one makes a connection, the other checks one. They report what became of it.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use otp_core::TransportError;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::connect::Connection;
use crate::{error, http2};

/// How long a connection that may be dead is waited for before another one is made.
const SUSPENSE: Duration = Duration::from_millis(250);

/// How long such a connection may take to answer a PING before it is given up.
const PING_TIMEOUT: Duration = Duration::from_secs(2);

/// What became of making a connection.
pub(super) enum Made {
    Ended(Result<Connection, TransportError>),
    /// Its runtime was shut down.
    NotInThisRuntime,
}

/// Makes a connection within this limit, unless it is given up. It also reports a connector that panics, and a
/// runtime that drops the task, even before it begins.
pub(super) fn make(
    connecting: impl Future<Output = Result<Connection, TransportError>> + Send,
    limit: Duration,
    mut given_up: oneshot::Receiver<Infallible>,
    report: impl FnOnce(Made) + Send,
) -> impl Future<Output = ()> + Send {
    let mut report = Report(Some(report));
    async move {
        let made = {
            let mut connecting = pin!(timeout(limit, connecting));
            poll_fn(|cx| match Pin::new(&mut given_up).poll(cx) {
                Poll::Ready(_) => Poll::Ready(None),
                Poll::Pending => connecting.as_mut().poll(cx).map(Some),
            })
            .await
        };
        let report = report.0.take();
        if let (Some(made), Some(report)) = (made, report) {
            report(Made::Ended(made.unwrap_or_else(|_| Err(error::too_slow()))));
        }
    }
}

struct Report<R: FnOnce(Made)>(Option<R>);

impl<R: FnOnce(Made)> Drop for Report<R> {
    fn drop(&mut self) {
        let Some(report) = self.0.take() else { return };
        report(if std::thread::panicking() {
            Made::Ended(Err(error::connector_ended()))
        } else {
            Made::NotInThisRuntime
        });
    }
}

/// What a check finds.
pub(super) enum Finding {
    Answers,
    /// It has not answered yet.
    IsSilent,
    IsDead,
}

/// Sends a PING.
pub(super) async fn check(connection: http2::Connection, report: impl Fn(Finding) + Send) {
    let mut ping = Box::pin(connection.ping());
    let mut answered = timeout(SUSPENSE, &mut ping).await;
    if answered.is_err() {
        report(Finding::IsSilent);
        answered = timeout(PING_TIMEOUT.saturating_sub(SUSPENSE), &mut ping).await;
    }
    report(match answered {
        Ok(true) => Finding::Answers,
        Ok(false) | Err(_) => Finding::IsDead,
    });
}
