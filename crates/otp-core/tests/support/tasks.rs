//! Futures that run only when they were woken, so a lost wake-up shows.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

struct Task<'t, T> {
    future: Option<Pin<Box<dyn Future<Output = T> + 't>>>,
    woken: Arc<Flag>,
    value: Option<T>,
}

/// Futures, run on this thread in the order in which they came.
pub struct Tasks<'t, T>(Vec<Task<'t, T>>);

impl<'t, T> Tasks<'t, T> {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds a future, which is polled at the next [`run`](Self::run). Gives its number.
    pub fn add(&mut self, future: impl Future<Output = T> + 't) -> usize {
        let woken = Arc::new(Flag(AtomicBool::new(true)));
        self.0.push(Task { future: Some(Box::pin(future)), woken, value: None });
        self.0.len() - 1
    }

    /// Polls the woken ones until none is left.
    pub fn run(&mut self) {
        while (0..self.0.len()).filter(|number| self.poll(*number)).count() > 0 {}
    }

    /// Polls one of them if it was woken, and says whether it was.
    pub fn poll(&mut self, number: usize) -> bool {
        let task = &mut self.0[number];
        let Some(future) = &mut task.future else { return false };
        if !task.woken.0.swap(false, Ordering::SeqCst) {
            return false;
        }
        let waker = Waker::from(Arc::clone(&task.woken));
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            (task.future, task.value) = (None, Some(value));
        }
        true
    }

    /// Drops one of them.
    pub fn give_up(&mut self, number: usize) {
        self.0[number].future = None;
    }

    pub fn is_running(&self, number: usize) -> bool {
        self.0[number].future.is_some()
    }

    pub fn value(&mut self, number: usize) -> Option<T> {
        self.0[number].value.take()
    }
}

/// Lets futures through, as many as are released.
#[derive(Default)]
pub struct Gate(Mutex<(usize, Vec<Waker>)>);

impl Gate {
    pub fn release(&self, count: usize) {
        let mut gate = self.0.lock().unwrap();
        gate.0 += count;
        let waiting = std::mem::take(&mut gate.1);
        drop(gate);
        waiting.into_iter().for_each(Waker::wake);
    }

    pub async fn pass(&self) {
        std::future::poll_fn(|cx| {
            let mut gate = self.0.lock().unwrap();
            if let Some(left) = gate.0.checked_sub(1) {
                gate.0 = left;
                return Poll::Ready(());
            }
            gate.1.push(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
