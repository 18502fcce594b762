//! Frames of the server, one by one.

use http::header::CONTENT_LENGTH;
use http::response::Parts;
use otp_conformance::hostile::frames::{self, Frame};
use otp_core::Progress::NotSent;
use otp_core::TransportErrorKind::{ConnectionLost, Protocol, ResponseTooLarge};

use super::connection::{Block, Failed, Shared, State, Stream};
use super::fields;

/// The largest frame that we take: the protocol's own limit.
const MAX_FRAME: usize = 0x4000;

/// How many informational responses and empty frames an answer may have.
const MOST_INFORMATIONAL: usize = 64;
const MOST_EMPTY: usize = 200;

/// Something is not HTTP/2, and the connection must end.
fn broken(reason: &'static str) -> Failed {
    Failed::unknown(Protocol, reason)
}

fn number(bytes: &[u8]) -> u32 {
    bytes.get(..4).map_or(0, |four| u32::from_be_bytes([four[0], four[1], four[2], four[3]]))
}

/// What errors are called here, since a table cannot hold text that is made.
fn name_of(code: u32) -> &'static str {
    match code {
        frames::NO_ERROR => "reset with NO_ERROR",
        frames::CANCEL => "reset with CANCEL",
        frames::REFUSED_STREAM => "reset with REFUSED_STREAM",
        frames::ENHANCE_YOUR_CALM => "reset with ENHANCE_YOUR_CALM",
        frames::HTTP_1_1_REQUIRED => "reset with HTTP_1_1_REQUIRED",
        _ => "reset",
    }
}

impl Shared {
    /// Takes a frame. An error ends the connection.
    pub fn take(&self, mut frame: Frame) -> Result<(), Failed> {
        let mut state = self.state();
        if frame.kind == frames::DATA && self.is("DATA is the newest stream's") {
            frame.stream = state.streams.keys().last().copied().unwrap_or(frame.stream);
        }
        if let Some((_, asked)) = state.instead.filter(|(promised, _)| *promised == frame.stream) {
            frame.stream = asked;
        }
        if frame.payload.len() > MAX_FRAME && !self.is("a frame may have any size") {
            return Err(broken("a frame that is too large"));
        }
        if let Some(block) = &state.block {
            let goes_on = frame.kind == frames::CONTINUATION && frame.stream == block.stream;
            if !goes_on && !self.is("frames within a head are taken") {
                return Err(broken("a frame within a head"));
            }
        }
        if !matches!(frame.kind, frames::DATA | frames::HEADERS | frames::CONTINUATION) {
            state.controls += 1;
        }
        match frame.kind {
            frames::DATA => self.data(&mut state, &frame),
            frames::HEADERS => {
                let bytes = self.head_of(&frame)?;
                let end = frame.flags & frames::END_STREAM != 0;
                let block = Block { stream: frame.stream, end, bytes };
                let whole = frame.flags & frames::END_HEADERS != 0;
                self.block(&mut state, block, whole || self.is("a head is one frame"))
            }
            frames::CONTINUATION => match state.block.take() {
                Some(mut block) => {
                    if frame.payload.is_empty() && self.is("an empty CONTINUATION is an error") {
                        return Err(broken("an empty CONTINUATION"));
                    }
                    block.bytes.extend(&frame.payload);
                    self.block(&mut state, block, frame.flags & frames::END_HEADERS != 0)
                }
                None if self.is("a head is one frame") => Ok(()),
                None if self.is("a CONTINUATION may begin a head") => {
                    let end = frame.flags & frames::END_STREAM != 0;
                    let block = Block { stream: frame.stream, end, bytes: frame.payload };
                    self.block(&mut state, block, true)
                }
                None => Err(broken("a CONTINUATION without a head")),
            },
            frames::RST_STREAM => {
                self.reset(&mut state, frame.stream, number(&frame.payload));
                Ok(())
            }
            frames::SETTINGS if frame.flags & frames::ACK != 0 => Ok(()),
            frames::SETTINGS => self.settings(&mut state, &frame.payload),
            frames::PING => {
                if frame.flags & frames::ACK == 0 && !self.is("no PING is answered") {
                    self.order(&Frame { flags: frames::ACK, ..frame });
                }
                Ok(())
            }
            frames::GOAWAY => self.go_away(&mut state, &frame),
            frames::WINDOW_UPDATE => {
                let bytes = i64::from(number(&frame.payload));
                match state.streams.get_mut(&frame.stream) {
                    Some(stream) => stream.window += bytes,
                    None if frame.stream == 0 && !self.is("credit for the connection is lost") => {
                        state.window += bytes;
                    }
                    None => {}
                }
                Ok(())
            }
            frames::PUSH_PROMISE
                if self.is("a pushed answer is the next one's")
                    || self.is("a pushed answer is this one's") =>
            {
                let promised = number(&frame.payload);
                let fields = state.decoder.decode(&frame.payload[4..]);
                fields.map_err(|_| broken("a field block that does not decode"))?;
                if self.is("a pushed answer is the next one's") {
                    state.pushed = Some((promised, Vec::new()));
                } else {
                    state.instead = Some((promised, frame.stream));
                }
                Ok(())
            }
            frames::PUSH_PROMISE => Err(broken("a push that nobody wants")),
            frames::PRIORITY => Ok(()),
            _ if self.is("an unknown frame is an error") => Err(broken("an unknown frame")),
            _ => Ok(()),
        }
    }

