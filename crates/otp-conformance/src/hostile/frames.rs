//! HTTP/2 frames, as bytes (RFC 9113 §4).

use tokio::io::{AsyncRead, AsyncReadExt};

/// Frame type (RFC 9113 §6.1).
pub const DATA: u8 = 0;
/// Frame type (RFC 9113 §6.2).
pub const HEADERS: u8 = 1;
/// Frame type (RFC 9113 §6.3).
pub const PRIORITY: u8 = 2;
/// Frame type (RFC 9113 §6.4).
pub const RST_STREAM: u8 = 3;
/// Frame type (RFC 9113 §6.5).
pub const SETTINGS: u8 = 4;
/// Frame type (RFC 9113 §6.6).
pub const PUSH_PROMISE: u8 = 5;
/// Frame type (RFC 9113 §6.7).
pub const PING: u8 = 6;
/// Frame type (RFC 9113 §6.8).
pub const GOAWAY: u8 = 7;
/// Frame type (RFC 9113 §6.9).
pub const WINDOW_UPDATE: u8 = 8;
/// Frame type (RFC 9113 §6.10).
pub const CONTINUATION: u8 = 9;

/// Flag of DATA and HEADERS: the stream ends here.
pub const END_STREAM: u8 = 1;
/// Flag of HEADERS and CONTINUATION: the field block ends here.
pub const END_HEADERS: u8 = 4;
/// Flag of DATA and HEADERS: the payload is padded.
pub const PADDED: u8 = 8;
/// Flag of HEADERS: the payload begins with a priority.
pub const WITH_PRIORITY: u8 = 0x20;
/// Flag of SETTINGS and PING.
pub const ACK: u8 = 1;

/// Setting (RFC 9113 §6.5.2).
pub const HEADER_TABLE_SIZE: u16 = 1;
/// Setting (RFC 9113 §6.5.2).
pub const ENABLE_PUSH: u16 = 2;
/// Setting (RFC 9113 §6.5.2).
pub const MAX_CONCURRENT_STREAMS: u16 = 3;
/// Setting (RFC 9113 §6.5.2).
pub const INITIAL_WINDOW_SIZE: u16 = 4;
/// Setting (RFC 9113 §6.5.2).
pub const MAX_FRAME_SIZE: u16 = 5;

/// Error code (RFC 9113 §7).
pub const REFUSED_STREAM: u32 = 7;
/// Error code (RFC 9113 §7).
pub const INTERNAL_ERROR: u32 = 2;
/// Error code (RFC 9113 §7).
pub const CANCEL: u32 = 8;
/// Error code (RFC 9113 §7).
pub const ENHANCE_YOUR_CALM: u32 = 11;
/// Error code (RFC 9113 §7).
pub const NO_ERROR: u32 = 0;
/// Error code (RFC 9113 §7).
pub const PROTOCOL_ERROR: u32 = 1;
/// Error code (RFC 9113 §7).
pub const HTTP_1_1_REQUIRED: u32 = 13;

/// A frame; it need not make sense.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream; 0 is the connection.
    pub stream: u32,
    /// What follows its header.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A frame of these parts.
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    /// Its bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = u32::try_from(self.payload.len())
            .expect("a frame that a test has written")
            .to_be_bytes()[1..]
            .to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }
}

/// SETTINGS without any.
pub fn settings() -> Frame {
    Frame::new(SETTINGS, 0, 0, [])
}

/// SETTINGS with these.
pub fn settings_of(settings: &[(u16, u32)]) -> Frame {
    let bytes = settings
        .iter()
        .flat_map(|(setting, value)| setting.to_be_bytes().into_iter().chain(value.to_be_bytes()));
    Frame::new(SETTINGS, 0, 0, bytes.collect::<Vec<_>>())
}

/// The acknowledgement of SETTINGS.
pub fn settings_ack() -> Frame {
    Frame::new(SETTINGS, ACK, 0, [])
}

/// A PING.
pub fn ping() -> Frame {
    Frame::new(PING, 0, 0, [7; 8])
}

/// `WINDOW_UPDATE`; stream 0 is the connection.
pub fn window_update(stream: u32, bytes: u32) -> Frame {
    Frame::new(WINDOW_UPDATE, 0, stream, bytes.to_be_bytes())
}

/// A response's HEADERS: this status and these fields.
pub fn headers(stream: u32, status: u16, fields: &[(&str, &str)], end: bool) -> Frame {
    let mut block = field(":status", status.to_string());
    for (name, value) in fields {
        block.extend(field(name, value));
    }
    let end = if end { END_STREAM } else { 0 };
    Frame::new(HEADERS, END_HEADERS | end, stream, block)
}

/// A CONTINUATION that is not the last.
pub fn continuation(stream: u32, block: Vec<u8>) -> Frame {
    Frame::new(CONTINUATION, 0, stream, block)
}

/// DATA.
pub fn data(stream: u32, bytes: &[u8], end: bool) -> Frame {
    Frame::new(DATA, if end { END_STREAM } else { 0 }, stream, bytes)
}

/// `RST_STREAM` with this error code.
pub fn reset(stream: u32, code: u32) -> Frame {
    Frame::new(RST_STREAM, 0, stream, code.to_be_bytes())
}

/// GOAWAY with this last stream and error code.
pub fn go_away(last: u32, code: u32) -> Frame {
    Frame::new(GOAWAY, 0, 0, [last.to_be_bytes(), code.to_be_bytes()].concat())
}

/// HEADERS with these fields and nothing else; they need not make sense.
pub fn fields(stream: u32, fields: &[(&str, &str)], end: bool) -> Frame {
    let block: Vec<u8> = fields.iter().flat_map(|(name, value)| field(name, value)).collect();
    Frame::new(HEADERS, END_HEADERS | if end { END_STREAM } else { 0 }, stream, block)
}

/// A literal field that is not indexed (RFC 7541 §6.2.2).
pub fn field(name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name.as_ref(), value.as_ref()] {
        bytes.extend(length(text.len()));
        bytes.extend(text);
    }
    bytes
}

/// The length of a plain string: an integer with a prefix of 7 bits (RFC 7541 §5.1).
fn length(length: usize) -> Vec<u8> {
    let Some(mut rest) = length.checked_sub(127) else { return vec![(length & 0x7f) as u8] };
    let mut bytes = vec![127];
    while rest >= 128 {
        bytes.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    bytes.push(rest as u8);
    bytes
}

/// Reads the client's side.
#[derive(Debug, Default)]
pub struct Reader {
    buffer: Vec<u8>,
}

impl Reader {
    /// Reads the connection preface (RFC 9113 §3.4).
    ///
    /// # Errors
    ///
    /// What reading meets, and a preface that is none.
    pub async fn preface(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<()> {
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await?;
        if &preface == b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" {
            Ok(())
        } else {
            Err(std::io::Error::other("this is no HTTP/2 preface"))
        }
    }

    /// The next frame; none if the client has closed.
    ///
    /// # Errors
    ///
    /// What reading meets.
    pub async fn next(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> std::io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.parse() {
                return Ok(Some(frame));
            }
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn parse(&mut self) -> Option<Frame> {
        let head: [u8; 9] = self.buffer.get(..9)?.try_into().ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let payload = self.buffer.get(9..9 + length)?.to_vec();
        self.buffer.drain(..9 + length);
        let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
        Some(Frame { kind: head[3], flags: head[4], stream, payload })
    }
}
