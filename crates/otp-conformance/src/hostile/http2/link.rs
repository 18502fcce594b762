//! A connection's state, and what its streams may do to it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use super::request;
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

    /// Takes a frame of the client's. Gives a stream that is due, and what to do to it.
    pub(super) fn take(&self, frame: Frame) -> Option<(u32, &'s Fault)> {
        let mut state = self.state();
        if frame.payload.len() > state.max_into {
            self.served.violation(format!("a frame of {} bytes", frame.payload.len()));
        }
        if state.block.is_some() && frame.kind != frames::CONTINUATION {
            self.served.violation("another frame within a field block");
        }
        let is_ack = frame.flags & frames::ACK != 0;
        let due = match frame.kind {
            frames::SETTINGS if is_ack => {
                self.acknowledged(&mut state);
                None
            }
            frames::SETTINGS => {
                for setting in frame.payload.chunks_exact(6) {
                    let value =
                        u32::from_be_bytes([setting[2], setting[3], setting[4], setting[5]]);
                    match u16::from_be_bytes([setting[0], setting[1]]) {
                        frames::INITIAL_WINDOW_SIZE => state.out.set_initial(value),
                        frames::MAX_FRAME_SIZE => state.max_out = value as usize,
                        _ => {}
                    }
                }
                self.control(&frames::settings_ack());
                None
            }
            frames::PING if is_ack => {
                state.pongs += 1;
                None
            }
            frames::PING => {
                self.control(&Frame { flags: frames::ACK, ..frame });
                None
            }
            frames::WINDOW_UPDATE => {
                state.out.add(frame.stream, number(&frame.payload));
                None
            }
            frames::RST_STREAM => {
                if state.close(frame.stream).is_some_and(|stream| stream.silent) {
                    self.served.abandoned(1);
                }
                None
            }
            frames::HEADERS => {
                let end = frame.flags & frames::END_STREAM != 0;
                let block = Block { stream: frame.stream, end, bytes: content(&frame) };
                self.block(&mut state, block, frame.flags & frames::END_HEADERS != 0)
            }
            frames::CONTINUATION => match state.block.take() {
                Some(mut block) => {
                    block.bytes.extend(&frame.payload);
                    self.block(&mut state, block, frame.flags & frames::END_HEADERS != 0)
                }
                None => None,
            },
            frames::DATA => self.upload(&mut state, &frame),
            _ => None,
        };
        drop(state);
        self.changed.notify_waiters();
        due
    }

    fn acknowledged(&self, state: &mut State) {
        let Some(settings) = state.unacknowledged.pop_front() else {
            return self.served.violation("an acknowledgement of nothing");
        };
        state.acknowledged += 1;
        for (setting, value) in settings {
            match *setting {
                frames::HEADER_TABLE_SIZE => state.decoder.set_most(*value as usize),
                frames::MAX_CONCURRENT_STREAMS => state.most_streams = Some(*value),
                frames::INITIAL_WINDOW_SIZE => state.into.set_initial(*value),
                frames::MAX_FRAME_SIZE => state.max_into = *value as usize,
                _ => {}
            }
        }
    }

    fn block(&self, state: &mut State, block: Block, is_whole: bool) -> Option<(u32, &'s Fault)> {
        if !is_whole {
            state.block = Some(block);
            return None;
        }
        let Block { stream: id, end, bytes } = block;
        let fields = match state.decoder.decode(&bytes) {
            Ok(fields) => fields,
            Err(hpack::Malformed(what)) => {
                self.served.violation(format!("a field block that does not decode: {what}"));
                return None;
            }
        };
        if state.open.contains_key(&id) {
            // Trailers.
            return if end { self.complete(state, id) } else { None };
        }
        if id % 2 == 0 || id <= state.highest {
            self.served.violation(format!("the stream {id} after {}", state.highest));
            return None;
        }
        state.highest = id;
        if state.last.is_some_and(|last| id > last) {
            return None;
        }
        if state.most_streams.is_some_and(|most| state.open.len() >= most as usize) {
            let most = state.most_streams.unwrap_or_default();
            self.served.violation(format!("more streams than {most}"));
        }
        let (received, wrong) = request::of(fields);
        for what in wrong {
            self.served.violation(what);
        }
        let marker = received.header("x-marker").unwrap_or_default().to_owned();
        let announced = received.header("content-length").and_then(|length| length.parse().ok());
        let (number, fault) = self.served.begin(received);
        let is_early = is_early(fault);
        state.open.insert(
            id,
            Stream {
                number,
                marker,
                complete: false,
                answered: false,
                is_early,
                silent: false,
                announced,
                received: 0,
            },
        );
        state.out.open(id);
        state.into.open(id);
        let complete = if end { self.complete(state, id) } else { None };
        if is_early { Some((id, fault)) } else { complete }
    }

    /// A request is complete: it is due, unless its fault has begun.
    fn complete(&self, state: &mut State, id: u32) -> Option<(u32, &'s Fault)> {
        let stream = state.open.get_mut(&id)?;
        stream.complete = true;
        if stream.announced.is_some_and(|length| length != stream.received) {
            self.served.violation("a content-length that is not the length of the body");
        }
        let (is_early, answered) = (stream.is_early, stream.answered);
        let number = stream.number;
        if answered {
            state.close(id);
        }
        (!is_early).then(|| (id, self.served.fault(number)))
    }

    fn upload(&self, state: &mut State, frame: &Frame) -> Option<(u32, &'s Fault)> {
        let (id, counted) = (frame.stream, frame.payload.len());
        if !state.into.take(id, counted) {
            self.served.violation("more data than the window allows");
        }
        let bytes = content(frame);
        let is_over = !state.open.contains_key(&id);
        let is_credited = match state.open.get_mut(&id) {
            Some(stream) => {
                stream.received += bytes.len() as u64;
                self.served.body(stream.number, &bytes);
                !stream.is_early
            }
            // It was reset, and the rest of its data was on the way.
            None => true,
        };
        let end = frame.flags & frames::END_STREAM != 0;
        let counted = u32::try_from(counted).unwrap_or(u32::MAX);
        if is_credited && counted > 0 {
            let credited = [0, id];
            for stream in credited.iter().take(if end || is_over { 1 } else { 2 }) {
                state.into.add(*stream, counted);
                self.control(&frames::window_update(*stream, counted));
            }
        }
        if end { self.complete(state, id) } else { None }
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

    /// Sends a frame that is not DATA, unless the stream is gone. A large head is sent in several frames.
    pub(super) async fn send(&self, frame: &Frame) {
        if frame.stream == 0 || self.is_open(frame.stream) {
            self.send_anyway(frame).await;
        }
    }

    /// Sends a frame, whatever the windows say.
    pub(super) async fn send_anyway(&self, frame: &Frame) {
        self.send_all(std::slice::from_ref(frame)).await;
    }

    /// Sends frames with nothing in between, whatever the windows say.
    pub(super) async fn send_all(&self, frames: &[Frame]) {
        let bytes = frames.iter().flat_map(|frame| self.bytes_of(frame)).collect();
        self.order(Order::Write(bytes)).await;
    }

    /// The bytes of a frame that is sent now. A large head is sent in several frames.
    fn bytes_of(&self, frame: &Frame) -> Vec<u8> {
        let max = {
            let mut state = self.state();
            state.sent(frame);
            if frame.kind == frames::DATA {
                state.out.take(frame.stream, frame.payload.len());
            }
            state.max_out
        };
        let mut bytes = Vec::new();
        let in_pieces = frame.kind == frames::HEADERS && frame.payload.len() > max;
        if in_pieces {
            let mut pieces = frame.payload.chunks(max).peekable();
            let mut kind = frames::HEADERS;
            let mut flags = frame.flags & frames::END_STREAM;
            while let Some(piece) = pieces.next() {
                if pieces.peek().is_none() {
                    flags |= frame.flags & frames::END_HEADERS;
                }
                bytes.extend(Frame::new(kind, flags, frame.stream, piece).encode());
                (kind, flags) = (frames::CONTINUATION, 0);
            }
        } else {
            bytes = frame.encode();
        }
        bytes
    }

    /// A push for a request like this one, and its answer.
    pub(super) fn push(&self, id: u32, body: &[u8]) -> Vec<Frame> {
        let (number, promised) = {
            let mut state = self.state();
            state.promised += 2;
            (state.open.get(&id).map_or(0, |stream| stream.number), state.promised)
        };
        let like = self.served.received(number);
        let (scheme, authority) = like.head.split_once(' ').unwrap_or_default();
        let request = [(":method", "GET"), (":scheme", scheme), (":authority", authority)];
        let path = frames::field(":path", &like.path);
        let fields = request.iter().flat_map(|(name, value)| frames::field(name, value));
        let block = promised.to_be_bytes().into_iter().chain(fields).chain(path);
        let block: Vec<u8> = block.collect();
        vec![
            Frame::new(frames::PUSH_PROMISE, frames::END_HEADERS, id, block),
            frames::headers(promised, 200, &[("cache-control", "max-age=60")], false),
            frames::data(promised, body, true),
        ]
    }

    /// Sends a head that is not complete. Nothing but more of it may follow.
    pub(super) async fn hold(&self, frame: &Frame) {
        self.order(Order::Hold(frame.encode())).await;
    }

    /// Sends this as fast as the client's windows allow. Gives up when the stream is gone.
    pub(super) async fn data(&self, id: u32, bytes: &[u8], end: bool) {
        self.within_windows(id, bytes, end, Order::Write).await;
    }

    /// The same, and it is counted; `false` when the stream is gone.
    pub(super) async fn flood_data(&self, id: u32, bytes: &[u8]) -> bool {
        self.within_windows(id, bytes, false, Order::Flood).await
    }

    async fn within_windows(
        &self,
        id: u32,
        bytes: &[u8],
        end: bool,
        order: fn(Vec<u8>) -> Order,
    ) -> bool {
        let mut rest = bytes;
        loop {
            let changed = self.changed.notified();
            let frame = {
                let mut state = self.state();
                if !state.open.contains_key(&id) {
                    return false;
                }
                let left = state.out.left(id).min(state.max_out).min(rest.len());
                if left > 0 || (rest.is_empty() && end) {
                    let (piece, others) = rest.split_at(left);
                    rest = others;
                    state.out.take(id, left);
                    let frame = frames::data(id, piece, end && rest.is_empty());
                    state.sent(&frame);
                    Some(frame)
                } else {
                    None
                }
            };
            match frame {
                Some(frame) => self.order(order(frame.encode())).await,
                None if rest.is_empty() => return true,
                None => changed.await,
            }
            if rest.is_empty() {
                return true;
            }
        }
    }

    /// This frame, for as long as the client stays.
    pub(super) async fn flood(&self, frame: &Frame) {
        let bytes = frame.encode();
        while self.streams.send(Order::Flood(bytes.clone())).await.is_ok() {}
    }

    pub(super) async fn end(&self, ending: Ending) {
        self.order(Order::End(ending)).await;
    }

    pub(super) async fn go_away(&self, last: u32, code: u32) {
        {
            let mut state = self.state();
            let above: Vec<_> = state.open.keys().copied().filter(|id| *id > last).collect();
            for id in above {
                state.close(id);
            }
            // A warning that names the highest of all is followed by another (RFC 9113 §6.8).
            let highest = state.highest;
            state.last = Some(last.min(highest));
        }
        self.order(Order::Write(frames::go_away(last, code).encode())).await;
    }

    fn announce(&self, settings: &'static [(u16, u32)]) -> usize {
        let mut state = self.state();
        state.unacknowledged.push_back(settings);
        state.sent_settings += 1;
        state.sent_settings
    }

    /// Sends settings; gives what holds once they are acknowledged.
    pub(super) async fn settings(
        &self,
        settings: &'static [(u16, u32)],
    ) -> impl Fn(&State) -> bool + use<> {
        let number = self.announce(settings);
        self.order(Order::Write(frames::settings_of(settings).encode())).await;
        move |state: &State| state.acknowledged >= number
    }

    /// Sends a PING; gives what holds once it is answered.
    pub(super) async fn ping(&self) -> impl Fn(&State) -> bool + use<> {
        let number = {
            let mut state = self.state();
            state.pings += 1;
            state.pings
        };
        self.order(Order::Write(frames::ping().encode())).await;
        move |state: &State| state.pongs >= number
    }

    /// Waits until this holds.
    pub(super) async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            if holds(&self.state()) {
                return;
            }
            changed.await;
        }
    }

    /// Waits until the server has received so many requests.
    pub(super) async fn requests(&self, count: usize, patience: Duration) {
        let enough = async {
            while self.served.log.requests.load(Ordering::SeqCst) < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let _ = tokio::time::timeout(patience, enough).await;
    }

    /// Lets the client send so much more; stream 0 is the connection.
    pub(super) fn credit(&self, stream: u32, bytes: u32) {
        if stream == 0 || self.is_open(stream) {
            self.state().into.add(stream, bytes);
            self.control(&frames::window_update(stream, bytes));
        }
    }
}

fn is_early(fault: &Fault) -> bool {
    match fault {
        Fault::Deaf | Fault::Early(_) | Fault::EarlyStream(_) => true,
        Fault::With(_, fault) => is_early(fault),
        _ => false,
    }
}

fn number(payload: &[u8]) -> u32 {
    let bytes = payload.get(..4).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, |bytes| u32::from_be_bytes(bytes) & 0x7fff_ffff)
}

/// What a DATA or HEADERS frame carries, without padding and priority.
fn content(frame: &Frame) -> Vec<u8> {
    let mut rest = &frame.payload[..];
    let mut padding = 0;
    if frame.flags & frames::PADDED != 0 {
        let (first, others) = rest.split_first().unwrap_or((&0, &[]));
        (padding, rest) = (usize::from(*first), others);
    }
    if frame.kind == frames::HEADERS && frame.flags & frames::WITH_PRIORITY != 0 {
        rest = rest.get(5..).unwrap_or_default();
    }
    rest[..rest.len().saturating_sub(padding)].to_vec()
}