    fn settings(&self, state: &mut State, payload: &[u8]) -> Result<(), Failed> {
        if payload.len() % 6 != 0 && !self.is("settings may have any size") {
            return Err(broken("settings of a wrong size"));
        }
        state.settings += 1;
        let first = state.settings == 1;
        for setting in payload.chunks_exact(6) {
            let value = number(&setting[2..]);
            if !first && self.is("only the first settings count") {
                continue;
            }
            match u16::from_be_bytes([setting[0], setting[1]]) {
                frames::MAX_CONCURRENT_STREAMS
                    if first || !self.is("the limit of streams stays what it was") =>
                {
                    state.max_streams = value as usize;
                }
                frames::INITIAL_WINDOW_SIZE if !self.is("the initial window is the protocol's") => {
                    let change = i64::from(value) - state.initial;
                    state.initial += change;
                    for stream in state.streams.values_mut() {
                        if !self.is("a changed window is for new streams only") {
                            stream.window += change;
                        }
                    }
                }
                frames::MAX_FRAME_SIZE => state.max_frame = value as usize,
                1..=6 => {}
                _ if self.is("an unknown setting is an error") => {
                    return Err(broken("an unknown setting"));
                }
                _ => {}
            }
        }
        state.settled = true;
        if first || !self.is("only the first settings are acknowledged") {
            self.order(&frames::settings_ack());
        }
        Ok(())
    }

    fn go_away(&self, state: &mut State, frame: &Frame) -> Result<(), Failed> {
        if frame.stream != 0 {
            return Err(broken("a GOAWAY on a stream"));
        }
        let (last, code) = (number(&frame.payload), number(&frame.payload[4..]));
        let is_warning = last == 0x7fff_ffff;
        let stays = self.is("a connection that goes away is used again")
            || (is_warning && self.is("after a warning a connection is used again"));
        state.going_away |= !stays;
        for (id, stream) in &mut state.streams {
            let above = match self.flaw {
                "GOAWAY proves something if it names no stream" => last == 0,
                "GOAWAY has sent nothing" => true,
                "GOAWAY with a reason has sent nothing" if code != frames::NO_ERROR => true,
                "a warning has sent nothing" => *id > last || is_warning,
                "GOAWAY at the stream is below it" => *id >= last,
                "GOAWAY above the stream is below it" => *id > last || last == *id + 2,
                _ => *id > last,
            };
            if above && stream.head.is_some() && !self.is("GOAWAY after the head has sent nothing")
            {
                stream.failed.get_or_insert(Failed::unknown(ConnectionLost, "going away"));
            } else if above {
                stream.head = None;
                stream.failed.get_or_insert(match self.flaw {
                    "what is above a GOAWAY may have been sent" => {
                        Failed::unknown(ConnectionLost, "going away")
                    }
                    _ => Failed::not_sent("going away"),
                });
            } else if self.is("GOAWAY ends every stream")
                || (is_warning && self.is("a warning ends every stream"))
            {
                stream.failed.get_or_insert(Failed::unknown(ConnectionLost, "going away"));
            }
        }
        let several = state.streams.len() > 1;
        if several && self.is("GOAWAY ends every stream if there are several") {
            for stream in state.streams.values_mut() {
                stream.failed.get_or_insert(Failed::unknown(ConnectionLost, "going away"));
            }
        }
        Ok(())
    }

    fn reset(&self, state: &mut State, id: u32, code: u32) {
        state.is_deaf |= self.is("after a reset nothing more is read");
        if self.is("a reset stream ends all others") {
            for stream in state.streams.values_mut() {
                stream.failed.get_or_insert(Failed::unknown(ConnectionLost, "reset"));
            }
        }
        state.going_away |= self.is("a reset stream ends all others");
        let Some(stream) = state.streams.get_mut(&id) else { return };
        let incomplete = self.is("a reset discards an answer") && !stream.uploaded;
        if stream.ended && !incomplete {
            return;
        }
        let before = stream.head.is_none();
        let is_complete = match self.flaw {
            "a body that is reset with NO_ERROR is complete" => code == frames::NO_ERROR,
            "a body that is reset with CANCEL is complete" => code == frames::CANCEL,
            "a body that is reset is complete" => true,
            _ => false,
        };
        if is_complete && !before {
            stream.ended = true;
            return;
        }
        let refused = code == frames::REFUSED_STREAM;
        let unsent = match self.flaw {
            "a refused stream may have been sent" => false,
            "a refusal after the head has sent nothing" => refused && stream.body.is_empty(),
            flaw if super::flaws::is_unsent_by(flaw, code) => before,
            _ => refused && before,
        };
        if unsent {
            stream.head = None;
        }
        let failed = Failed::unknown(ConnectionLost, name_of(code));
        let failed = if unsent { Failed { progress: NotSent, ..failed } } else { failed };
        stream.failed.get_or_insert(failed);
    }

