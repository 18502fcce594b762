//! The service in memory, at the other end of a stream that gives and takes a few bytes at a time: client and
//! service on the test's own thread.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::rc::Rc;

use httparse::Status;
use otp_core::bytes::Bytes;
use otp_core::http::{HeaderValue, Request};
use otp_core::local::{OtpsApi, OtpsClient};
use otp_core::{AuthToken, BaseUrl, ErrorKind};
use otp_emulator::FakeOtps;
use otp_example_by_hand::{ByHand, block_on};

/// A connection to the service. It is ready every other time, for at most seven bytes.
struct Duplex {
    service: FakeOtps,
    log: Rc<RefCell<Vec<String>>>,
    ready: bool,
    to_service: Vec<u8>,
    from_service: VecDeque<u8>,
}

impl Duplex {
    fn turn(&mut self) -> io::Result<()> {
        self.ready = !self.ready;
        if self.ready { Ok(()) } else { Err(io::ErrorKind::WouldBlock.into()) }
    }

    /// Answers a request as soon as it is complete; none of this API has a body.
    fn serve(&mut self) {
        let mut fields = [httparse::EMPTY_HEADER; 16];
        let mut head = httparse::Request::new(&mut fields);
        let Ok(Status::Complete(_)) = head.parse(&self.to_service) else { return };
        let mut request = Request::builder().method(head.method.unwrap()).uri(head.path.unwrap());
        for field in head.headers {
            request = request.header(field.name, field.value);
        }
        let response = self.service.respond(&request.body(Bytes::new()).unwrap());
        self.log.borrow_mut().push(String::from_utf8(self.to_service.clone()).unwrap());

        write!(self.from_service, "HTTP/1.1 {}\r\n", response.status()).unwrap();
        write!(self.from_service, "content-length: {}\r\n", response.body().len()).unwrap();
        for (name, value) in response.headers() {
            write!(self.from_service, "{name}: {}\r\n", value.to_str().unwrap()).unwrap();
        }
        self.from_service.extend(b"\r\n");
        self.from_service.extend(response.body());
    }
}

impl Write for Duplex {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.turn()?;
        let taken = bytes.len().min(7);
        self.to_service.extend_from_slice(&bytes[..taken]);
        self.serve();
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.turn()
    }
}

impl Read for Duplex {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.turn()?;
        let given = buffer.len().min(7);
        self.from_service.read(&mut buffer[..given])
    }
}

#[test]
fn the_four_operations_work_over_a_duplex_in_memory() {
    let service = FakeOtps::new();
    let log = Rc::new(RefCell::new(Vec::new()));
    let (other_end, requests) = (service.clone(), Rc::clone(&log));
    let transport = ByHand::over(move |_| {
        Ok(Duplex {
            service: other_end.clone(),
            log: Rc::clone(&requests),
            ready: false,
            to_service: Vec::new(),
            from_service: VecDeque::new(),
        })
    });
    let client = OtpsClient::builder(transport, service.token().clone())
        .base_url(BaseUrl::new("http://localhost/metal/v1").unwrap())
        .user_agent(HeaderValue::from_static("a-test"))
        .build()
        .unwrap();

    block_on(async {
        client.receive_codes().await.unwrap();
        let otp = service.last_sms().unwrap().otp;
        client.find_ensure_otp(&otp).await.unwrap();
        let codes = client.find_recovery_codes().await.unwrap();
        assert_ne!(client.regenerate_codes().await.unwrap(), codes);

        let stranger = client.with_token(AuthToken::new("a-strangers-token").unwrap());
        let error = stranger.find_recovery_codes().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
    });

    let last = log.borrow().last().unwrap().clone();
    let (line, fields) = last.strip_suffix("\r\n\r\n").unwrap().split_once("\r\n").unwrap();
    assert_eq!(line, "GET /metal/v1/user/otp/recovery-codes HTTP/1.1");
    let mut fields: Vec<_> = fields.split("\r\n").collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "accept: application/json",
            "host: localhost",
            "user-agent: a-test",
            "x-auth-token: a-strangers-token"
        ]
    );
    let empty_by_announcement = |request: &String| request.contains("content-length: 0");
    let said: Vec<_> = log.borrow().iter().map(empty_by_announcement).collect();
    assert_eq!(said, [true, true, false, true, false], "a POST says that it is empty");
}
