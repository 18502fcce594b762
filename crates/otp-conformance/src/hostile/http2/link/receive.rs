//! What a client sends, frame by frame.

use super::super::request;
use super::{Block, Link, State, Stream};
use crate::hostile::frames::{self, Frame};
use crate::hostile::{Fault, hpack};

impl<'s> Link<'s> {
    /// Takes a frame of the client's. Gives a stream that is due, and what to do to it.
    pub(in crate::hostile::http2) fn take(&self, frame: Frame) -> Option<(u32, &'s Fault)> {
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
