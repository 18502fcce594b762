use std::panic::catch_unwind;

use otp_conformance::hostile::{Fault, Server, Wire};
use otp_emulator::Emulator;
use otp_hyper::HyperTransport;

#[test]
fn each_crate_says_which_feature_to_turn_on() {
    let error = HyperTransport::new().unwrap_err().to_string();
    assert!(error.contains("'aws-lc-rs' or 'ring' of otp-hyper"), "{error}");

    let error = Emulator::start().unwrap_err().to_string();
    assert!(error.contains("'aws-lc-rs' or 'ring' of rustls, otp-hyper, otp-emulator"), "{error}");
    // Without TLS it needs none.
    Emulator::builder().plain().start().unwrap();

    let panic = catch_unwind(|| Server::start(Wire::http1(), Fault::Deaf)).unwrap_err();
    let error = panic.downcast_ref::<String>().unwrap();
    assert!(error.contains("otp-conformance cannot serve TLS"), "{error}");
}
