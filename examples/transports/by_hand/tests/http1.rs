//! What comes back, byte by byte: what is a response, and what a failure says of it.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{self, Read, Write};
use std::time::Duration;

use otp_core::bytes::Bytes;
use otp_core::http;
use otp_core::local::Transport;
use otp_core::operation::{Operation, RegenerateCodes};
use otp_core::{Progress, Request, Response, TransportError, TransportErrorKind as Kind};
use otp_example_by_hand::{ByHand, block_on};

/// What follows the bytes.
#[derive(Clone, Copy, Debug)]
enum Then {
    Closed,
    Reset,
    Silence,
    /// The last of them once more, for ever.
    Again(usize),
}

/// A stream that takes everything and gives these bytes, a few at a time.
struct Canned {
    bytes: &'static [u8],
    at: usize,
    then: Then,
}

impl Read for Canned {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.bytes.len() {
            match self.then {
                Then::Closed => return Ok(0),
                Then::Reset => return Err(io::ErrorKind::ConnectionReset.into()),
                Then::Silence => return Err(io::ErrorKind::WouldBlock.into()),
                Then::Again(bytes) => self.at -= bytes,
            }
        }
        let given = buffer.len().min(self.bytes.len() - self.at).min(5);
        buffer[..given].copy_from_slice(&self.bytes[self.at..self.at + given]);
        self.at += given;
        Ok(given)
    }
}

