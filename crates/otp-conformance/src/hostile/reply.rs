use super::frames::{self, Frame};

/// What to answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    framing: Framing,
}

/// How the end of a body is told over HTTP/1.1 (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Framing {
    #[default]
    Length,
    Chunks,
    Close,
    /// A length that is ten bytes too long.
    Short,
}

impl Reply {
    /// This status, and an empty body.
    pub fn status(status: u16) -> Self {
        Self { status, ..Self::default() }
    }

    /// This status and this JSON.
    pub fn json(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::status(status).header("content-type", "application/json").body(body)
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(self, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..self }
    }

    /// With another status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// Over HTTP/1.1, in chunks of a few bytes instead of with a length.
    #[must_use]
    pub fn chunked(self) -> Self {
        Self { framing: Framing::Chunks, ..self }
    }

    /// Over HTTP/1.1, with a body that ends where the connection does.
    #[must_use]
    pub fn until_close(self) -> Self {
        Self { framing: Framing::Close, ..self }
    }

    /// Ten bytes short of what it announces, and then the connection is closed.
    #[must_use]
    pub fn cut(self) -> Self {
        Self { framing: Framing::Short, ..self }
    }

    /// Whether its status says that it has no body (RFC 9110 §6.4.1).
    pub(crate) fn is_without_body(&self) -> bool {
        matches!(self.status, 204 | 304)
    }

    pub(crate) fn is_chunked(&self) -> bool {
        self.framing == Framing::Chunks
    }

    /// Whether its status says that the request failed.
    pub(crate) fn is_failure(&self) -> bool {
        self.status >= 400
    }

    pub(super) fn ends_by_close(&self) -> bool {
        matches!(self.framing, Framing::Close | Framing::Short)
    }

    pub(super) fn http1(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} Whatever\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let mut body = self.body.clone();
        match self.framing {
            Framing::Length if self.status == 204 => {}
            Framing::Short => head += &format!("content-length: {}\r\n", body.len() + 10),
            Framing::Length => head += &format!("content-length: {}\r\n", body.len()),
            Framing::Close => head += "connection: close\r\n",
            Framing::Chunks => {
                head += "transfer-encoding: chunked\r\n";
                body = self.body.chunks(7).fold(Vec::new(), |mut chunks, piece| {
                    chunks.extend(format!("{:x}\r\n", piece.len()).bytes());
                    chunks.extend(piece);
                    chunks.extend(b"\r\n");
                    chunks
                });
                body.extend(b"0\r\n\r\n");
            }
        }
        [head.as_bytes(), b"\r\n", &body].concat()
    }

    pub(super) fn http2(&self, stream: u32) -> Vec<Frame> {
        // Upper case in a name is malformed (RFC 9113 §8.2.1); what is malformed is written as frames.
        let names = self.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
        let names: Vec<_> = names.collect();
        let mut fields: Vec<_> =
            names.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let length = (self.body.len() + 10).to_string();
        if self.framing == Framing::Short {
            fields.push(("content-length", &length));
        }
        let end = self.body.is_empty() && self.framing != Framing::Short;
        let mut frames = vec![frames::headers(stream, self.status, &fields, end)];
        for (i, piece) in self.body.chunks(0x4000).enumerate() {
            let last = (i + 1) * 0x4000 >= self.body.len() && self.framing != Framing::Short;
            frames.push(frames::data(stream, piece, last));
        }
        frames
    }
}
