//! What looks at the service without using it uses up no fault.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use otp_core::operation::ReceiveCodes;
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, BaseUrl, Operation, OtpsApi};
use otp_emulator::{Emulator, FakeOtps, Fault};
use otp_hyper::HttpVersions;
use otp_mock::{CustomFault, Reply};
use support::{ask, client};

const SMS: &str = "/metal/v1/user/otp/sms/receive";

/// A fake with every fault that strikes so many times, and one of the test's own.
fn armed() -> FakeOtps {
    let fake = FakeOtps::new();
    for fault in Fault::ALL.iter().filter(|fault| fault.usual_times().is_some()) {
        fake.arm(*fault);
    }
    fake.arm(Fault::CaptivePortal.for_operation(ReceiveCodes::ENDPOINT).times(1));
    fake.arm_custom(CustomFault::before_acting("own", Reply::status(418)).times(1));
    fake
}

fn what_is_armed(fake: &FakeOtps) -> (String, Vec<&'static str>) {
    (format!("{:?}", fake.armed_numbered()), fake.armed_custom())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_uses_up_no_fault_and_a_call_does() {
    for tls in [false, true] {
        let fake = armed();
        let emulator = Emulator::builder().fake(fake.clone());
        let emulator = if tls { emulator } else { emulator.plain() }.start().unwrap();
        let (address, before) = (emulator.local_addr(), what_is_armed(&fake));

        // A port scan, and a hello that ends.
        drop(TcpStream::connect(address).unwrap());
        let mut hello = TcpStream::connect(address).unwrap();
        hello.write_all(&[0x16, 3, 1, 0, 5, 1, 0]).unwrap();
        drop(hello);
        let mut silent = TcpStream::connect(address).unwrap();
        silent.shutdown(std::net::Shutdown::Write).unwrap();
        silent.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let _ = silent.read(&mut [0; 16]);
        if !tls {
            let token = emulator.token();
            let right = format!("X-Auth-Token: {}\r\n", token.expose_secret());
            for (method, path, headers, status) in [
                ("GET", "/", "", 404),
                ("HEAD", "/", right.as_str(), 404),
                ("GET", "/favicon.ico", right.as_str(), 404),
                ("POST", SMS, "", 401),
                ("POST", SMS, "X-Auth-Token: wrong\r\n", 401),
                ("GET", SMS, right.as_str(), 405),
                ("OPTIONS", SMS, right.as_str(), 405),
            ] {
                let answer = ask(address, method, path, headers, "");
                assert_eq!(answer.status, status, "{method} {path}");
            }
        }
        let versions = HttpVersions::Http2;
        let stranger = AuthToken::new("stranger").unwrap();
        let url: BaseUrl = emulator.base_url();
        let stranger = client(url.clone(), stranger, emulator.ca_pem(), versions);
        stranger.receive_codes().await.unwrap_err();
        assert_eq!(what_is_armed(&fake), before);

        let user = client(url, emulator.token(), emulator.ca_pem(), versions);
        user.receive_codes().await.unwrap_err();
        assert_ne!(what_is_armed(&fake), before);
    }
}

#[test]
fn what_strikes_until_it_is_disarmed_strikes_a_probe_too() {
    let emulator = Emulator::builder().plain().start().unwrap();
    emulator.arm(Fault::CaptivePortal);
    let page = ask(emulator.local_addr(), "GET", "/", "", "");
    assert!(page.status == 200 && page.head.contains("text/html"), "{page:?}");
}
