//! The transport keeps what `Transport` promises: every case of the kit, over each wire that it speaks.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use otp_conformance::hostile::Server;
use otp_conformance::{Kit, this_test};
use otp_hyper::{HttpVersions, HyperTransport, Roots};

fn trusting(server: &Server) -> HyperTransport {
    HyperTransport::builder().roots(Roots::pem(server.ca_pem()).unwrap()).build().unwrap()
}

#[tokio::test]
async fn it_conforms_over_http1() {
    Kit::new().in_test(this_test!()).run(trusting).await.assert();
}

#[tokio::test]
async fn it_conforms_over_http2() {
    Kit::new().in_test(this_test!()).http2().run(trusting).await.assert();
}

#[tokio::test]
async fn it_conforms_over_http2_in_the_clear() {
    let prior_knowledge =
        |_: &Server| HyperTransport::builder().http_versions(HttpVersions::Http2).build().unwrap();
    Kit::new().in_test(this_test!()).http2().in_the_clear().run(prior_knowledge).await.assert();
}

#[cfg(unix)]
#[tokio::test]
async fn it_conforms_over_a_unix_socket() {
    let through = |server: &Server| {
        let socket = otp_hyper::UnixSocket::new(server.socket().unwrap());
        HyperTransport::builder().connector(socket).build().unwrap()
    };
    Kit::new().in_test(this_test!()).in_the_clear().over_unix_socket().run(through).await.assert();
}
