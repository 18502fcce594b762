//! Any response, to any operation: no panic, no success that is none, no secret in the error.

#![no_main]

#[path = "traced.rs"]
mod traced;

use std::fmt::Debug;
use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use otp_core::http::{HeaderName, HeaderValue, StatusCode};
use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::{
    Answer, AuthToken, CallOptions, ClientConfig, Error, Exchange, Operation, Otp, Response,
    RetryPolicy, Step, TransportError, TransportErrorKind,
};

const TOKEN: &str = "canary-t0ken-7c1f";
const OTP: &str = "canary-0tp-93ab";

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    status: u16,
    headers: Vec<(Header, &'a [u8])>,
    body: &'a [u8],
    lost: bool,
}

#[derive(Arbitrary, Debug)]
enum Header {
    ContentType,
    ContentEncoding,
    RetryAfter,
    Date,
    Session,
    RequestId,
    Sunset,
    Deprecation,
    RateLimit,
}

impl Header {
    fn name(&self) -> HeaderName {
        HeaderName::from_static(match self {
            Self::ContentType => "content-type",
            Self::ContentEncoding => "content-encoding",
            Self::RetryAfter => "retry-after",
            Self::Date => "date",
            Self::Session => "x-auth-token",
            Self::RequestId => "x-request-id",
            Self::Sunset => "sunset",
            Self::Deprecation => "deprecation",
            Self::RateLimit => "x-ratelimit-remaining",
        })
    }
}

fn answer<O: Operation>(
    operation: O,
    input: &Input<'_>,
) -> Option<Result<Answer<O::Output>, Error>> {
    let config = ClientConfig::new(AuthToken::new(TOKEN).ok()?);
    let options = CallOptions::default().with_retry(RetryPolicy::never());
    let mut exchange = Exchange::new(&config, operation, options, Duration::ZERO);
    let Step::Send(_) = exchange.next(Duration::ZERO) else { panic!("must send") };
    let mut response = Response::new(input.body.to_vec().into());
    *response.status_mut() = StatusCode::from_u16(input.status).ok()?;
    for (name, value) in &input.headers {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            response.headers_mut().append(name.name(), value);
        }
    }
    let outcome = if input.lost {
        let error = TransportError::unknown(TransportErrorKind::ConnectionLost);
        Err(error.with_head(response.into_parts().0))
    } else {
        Ok(response)
    };
    exchange.received(outcome, Duration::from_millis(1));
    match exchange.next(Duration::from_millis(1)) {
        Step::Done(result) => Some(result),
        _ => panic!("one attempt must end it"),
    }
}

/// `secrets` are those of the request: what a server says of others' is no echo.
fn check<T: Debug>(result: Option<Result<Answer<T>, Error>>, statuses: &[u16], secrets: &[&str]) {
    match result {
        None => {}
        Some(Ok(answer)) => {
            assert!(statuses.contains(&answer.metadata.status().as_u16()));
            let _ = (answer.metadata.sunset(), answer.metadata.deprecation());
            let _ = answer.metadata.rate_limit();
            let said = format!("{answer:?}").to_lowercase();
            assert!(!secrets.iter().any(|secret| said.contains(secret)), "{said}");
        }
        Some(Err(error)) => {
            let said = format!("{error} {error:?}").to_lowercase();
            assert!(!secrets.iter().any(|secret| said.contains(secret)), "{said}");
            assert!(!error.to_string().contains('\n'), "{error}");
            assert!(error.messages().len() <= 16);
            assert!(error.messages().iter().all(|message| message.len() <= 512));
            // A caller may add it to a time.
            let _ = error.retry_after().map(|wait| std::time::Instant::now() + wait);
        }
    }
}

fuzz_target!(|input: Input<'_>| {
    let Ok(otp) = Otp::new(OTP) else { return };
    traced::traced(&[TOKEN, OTP], || {
        check(answer(FindEnsureOtp::new(otp), &input), &[200, 204], &[TOKEN, OTP]);
        check(answer(ReceiveCodes, &input), &[204], &[TOKEN]);
        check(answer(FindRecoveryCodes, &input), &[200], &[TOKEN]);
        check(answer(RegenerateCodes, &input), &[200], &[TOKEN]);
    });
});
