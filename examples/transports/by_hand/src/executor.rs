//! Running a future on the thread that wants its result.

use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// How long to do nothing when nothing is ready.
const NAP: Duration = Duration::from_millis(1);

/// Runs this future to its end, on this thread and no other.
///
/// Since no waker can end a nap, it is for futures that give way rather than wait to be woken, such as a
/// client's over [`ByHand`](crate::ByHand).
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::sleep(NAP),
        }
    }
}

/// Lets others run, once: any executor polls again as soon as it has looked after them.
pub(crate) async fn give_way() {
    let mut given = false;
    poll_fn(|context| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
