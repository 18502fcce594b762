//! HTTP/1.1, byte by byte.

use std::borrow::Cow;
use std::io;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::served::{Log, Served};
use super::witness::HANDSHAKE;
use super::{Ending, Fault, Received, Reply, Step};

/// So that even a client that never stops does not fill this process.
const MOST: usize = 64 * 1024 * 1024;

/// How long a connection reads nothing. It does not notice when its client closes it.
pub(super) const DEAF: Duration = Duration::from_secs(20);

pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    served: &Served,
) -> io::Result<Ending> {
    let mut connection = Connection {
        stream,
        cors: served.wire.cors,
        buffer: Vec::new(),
        marker: String::new(),
        log: &served.log,
    };
    loop {
        let Some(mut received) = connection.head().await? else { return Ok(Ending::Close) };
        if served.wire.cors && received.method == "OPTIONS" {
            connection.preflight().await?;
            continue;
        }
        let marker = received.header("x-marker").unwrap_or_default().to_owned();
        connection.marker.clone_from(&marker);
        if matches!(served.last(), Fault::Deaf) {
            served.next(Some(received));
            tokio::time::sleep(DEAF).await;
            return Ok(Ending::Close);
        }
        if let Fault::Early(steps) = served.upcoming() {
            served.next(Some(received.clone()));
            if let Some(ending) = connection.steps(steps, Some(&mut received)).await? {
                connection.stream.flush().await?;
                return Ok(ending);
            }
            connection.stream.flush().await?;
            continue;
        }
        if !connection.body(&mut received).await? {
            return Ok(Ending::Close);
        }
        let fault = served.next(Some(received));
        if let Some(ending) = connection.answer(fault, &marker, served).await? {
            connection.stream.flush().await?;
            return Ok(ending);
        }
        connection.stream.flush().await?;
    }
}

/// What lets a web page of another origin read an answer.
const CORS: &[u8] = b"access-control-allow-origin: *\r\naccess-control-expose-headers: *\r\n";

/// What every head begins with.
const VERSION: &[u8] = b"HTTP/1.";

