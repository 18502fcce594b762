//! What an error says to a person who was woken up by it: every kind for every operation.

use std::time::Duration;

use otp_core::http::StatusCode;
use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::{Attempt, Effect, Endpoint, Error, ErrorKind, Operation};

const OPERATIONS: [&Endpoint; 4] = [
    FindEnsureOtp::ENDPOINT,
    FindRecoveryCodes::ENDPOINT,
    ReceiveCodes::ENDPOINT,
    RegenerateCodes::ENDPOINT,
];

#[test]
fn every_kind_of_every_operation_has_its_sentence() {
    let mut sentences = Vec::new();
    for kind in ErrorKind::ALL {
        for endpoint in OPERATIONS {
            sentences.push(Error::builder(*kind).endpoint(endpoint).build().to_string());
        }
        sentences.push(String::new());
    }
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn a_lost_reply_of_every_operation_has_its_sentence() {
    let sentences = OPERATIONS.map(|endpoint| {
        let status = [StatusCode::OK, StatusCode::NO_CONTENT]
            .into_iter()
            .find(|status| endpoint.is_acknowledged_by(*status));
        Error::builder(ErrorKind::ConnectionLost)
            .endpoint(endpoint)
            .effect(Effect::Applied)
            .status(status)
            .reason("closed after 17 of 300 bytes")
            .build()
            .to_string()
    });
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn what_is_known_besides_is_in_the_sentence() {
    let attempt = |started, took| {
        let mut attempt = Attempt::new(ErrorKind::Server);
        attempt.started = Duration::from_millis(started);
        attempt.duration = Duration::from_millis(took);
        attempt
    };
    let sentences = [
        Error::builder(ErrorKind::Server)
            .endpoint(FindRecoveryCodes::ENDPOINT)
            .status(StatusCode::SERVICE_UNAVAILABLE)
            .messages(["down for maintenance", "try tomorrow"])
            .attempts([attempt(0, 40), attempt(100, 900), attempt(2000, 153)])
            .build(),
        Error::builder(ErrorKind::RateLimited)
            .endpoint(ReceiveCodes::ENDPOINT)
            .retry_after(Duration::from_millis(29_100))
            .build(),
        Error::builder(ErrorKind::Connect)
            .endpoint(ReceiveCodes::ENDPOINT)
            .reason("connection refused")
            .build(),
        Error::builder(ErrorKind::Timeout)
            .endpoint(ReceiveCodes::ENDPOINT)
            .effect(Effect::NotApplied)
            .reason("the call's time was up before it was sent")
            .build(),
        Error::builder(ErrorKind::Rejected)
            .endpoint(ReceiveCodes::ENDPOINT)
            .status(StatusCode::GONE)
            .effect(Effect::NotApplied)
            .build(),
        Error::builder(ErrorKind::InvalidInput).reason("invalid OTP: it is empty").build(),
    ]
    .map(|error| error.to_string());
    insta::assert_snapshot!(sentences.join("\n"));
}
