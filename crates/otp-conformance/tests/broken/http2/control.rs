//! Frames of the server that are about the connection, or end a stream.

use otp_conformance::hostile::frames::{self, Frame};
use otp_core::Progress::NotSent;
use otp_core::TransportErrorKind::ConnectionLost;

use super::connection::{Failed, Shared, State};
use super::receive::{broken, number};

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
    pub fn settings(&self, state: &mut State, payload: &[u8]) -> Result<(), Failed> {
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

    pub fn go_away(&self, state: &mut State, frame: &Frame) -> Result<(), Failed> {
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

    pub fn reset(&self, state: &mut State, id: u32, code: u32) {
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
}
