//! It keeps what a transport promises.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use otp_conformance::Kit;
use otp_example_reqwest::ReqwestTransport;

#[tokio::test]
async fn it_conforms() {
    Kit::new().run(|server| ReqwestTransport::trusting(server.ca_pem()).unwrap()).await.assert();
}