struct Connection<'s, S> {
    stream: &'s mut S,
    cors: bool,
    /// What has arrived and is not yet read.
    buffer: Vec<u8>,
    /// Of the last request.
    marker: String,
    log: &'s Log,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<'_, S> {
    /// The next request without its body; none if the client has closed, or speaks TLS.
    async fn head(&mut self) -> io::Result<Option<Received>> {
        let mut begun = false;
        loop {
            if !begun && self.buffer.first().is_some_and(|first| *first != HANDSHAKE) {
                begun = true;
                self.log.begun.fetch_add(1, Ordering::SeqCst);
            }
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                let head: Vec<u8> = self.buffer.drain(..at + 4).collect();
                return Ok(Some(parse(&head)));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 || self.buffer.len() > MOST {
                return Ok(None);
            }
            if self.buffer.first() == Some(&HANDSHAKE) {
                // Like other servers in the clear, so that whoever speaks TLS need not wait.
                self.write(&Reply::status(400).http1()).await?;
                return Ok(None);
            }
        }
    }

    /// Reads the body; `false` if the client closes within it.
    async fn body(&mut self, received: &mut Received) -> io::Result<bool> {
        if received.header("transfer-encoding").is_some() {
            loop {
                let Some(size) = self.line().await? else { return Ok(false) };
                let size = std::str::from_utf8(&size).ok();
                let size = size.and_then(|size| usize::from_str_radix(size.trim(), 16).ok());
                let Some(size) = size.filter(|size| *size <= MOST) else { return Ok(false) };
                let Some(piece) = self.exactly(size).await? else { return Ok(false) };
                received.body.extend(piece);
                if self.line().await?.is_none() {
                    return Ok(false);
                }
                if size == 0 {
                    return Ok(true);
                }
            }
        }
        let length = received.header("content-length").and_then(|len| len.parse().ok());
        let Some(body) = self.exactly(length.unwrap_or(0)).await? else { return Ok(false) };
        received.body = body;
        Ok(true)
    }

    async fn line(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(at) = find(&self.buffer, b"\r\n") {
                let line = self.buffer.drain(..at + 2).take(at).collect();
                return Ok(Some(line));
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }

    async fn exactly(&mut self, length: usize) -> io::Result<Option<Vec<u8>>> {
        while self.buffer.len() < length {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
        Ok(Some(self.buffer.drain(..length).collect()))
    }

    /// Writes what begins with a head.
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(&self.readable(bytes)).await
    }

    /// What begins with a head, so that a web page may read it, if one is to.
    fn readable<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        self.readable_from(bytes, false)
    }

    /// The same of what may begin within a status line.
    fn readable_from<'b>(&self, bytes: &'b [u8], within: bool) -> Cow<'b, [u8]> {
        if !self.cors || !(within || bytes.starts_with(VERSION)) {
            return bytes.into();
        }
        let mut readable = Vec::with_capacity(bytes.len() + CORS.len());
        let (mut rest, mut is_head) = (bytes, true);
        while let Some(at) = find(rest, b"\n") {
            let (line, after) = rest.split_at(at + 1);
            readable.extend_from_slice(line);
            if is_head {
                readable.extend_from_slice(CORS);
            }
            // An answer after an informational one in the same write.
            is_head = readable.ends_with(b"\r\n\r\n") && after.starts_with(VERSION);
            rest = after;
        }
        readable.extend_from_slice(rest);
        readable.into()
    }

    async fn preflight(&mut self) -> io::Result<()> {
        self.write(
            b"HTTP/1.1 204 No Content\r\n\
              access-control-allow-methods: GET, POST, PUT, PATCH, DELETE\r\n\
              access-control-allow-headers: *\r\n\
              access-control-max-age: 600\r\n\r\n",
        )
        .await?;
        self.stream.flush().await
    }

    /// Does the fault to a request; none if the connection goes on.
    async fn answer(
        &mut self,
        fault: &Fault,
        marker: &str,
        served: &Served,
    ) -> io::Result<Option<Ending>> {
        match fault {
            Fault::Certificate(_) => self.write(&Reply::json(200, "{}").http1()).await?,
            Fault::Answer(reply) => {
                self.write(&reply.http1()).await?;
                return Ok(reply.ends_by_close().then_some(Ending::Close));
            }
            Fault::AnswerAndClose(reply) => {
                self.write(&reply.http1()).await?;
                return Ok(Some(Ending::Close));
            }
            Fault::Echo => self.write(&Reply::status(200).body(marker).http1()).await?,
            Fault::TricklingEcho => {
                let echo = Reply::status(200).body(marker).http1();
                for piece in self.readable(&echo).chunks(5) {
                    self.stream.write_all(piece).await?;
                    self.stream.flush().await?;
                    tokio::task::yield_now().await;
                }
            }
            Fault::Unasked(reply, unasked) => {
                self.write(&[reply.http1(), unasked.http1()].concat()).await?;
            }
            Fault::UnaskedLater(reply, unasked) => {
                self.write(&reply.http1()).await?;
                self.stream.flush().await?;
                tokio::time::sleep(Duration::from_millis(30)).await;
                self.write(&unasked.http1()).await?;
            }
            Fault::Late(each) => {
                tokio::time::sleep(*each).await;
                self.write(b"HTTP/1.1 200 X\r\ncontent-length: 4\r\n\r\n").await?;
                self.stream.flush().await?;
                tokio::time::sleep(*each).await;
                self.stream.write_all(b"late").await?;
            }
            Fault::Silence | Fault::Deaf => return Ok(Some(Ending::Silence)),
            Fault::Close => return Ok(Some(Ending::Close)),
            Fault::Reset => return Ok(Some(Ending::Reset)),
            Fault::CutHead(ending) => {
                self.write(b"HTTP/1.1 200 X\r\nx-cut: a").await?;
                return self.end(*ending, b"a").await;
            }
            Fault::Cut(status, ending) => {
                let head = format!(
                    "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: 300\r\n\r\n"
                );
                self.write(&[head.as_bytes(), b"{\"recovery"].concat()).await?;
                return self.end(*ending, b" ").await;
            }
            Fault::Endless { announced } => {
                let framing = if *announced {
                    "content-length: 1073741824"
                } else {
                    "transfer-encoding: chunked"
                };
                self.write(format!("HTTP/1.1 200 X\r\n{framing}\r\n\r\n").as_bytes()).await?;
                let chunk = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
                match served.flood(self.stream, chunk.as_bytes()).await? {}
            }
            Fault::EndlessHead => {
                self.write(b"HTTP/1.1 200 X\r\n").await?;
                let field = format!("x-more: {}\r\n", "x".repeat(1000));
                match served.flood(self.stream, field.as_bytes()).await? {}
            }
            Fault::LargeHead(bytes) => {
                let field = format!("x-more: {}\r\n", "x".repeat(990));
                let fields = field.repeat(bytes / 1000);
                let head = format!("HTTP/1.1 401 X\r\ncontent-length: 0\r\n{fields}\r\n");
                self.write(head.as_bytes()).await?;
            }
            Fault::ManyFields(count) => {
                let fields: String = (0..*count).map(|i| format!("x-{i}: x\r\n")).collect();
                let head = format!("HTTP/1.1 401 X\r\ncontent-length: 0\r\n{fields}\r\n");
                self.write(head.as_bytes()).await?;
            }
            Fault::Informational(count, reply) => {
                for i in 0..*count {
                    let status = [100, 102, 103][i % 3];
                    self.stream
                        .write_all(format!("HTTP/1.1 {status} X\r\n\r\n").as_bytes())
                        .await?;
                }
                self.write(&reply.http1()).await?;
            }
            Fault::EndlessInformational => {
                match served.flood(self.stream, b"HTTP/1.1 103 X\r\nlink: </x>\r\n\r\n").await? {}
            }
            Fault::Raw(bytes) => {
                self.write(bytes).await?;
                return Ok(Some(Ending::Close));
            }
            Fault::Steps(steps) => return self.steps(steps, None).await,
            Fault::Early(_) => panic!("another connection had a request meanwhile: {fault:?}"),
            Fault::Refused
            | Fault::HangInConnect
            | Fault::HangInHandshake
            | Fault::CloseInHandshake
            | Fault::NotTls(_) => return Ok(Some(Ending::Close)),
            Fault::Frames(_)
            | Fault::FramesThenClose(_)
            | Fault::Flood(_)
            | Fault::Stream(_)
            | Fault::EarlyStream(_)
            | Fault::NoSettings
            | Fault::Polite(_)
            | Fault::With(..) => {
                panic!("not for HTTP/1.1: {fault:?}")
            }
        }
        Ok(None)
    }

    /// Does these; none if the connection goes on. The body of `unread` is not read yet.
    async fn steps(
        &mut self,
        steps: &[Step],
        mut unread: Option<&mut Received>,
    ) -> io::Result<Option<Ending>> {
        // Whether a status line is being written, in several writes.
        let mut begins = true;
        for step in steps {
            match step {
                Step::Write(bytes) => {
                    self.stream.write_all(&self.readable_from(bytes, begins)).await?;
                    begins &= !bytes.contains(&b'\n');
                }
                Step::Answer(reply) => {
                    self.write(&reply.http1()).await?;
                    if reply.ends_by_close() {
                        return Ok(Some(Ending::Close));
                    }
                }
                Step::Echo => {
                    let echo = Reply::status(200).body(self.marker.as_bytes());
                    self.write(&echo.http1()).await?;
                }
                Step::Wait(duration) => tokio::time::sleep(*duration).await,
                Step::ReadBody => {
                    if let Some(received) = unread.take() {
                        if !self.body(received).await? {
                            return Ok(Some(Ending::Close));
                        }
                    }
                }
                Step::End(ending) => return self.end(*ending, b" ").await,
            }
            self.stream.flush().await?;
        }
        let read = match unread {
            Some(received) => self.body(received).await?,
            None => true,
        };
        Ok((!read).then_some(Ending::Close))
    }

    async fn end(&mut self, ending: Ending, byte: &[u8]) -> io::Result<Option<Ending>> {
        self.stream.flush().await?;
        if ending == Ending::Trickle {
            loop {
                tokio::time::sleep(Duration::from_millis(20)).await;
                self.stream.write_all(byte).await?;
                self.stream.flush().await?;
            }
        }
        Ok(Some(ending))
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

fn parse(head: &[u8]) -> Received {
    let mut lines = head.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let request_line = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let mut parts = request_line.split(' ').map(str::to_owned);
    let headers = lines.filter(|line| !line.is_empty()).map(|line| {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        (
            String::from_utf8_lossy(name).into_owned(),
            value.get(1..).unwrap_or_default().trim_ascii().to_vec(),
        )
    });
    Received {
        method: parts.next().unwrap_or_default(),
        path: parts.next().unwrap_or_default(),
        headers: headers.collect(),
        body: Vec::new(),
        head: String::from_utf8_lossy(head).into_owned(),
    }
}
