//! What is sent to a client, and what is waited for.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Link, Order, State};
use crate::hostile::Ending;
use crate::hostile::frames::{self, Frame};

impl Link<'_> {
    /// Sends a frame that is not DATA, unless the stream is gone. A large head is sent in several frames.
    pub(in crate::hostile::http2) async fn send(&self, frame: &Frame) {
        if frame.stream == 0 || self.is_open(frame.stream) {
            self.send_anyway(frame).await;
        }
    }

    /// Sends a frame, whatever the windows say.
    pub(in crate::hostile::http2) async fn send_anyway(&self, frame: &Frame) {
        self.send_all(std::slice::from_ref(frame)).await;
    }

    /// Sends frames with nothing in between, whatever the windows say.
    pub(in crate::hostile::http2) async fn send_all(&self, frames: &[Frame]) {
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
    pub(in crate::hostile::http2) fn push(&self, id: u32, body: &[u8]) -> Vec<Frame> {
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
    pub(in crate::hostile::http2) async fn hold(&self, frame: &Frame) {
        self.order(Order::Hold(frame.encode())).await;
    }

    /// Sends this as fast as the client's windows allow. Gives up when the stream is gone.
    pub(in crate::hostile::http2) async fn data(&self, id: u32, bytes: &[u8], end: bool) {
        self.within_windows(id, bytes, end, Order::Write).await;
    }

    /// The same, and it is counted; `false` when the stream is gone.
    pub(in crate::hostile::http2) async fn flood_data(&self, id: u32, bytes: &[u8]) -> bool {
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
    pub(in crate::hostile::http2) async fn flood(&self, frame: &Frame) {
        let bytes = frame.encode();
        while self.streams.send(Order::Flood(bytes.clone())).await.is_ok() {}
    }

    pub(in crate::hostile::http2) async fn end(&self, ending: Ending) {
        self.order(Order::End(ending)).await;
    }

    pub(in crate::hostile::http2) async fn go_away(&self, last: u32, code: u32) {
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

    pub(super) fn announce(&self, settings: &'static [(u16, u32)]) -> usize {
        let mut state = self.state();
        state.unacknowledged.push_back(settings);
        state.sent_settings += 1;
        state.sent_settings
    }

    /// Sends settings; gives what holds once they are acknowledged.
    pub(in crate::hostile::http2) async fn settings(
        &self,
        settings: &'static [(u16, u32)],
    ) -> impl Fn(&State) -> bool + use<> {
        let number = self.announce(settings);
        self.order(Order::Write(frames::settings_of(settings).encode())).await;
        move |state: &State| state.acknowledged >= number
    }

    /// Sends a PING; gives what holds once it is answered.
    pub(in crate::hostile::http2) async fn ping(&self) -> impl Fn(&State) -> bool + use<> {
        let number = {
            let mut state = self.state();
            state.pings += 1;
            state.pings
        };
        self.order(Order::Write(frames::ping().encode())).await;
        move |state: &State| state.pongs >= number
    }

    /// Waits until this holds.
    pub(in crate::hostile::http2) async fn until(&self, holds: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            if holds(&self.state()) {
                return;
            }
            changed.await;
        }
    }

    /// Waits until the server has received so many requests.
    pub(in crate::hostile::http2) async fn requests(&self, count: usize, patience: Duration) {
        let enough = async {
            while self.served.log.requests.load(Ordering::SeqCst) < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let _ = tokio::time::timeout(patience, enough).await;
    }

    /// Lets the client send so much more; stream 0 is the connection.
    pub(in crate::hostile::http2) fn credit(&self, stream: u32, bytes: u32) {
        if stream == 0 || self.is_open(stream) {
            self.state().into.add(stream, bytes);
            self.control(&frames::window_update(stream, bytes));
        }
    }
}
