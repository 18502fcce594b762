//! It keeps what a transport promises.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use otp_conformance::{Case, Kit, this_test};
use otp_example_tower::{TowerTransport, client, layered};

#[tokio::test]
async fn it_conforms() {
    Kit::new()
        .in_test(this_test!())
        .run(|server| TowerTransport::new(client(server.ca_pem()).unwrap()))
        .await
        .assert();
}

#[tokio::test]
async fn it_conforms_with_layers_around_it() {
    let meant = "a layer of ours says who is asking, and is meant to";
    let kit = Kit::new()
        .in_test(this_test!())
        .by_design(Case::AddsNothing, meant)
        .by_design(Case::AddsNothingToAGet, meant)
        .by_design(Case::OneDoesNotWaitForAnother, "a layer of ours lets 64 at a time through");
    kit.run(|server| layered(server.ca_pem()).unwrap()).await.assert();
}
