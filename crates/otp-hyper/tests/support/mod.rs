//! What the tests share: a client that trusts a hostile server, and operations by name.

#![allow(
    dead_code,
    clippy::panic,
    reason = "each test file uses its own part; a wrong script stops it"
)]

pub mod counted;
pub mod larger;
pub mod pool;

use larger::{CreateKey, FindKey};
use otp_conformance::hostile::{Protocol, Server};
use otp_core::operation::Exposed;
use otp_core::{AuthToken, Error, Otp, OtpsApi, OtpsClient};
use otp_hyper::{HttpVersions, HyperTransport, Roots};

pub const TOKEN: &str = "canary-t0ken-7c1f";
pub const OTP: &str = "canary-0tp-93ab";

/// The names of the four operations, and of [two of a larger SDK](larger).
pub const OPERATIONS: [&str; 6] = [
    "find_ensure_otp",
    "receive_codes",
    "regenerate_codes",
    "find_recovery_codes",
    "create_key",
    "find_key",
];

pub const PROTOCOLS: [Protocol; 2] = [Protocol::Http1, Protocol::Http2];

/// A client that trusts the server and speaks what it is offered.
pub fn client(server: &Server) -> OtpsClient {
    let transport = HyperTransport::builder()
        .roots(Roots::pem(server.ca_pem()).unwrap())
        .http_versions(HttpVersions::Negotiated)
        .build()
        .unwrap();
    OtpsClient::builder(transport, AuthToken::new(TOKEN).unwrap())
        .base_url(server.base_url())
        .build()
        .unwrap()
}

/// Calls an operation by its name and says what came out of it, without its secrets.
pub async fn call(api: &OtpsClient, operation: &str) -> Result<Outcome, Error> {
    match operation {
        "find_ensure_otp" => {
            let verified = api.find_ensure_otp(&Otp::new(OTP)?).await?;
            Ok(Outcome::Verified { session: verified.into_session_token() })
        }
        "receive_codes" => api.receive_codes().await.map(|()| Outcome::Sent),
        "regenerate_codes" => api.regenerate_codes().await.map(|list| Outcome::Codes(list.len())),
        "find_recovery_codes" => {
            api.find_recovery_codes().await.map(|list| Outcome::Codes(list.len()))
        }
        "create_key" => {
            let otp = Otp::new(OTP)?;
            let create = CreateKey { description: "ci", otp: Exposed(&otp) };
            Ok(Outcome::Created(api.call(create).send().await?.value.id))
        }
        "find_key" => {
            let found = api.call(FindKey(&Otp::new(OTP)?)).send().await?.value;
            Ok(Outcome::Found(found.map(|key| key.id)))
        }
        other => panic!("there is no operation {other}"),
    }
}

#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Verified { session: Option<AuthToken> },
    Sent,
    Codes(usize),
    Created(String),
    Found(Option<String>),
}
