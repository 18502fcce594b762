//! A connection's state, and what its streams may do to it.

mod receive;
mod send;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};

use super::windows::Windows;
use crate::hostile::frames::{self, Frame};
use crate::hostile::served::Served;
use crate::hostile::{Ending, Fault, hpack};

/// The largest frame, unless a setting allows more (RFC 9113 §4.2).
const MAX_FRAME: usize = 0x4000;

/// What is to be written, in this order.
pub(super) enum Order {
    Write(Vec<u8>),
    /// The same, and from now on nothing but what streams write: a head is open.
    Hold(Vec<u8>),
    /// The same, and it is counted.
    Flood(Vec<u8>),
    End(Ending),
}

/// What waits to be written.
pub(super) struct Orders {
    streams: mpsc::Receiver<Order>,
    /// Acknowledgements and credit, which must not wait for a stream.
    control: mpsc::UnboundedReceiver<Vec<u8>>,
    held: bool,
}

impl Orders {
    pub(super) async fn next(&mut self) -> Order {
        let order = tokio::select! {
            biased;
            Some(bytes) = self.control.recv(), if !self.held => Order::Write(bytes),
            Some(order) = self.streams.recv() => order,
            // The link lives as long as the writer.
            else => Order::End(Ending::Close),
        };
        self.held |= matches!(order, Order::Hold(_));
        order
    }
}

pub(super) struct Link<'s> {
    served: &'s Served,
    streams: mpsc::Sender<Order>,
    control: mpsc::UnboundedSender<Vec<u8>>,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
pub(super) struct State {
    /// What we may send, and what the client may.
    out: Windows,
    into: Windows,
    /// The largest frame that the client takes, and that we take.
    max_out: usize,
    max_into: usize,
    /// How many streams the client may open; what is acknowledged counts.
    most_streams: Option<u32>,
    /// Settings that the client has not acknowledged.
    unacknowledged: VecDeque<&'static [(u16, u32)]>,
    acknowledged: usize,
    sent_settings: usize,
    pings: usize,
    pongs: usize,
    open: BTreeMap<u32, Stream>,
    highest: u32,
    /// The last stream that was pushed.
    promised: u32,
    /// The last stream of our GOAWAY.
    last: Option<u32>,
    decoder: hpack::Decoder,
    block: Option<Block>,
}

struct Stream {
    number: usize,
    marker: String,
    /// Whether its request is complete, or its answer.
    complete: bool,
    answered: bool,
    /// Whether the fault begins before the request is complete.
    is_early: bool,
    silent: bool,
    announced: Option<u64>,
    received: u64,
}

/// A field block that is arriving.
struct Block {
    stream: u32,
    end: bool,
    bytes: Vec<u8>,
}

impl State {
    pub(super) fn is_complete(&self, id: u32) -> bool {
        self.open.get(&id).is_none_or(|stream| stream.complete)
    }

    fn close(&mut self, id: u32) -> Option<Stream> {
        self.out.close(id);
        self.into.close(id);
        self.open.remove(&id)
    }

    /// What we have sent ends the stream, if this frame does.
    fn sent(&mut self, frame: &Frame) {
        let ends = matches!(frame.kind, frames::DATA | frames::HEADERS)
            && frame.flags & frames::END_STREAM != 0;
        if let Some(stream) = self.open.get_mut(&frame.stream).filter(|_| ends) {
            stream.answered = true;
            if stream.complete {
                self.close(frame.stream);
            }
        }
        if frame.kind == frames::RST_STREAM {
            self.close(frame.stream);
        }
    }
}

impl<'s> Link<'s> {
    pub(super) fn new(served: &'s Served) -> (Self, Orders) {
        let (streams, from_streams) = mpsc::channel(4);
        let (control, from_control) = mpsc::unbounded_channel();
        let state = State { max_out: MAX_FRAME, max_into: MAX_FRAME, ..State::default() };
        let state = Mutex::new(state);
        let link = Self { served, streams, control, state, changed: Notify::new() };
        let settings = match served.last() {
            Fault::With(settings, _) => settings,
            _ => &[][..],
        };
        link.announce(settings);
        link.control(&frames::settings_of(settings));
        (link, Orders { streams: from_streams, control: from_control, held: false })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn control(&self, frame: &Frame) {
        // Nobody reads it any more once the connection ends.
        let _ = self.control.send(frame.encode());
    }

    async fn order(&self, order: Order) {
        let _ = self.streams.send(order).await;
    }

    /// What a client has not heard of, and waits for in vain.
    pub(super) fn silent(&self) -> usize {
        self.state().open.values().filter(|stream| stream.silent).count()
    }

    /// The largest frame that the client takes.
    pub(super) fn max_frame(&self) -> usize {
        self.state().max_out
    }

    /// Nothing more comes on this stream.
    pub(super) fn is_silent(&self, id: u32) {
        if let Some(stream) = self.state().open.get_mut(&id) {
            stream.silent = true;
        }
    }

    pub(super) fn is_open(&self, id: u32) -> bool {
        self.state().open.contains_key(&id)
    }

    pub(super) fn marker(&self, id: u32) -> String {
        self.state().open.get(&id).map(|stream| stream.marker.clone()).unwrap_or_default()
    }
}
