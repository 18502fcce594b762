//! It keeps what a transport promises.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use otp_conformance::{Kit, this_test};
use otp_example_by_hand::{ByHand, block_on};

#[test]
fn it_conforms_over_tcp() {
    let kit = Kit::new().in_test(this_test!()).in_the_clear().bound_to_its_server();
    block_on(kit.run_local(|server| ByHand::to_address(server.address()))).assert();
}

#[cfg(unix)]
#[test]
fn it_conforms_over_a_unix_socket() {
    let kit = Kit::new().in_test(this_test!()).in_the_clear().over_unix_socket();
    block_on(kit.run_local(|server| ByHand::to_unix_socket(server.socket().unwrap()))).assert();
}