    /// The block of a HEADERS, without padding and priority.
    fn head_of(&self, frame: &Frame) -> Result<Vec<u8>, Failed> {
        let mut bytes = match self.is("a head is not padded") {
            true => frame.payload.clone(),
            false => self.unpadded(frame)?,
        };
        if frame.flags & frames::WITH_PRIORITY != 0 && !self.is("a head has no priority") {
            bytes.drain(..5.min(bytes.len()));
        }
        Ok(bytes)
    }

    fn unpadded(&self, frame: &Frame) -> Result<Vec<u8>, Failed> {
        if frame.flags & frames::PADDED == 0 {
            return Ok(frame.payload.clone());
        }
        let padding = frame.payload.first().map_or(0, |first| usize::from(*first));
        let rest = frame.payload.get(1..).unwrap_or_default();
        match rest.len().checked_sub(padding) {
            Some(size) => Ok(rest[..size].to_vec()),
            None if self.is("padding may be longer than its frame") => Ok(Vec::new()),
            None => Err(broken("padding longer than its frame")),
        }
    }

    fn block(&self, state: &mut State, block: Block, whole: bool) -> Result<(), Failed> {
        if !whole {
            state.block = Some(block);
            return Ok(());
        }
        let Block { stream: id, end, bytes } = block;
        let fields = state
            .decoder
            .decode(&bytes)
            .map_err(|_| broken("a field block that does not decode"))?;
        if self.is("fields are not kept for later answers") {
            state.decoder = otp_conformance::hostile::hpack::Decoder::default();
        }
        let nobody_opened = id % 2 == 0 || id >= state.next;
        let pushed = state.pushed.is_some();
        if nobody_opened && !pushed && !self.is("a stream that nobody opened is skipped") {
            return Err(broken("a stream that nobody opened"));
        }
        let Some(stream) = state.streams.get_mut(&id) else { return Ok(()) };
        state.controls = 0;
        if stream.failed.is_some() {
            return Ok(());
        }
        if bytes.len() > 8 * 1024 && self.is("a head has 8 KiB at most") {
            stream.failed = Some(Failed::unknown(ResponseTooLarge, "the head"));
            return Ok(());
        }
        let outcome = if stream.head.is_some() {
            self.trailers(stream, fields, end)
        } else {
            self.head(stream, fields, end)
        };
        if outcome.is_err() {
            self.malformed(stream, id, "a malformed answer has sent nothing");
        }
        Ok(())
    }

    /// The answer on a stream is malformed: the stream ends, the connection does not.
    fn malformed(&self, stream: &mut Stream, id: u32, flaw: &str) {
        if stream.failed.is_some() || stream.ended {
            return;
        }
        let failed = Failed::unknown(Protocol, "malformed");
        let unsent = self.flaw == flaw;
        if unsent {
            stream.head = None;
        }
        stream.failed = Some(if unsent { Failed { progress: NotSent, ..failed } } else { failed });
        self.order(&frames::reset(id, frames::PROTOCOL_ERROR));
    }

    fn head(
        &self,
        stream: &mut Stream,
        fields: Vec<otp_conformance::hostile::hpack::Field>,
        end: bool,
    ) -> Result<(), ()> {
        let mut parts = fields::response(self.flaw, fields)?;
        if parts.status.is_informational() && !self.is("over HTTP/2, a 1xx is the answer") {
            stream.informational += 1;
            if stream.informational > MOST_INFORMATIONAL {
                let failed = Failed::unknown(ResponseTooLarge, "informational responses");
                stream.failed.get_or_insert(failed);
            }
            if end && self.is("a 103 may be the end") {
                stream.head = Some(parts);
                stream.ended = true;
                return Ok(());
            }
            if self.is("what a 103 says is the answer's") {
                stream.early = parts.headers;
            }
            return if end { Err(()) } else { Ok(()) };
        }
        parts.headers.extend(std::mem::take(&mut stream.early));
        length_of(self.flaw, &parts)?;
        let is_empty = parts.status == http::StatusCode::NO_CONTENT;
        stream.head = Some(parts);
        if is_empty && self.is("a 204 must end with its head") && !end {
            return Err(());
        }
        if end && self.is("a head that ends has no length") {
            stream.ended = true;
            return Ok(());
        }
        if end { self.end(stream) } else { Ok(()) }
    }

