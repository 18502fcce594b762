//! Any text as an OTP, a token or a base URL: taken as documented, or refused without being repeated.

#![no_main]

use libfuzzer_sys::fuzz_target;
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, BaseUrl, Error, ErrorKind, Otp};

fn refused(error: &Error, text: &str) {
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let said = format!("{error} {error:?}");
    // A short text may be a part of the sentence by chance.
    assert!(text.len() < 24 || !said.contains(text), "{said}");
}

fuzz_target!(|text: &str| {
    match Otp::new(text) {
        Ok(otp) => {
            let otp = otp.expose_secret();
            assert!((1..=64).contains(&otp.len()));
            assert!(otp.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
        }
        Err(error) => refused(&error, text),
    }
    match AuthToken::new(text) {
        Ok(token) => {
            assert_eq!(token.expose_secret(), text);
            assert_eq!(token.to_header_value().as_bytes(), text.as_bytes());
        }
        Err(error) => refused(&error, text),
    }
    for parsed in [BaseUrl::new(text), BaseUrl::dangerously_in_the_clear(text)] {
        match parsed {
            Ok(url) => {
                let shown = url.to_string();
                assert!(!shown.contains(['?', '#']), "{shown}");
                assert!(!url.authority().as_str().contains('@'), "{shown}");
                assert!(!shown.ends_with('/'), "{shown}");
                let again = BaseUrl::dangerously_in_the_clear(&shown);
                assert_eq!(again.ok().as_ref(), Some(&url), "{shown}");
            }
            Err(error) => refused(&error, text),
        }
    }
});