impl Write for Canned {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn send(transport: &ByHand, limit: usize) -> Result<Response, TransportError> {
    let request = http::Request::post("http://localhost/x").body(Bytes::from("a body")).unwrap();
    let request = Request::new(RegenerateCodes::ENDPOINT, request)
        .with_time_limit(Duration::from_millis(50))
        .with_response_limit(limit);
    block_on(transport.send(request))
}

fn answer(bytes: &'static [u8], then: Then) -> Result<Response, TransportError> {
    send(&ByHand::over(move |_| Ok(Canned { bytes, at: 0, then })), 10)
}

#[test]
fn a_response_is_read_to_the_end_that_it_announces() {
    let cases: [(&[u8], Then, u16, &[u8]); 8] = [
        (b"HTTP/1.1 204 \r\n\r\n", Then::Silence, 204, b""),
        (b"HTTP/1.1 204 X\r\ncontent-length: 5\r\n\r\n", Then::Silence, 204, b""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", Then::Silence, 200, b"hello"),
        (b"HTTP/1.0 200 OK\r\n\r\nhello", Then::Closed, 200, b"hello"),
        (b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n", Then::Reset, 500, b""),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 X\r\nlink: </x>\r\n\r\nHTTP/1.1 302 X\r\n\
              location: /y\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nno",
            Then::Silence,
            302,
            b"no",
        ),
        (
            b"HTTP/1.1 200 X\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nhel\r\n007\r\nlo you!\r\n0\r\n\r\n",
            Then::Silence,
            200,
            b"hello you!",
        ),
        (
            b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-after: z\r\n\r\n",
            Then::Silence,
            200,
            b"a",
        ),
    ];
    for (bytes, then, status, body) in cases {
        let response = answer(bytes, then).unwrap();
        assert_eq!((response.status().as_u16(), &response.body()[..]), (status, body));
    }
}

#[test]
fn a_failure_says_what_it_is_and_keeps_the_head() {
    let cases: [(&[u8], Then, Kind, Option<u16>); 24] = [
        // Before the head, or within it.
        (b"", Then::Closed, Kind::ConnectionLost, None),
        (b"", Then::Reset, Kind::ConnectionLost, None),
        (b"", Then::Silence, Kind::Timeout, None),
        (b"HTTP/1.1 200", Then::Closed, Kind::ConnectionLost, None),
        (b"HTTP/1.1 200 OK\r\ncontent-le", Then::Silence, Kind::Timeout, None),
        (b"SSH-2.0-x\r\n", Then::Silence, Kind::Protocol, None),
        (b"HTTP/1.1 20x OK\r\n\r\n", Then::Silence, Kind::Protocol, None),
        (b"HTTP/1.1 101 X\r\n\r\n", Then::Silence, Kind::Protocol, None),
        (b"HTTP/1.1 200 OK\r\nx: y\r\n", Then::Again(6), Kind::ResponseTooLarge, None),
        (b"HTTP/1.1 103 X\r\n\r\n", Then::Again(18), Kind::ResponseTooLarge, None),
        // The body.
        (
            b"HTTP/1.1 200 X\r\ncontent-length: 5\r\n\r\nhell",
            Then::Closed,
            Kind::ConnectionLost,
            Some(200),
        ),
        (
            b"HTTP/1.1 200 X\r\ncontent-length: 5\r\n\r\nhell",
            Then::Reset,
            Kind::ConnectionLost,
            Some(200),
        ),
        (
            b"HTTP/1.1 200 X\r\ncontent-length: 5\r\n\r\nhell",
            Then::Silence,
            Kind::Timeout,
            Some(200),
        ),
        (b"HTTP/1.1 200 X\r\n\r\nhell", Then::Reset, Kind::ConnectionLost, Some(200)),
        (b"HTTP/1.1 200 X\r\n\r\nhell", Then::Again(1), Kind::ResponseTooLarge, Some(200)),
        (
            b"HTTP/1.1 200 X\r\ncontent-length: 11\r\n\r\n",
            Then::Silence,
            Kind::ResponseTooLarge,
            Some(200),
        ),
        (b"HTTP/1.1 200 X\r\ncontent-length: +5\r\n\r\n", Then::Silence, Kind::Protocol, Some(200)),
        (
            b"HTTP/1.1 200 X\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            Then::Silence,
            Kind::Protocol,
            Some(200),
        ),
        (
            b"HTTP/1.1 200 X\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            Then::Silence,
            Kind::Protocol,
            Some(200),
        ),
        (
            b"HTTP/1.1 200 X\r\ntransfer-encoding: gzip\r\n\r\n",
            Then::Silence,
            Kind::Protocol,
            Some(200),
        ),
        (
            b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\nx",
            Then::Silence,
            Kind::Protocol,
            Some(200),
        ),
        (
            b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n",
            Then::Silence,
            Kind::Protocol,
            Some(200),
        ),
        (
            b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n",
            Then::Again(8),
            Kind::ResponseTooLarge,
            Some(200),
        ),
        (
            b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n",
            Then::Silence,
            Kind::ResponseTooLarge,
            Some(200),
        ),
    ];
    for (bytes, then, kind, status) in cases {
        let shown = format!("{} then {then:?}", String::from_utf8_lossy(bytes));
        let error = answer(bytes, then).unwrap_err();
        assert_eq!(error.kind(), kind, "{shown}");
        assert_eq!(error.head().map(|head| head.status.as_u16()), status, "{shown}");
        assert_eq!(error.progress(), Progress::Unknown, "{shown}");
    }
}

/// A stream that takes so many bytes and then fails.
struct Full {
    room: usize,
    then: io::ErrorKind,
}

impl Read for Full {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        panic!("there is nothing to read before all is written");
    }
}

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(std::mem::take(&mut self.room));
        if taken == 0 { Err(self.then.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_request_is_unsent_until_a_byte_of_it_is_taken() {
    for (then, kind) in [
        (io::ErrorKind::BrokenPipe, Kind::ConnectionLost),
        (io::ErrorKind::WouldBlock, Kind::Timeout),
    ] {
        // Nothing, a byte of the head, all of the head and nothing of the body.
        for (room, progress) in
            [(0, Progress::NotSent), (1, Progress::Unknown), (usize::MAX, Progress::Unknown)]
        {
            let error = send(&ByHand::over(move |_| Ok(Full { room, then })), 10).unwrap_err();
            assert_eq!((error.kind(), error.progress()), (kind, progress), "{then:?} at {room}");
        }
    }
    let nobody = ByHand::over(|_| Err::<Canned, _>(io::ErrorKind::ConnectionRefused.into()));
    let error = send(&nobody, 10).unwrap_err();
    assert_eq!((error.kind(), error.progress()), (Kind::Connect, Progress::NotSent));
}