    fn trailers(
        &self,
        stream: &mut Stream,
        fields: Vec<otp_conformance::hostile::hpack::Field>,
        end: bool,
    ) -> Result<(), ()> {
        if self.is("trailers are an error") {
            return Err(());
        }
        if self.is("trailers are a second answer") {
            stream.body.clear();
        }
        fields::trailers(self.flaw, fields)?;
        if !end {
            return if self.is("a second head is skipped") { Ok(()) } else { Err(()) };
        }
        self.end(stream)
    }

    fn data(&self, state: &mut State, frame: &Frame) -> Result<(), Failed> {
        let bytes = match self.is("padding is content") {
            true => frame.payload.clone(),
            false => self.unpadded(frame)?,
        };
        let unknown_flags = frame.flags & !(frames::PADDED | frames::END_STREAM) != 0;
        if unknown_flags && self.is("an unknown flag is an error") {
            return Err(broken("an unknown flag"));
        }
        let size = u32::try_from(frame.payload.len()).unwrap_or_default();
        let mut credit_connection = size > 0 && !self.is("the connection gets no credit");
        let end = frame.flags & frames::END_STREAM != 0;
        if let Some((promised, body)) = &mut state.pushed {
            if *promised == frame.stream {
                body.extend(&bytes);
            }
        }
        let Some(stream) = state.streams.get_mut(&frame.stream) else {
            let keeps = self.is("what is discarded keeps its window");
            if size > 0 && credit_connection && !keeps {
                self.order(&frames::window_update(0, size));
            }
            return Ok(());
        };
        state.controls = 0;
        if stream.head.is_none() && !self.is("DATA before a head is the body") {
            self.malformed(stream, frame.stream, "what is out of order has sent nothing");
        }
        stream.empty += usize::from(bytes.is_empty());
        if stream.empty > MOST_EMPTY {
            return Err(broken("empty frames without end"));
        }
        stream.body.extend(&bytes);
        let announced = stream.head.as_ref().map(|head| length_of(self.flaw, head));
        let announced = announced.and_then(|length| length.ok().flatten());
        let too_large = stream.body.len() > stream.limit
            || announced.is_some_and(|length| length > stream.limit as u64);
        if too_large && !stream.ended && stream.failed.is_none() {
            stream.failed = Some(Failed::unknown(ResponseTooLarge, "the body"));
            if !self.is("what is too large is read on") {
                self.order(&frames::reset(frame.stream, frames::CANCEL));
            }
            stream.body = Vec::new();
        }
        if stream.failed.is_some() {
            credit_connection &= !self.is("what is discarded keeps its window");
        } else if size > 0 && !end && !self.is("streams get no credit") {
            self.order(&frames::window_update(frame.stream, size));
        }
        if credit_connection {
            self.order(&frames::window_update(0, size));
        }
        let ends_early = (bytes.is_empty() && self.is("an empty DATA is the end"))
            || self.is("the first DATA is the body");
        if (end || ends_early) && stream.failed.is_none() && self.end(stream).is_err() {
            self.malformed(stream, frame.stream, "a wrong length has sent nothing");
        }
        Ok(())
    }

    /// The stream ends: the body has the length that was announced.
    fn end(&self, stream: &mut Stream) -> Result<(), ()> {
        let Some(head) = &stream.head else {
            stream.ended = true;
            return Ok(());
        };
        let got = stream.body.len() as u64;
        let announced = match head.status.as_u16() {
            204 | 304 if !self.is("a 304 has the length of its body") => None,
            _ => length_of(self.flaw, head)?,
        };
        let agrees = announced.is_none_or(|announced| match self.flaw {
            "no length is compared" => true,
            "a short body is complete" => got <= announced,
            "a body may be longer than announced" => got >= announced,
            "an empty body is complete" => got == 0 || got == announced,
            _ => got == announced,
        });
        stream.ended = agrees;
        if agrees { Ok(()) } else { Err(()) }
    }
}

/// The length that a head announces.
fn length_of(flaw: &'static str, head: &Parts) -> Result<Option<u64>, ()> {
    let mut length = None;
    for value in head.headers.get_all(CONTENT_LENGTH) {
        let parsed = value.to_str().ok().and_then(|text| text.parse().ok());
        match (parsed, length) {
            (None, _) if super::is(flaw, "a length that is no number is none") => {}
            (None, _) => return Err(()),
            (Some(parsed), Some(first)) if parsed != first => {
                if !super::is(flaw, "over HTTP/2, the first of two lengths is the length") {
                    return Err(());
                }
            }
            (Some(parsed), _) => length = Some(parsed),
        }
    }
    Ok(length)
}
