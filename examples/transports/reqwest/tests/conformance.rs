//! It keeps what a transport promises.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use otp_conformance::{Kit, this_test};
use otp_example_reqwest::ReqwestTransport;

#[tokio::test]
async fn it_conforms() {
    Kit::new()
        .in_test(this_test!())
        .run(|server| ReqwestTransport::trusting(server.ca_pem()).unwrap())
        .await
        .assert();
}
