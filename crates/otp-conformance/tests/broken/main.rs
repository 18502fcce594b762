//! The kit is itself proven: for every case there are transports that keep every promise but one, and the case sees
//! each of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "some flaws are just that")]

mod engine;
mod http2;
mod process;
mod proof;
mod variants;
mod wrapper;

use std::fmt::Display;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use otp_conformance::hostile::Server;
use otp_conformance::{Case, Kit, Report};
use otp_hyper::{HyperTransport, Roots};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ClientConfig, WantsClientCert};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    WantsVerifier,
};

use engine::Engine;
use http2::Http2;
use proof::{Broken, Flavour, Proof};
use variants::Variant;
use wrapper::Wrapper;

/// What breaks only over HTTP/2.
const HTTP2: &[Case] = &[Case::WhatHttp2RefusesIsNotSent];

/// What breaks only without TLS.
const IN_THE_CLEAR: &[Case] = &[Case::HttpsIsNeverInTheClear];

fn hyper(server: &Server) -> HyperTransport {
    let builder = HyperTransport::builder();
    let builder = match server.ca_pem() {
        "" => builder,
        ca_pem => builder.roots(Roots::pem(ca_pem).unwrap()),
    };
    builder.build().unwrap()
}

/// The kit over the wire that shows the flaw.
fn kit(flaw: Case) -> Kit {
    match flaw {
        _ if HTTP2.contains(&flaw) => Kit::new().http2(),
        _ if IN_THE_CLEAR.contains(&flaw) => Kit::new().in_the_clear(),
        _ => Kit::new(),
    }
}

/// The report about the wrapper that is meant to fail this case.
fn report(flaw: Case) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(kit(flaw).only([flaw]).run(|server| Wrapper::new(hyper(server), flaw)))
}

/// The report about the HTTP/2 transport with this flaw; none, if it is empty.
fn http2(kit: &Kit, flavour: Flavour, flaw: &'static str) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let make = |server: &Server| Http2::new(server, flaw);
    match flavour {
        Flavour::Async => runtime.block_on(kit.run(make)),
        Flavour::Local => {
            runtime.block_on(kit.run_local(|server| http2::Local(Rc::new(make(server)))))
        }
        Flavour::Blocking => kit.run_blocking(|server| http2::Blocking(make(server))),
    }
}

/// The report about a broken transport of the tables, of the case meant for it.
fn proof(proof: Proof) -> Report {
    let Broken { what, case, .. } = proof.broken;
    let kit = proof.over.kit().only([case]);
    match proof.over.is_http2() {
        true => http2(&kit, proof.flavour, what),
        false => engine(&kit, proof.flavour, what),
    }
}

/// The report about the engine with this flaw; none, if it is empty.
fn engine(kit: &Kit, flavour: Flavour, flaw: &'static str) -> Report {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let make = |server: &Server| Engine::new(server, flaw);
    match flavour {
        Flavour::Async => runtime.block_on(kit.run(make)),
        Flavour::Local => {
            runtime.block_on(kit.run_local(|server| engine::Local(Rc::new(make(server)))))
        }
        Flavour::Blocking => kit.run_blocking(|server| engine::Blocking(make(server))),
    }
}

#[test]
fn a_transport_written_by_hand_conforms() {
    engine(&Kit::new(), Flavour::Async, "").assert();
}

#[test]
fn a_local_transport_written_by_hand_conforms_in_the_clear() {
    engine(&Kit::new().in_the_clear(), Flavour::Local, "").assert();
}

#[test]
fn a_blocking_transport_written_by_hand_conforms() {
    engine(&Kit::new(), Flavour::Blocking, "").assert();
}

#[test]
fn an_http2_transport_written_by_hand_conforms() {
    http2(&Kit::new().http2(), Flavour::Async, "").assert();
}

#[test]
fn a_blocking_http2_transport_written_by_hand_conforms_in_the_clear() {
    http2(&Kit::new().http2().in_the_clear(), Flavour::Blocking, "").assert();
}

#[tokio::test]
async fn a_transport_with_tls_conforms_in_the_clear() {
    Kit::new().in_the_clear().run(hyper).await.assert();
}

/// Runs this for each of them, some at a time: they wait more than they work, but a few flood, and too
/// many at once would make all of them late. Gives what was wrong.
fn each<T: Copy + Send>(all: &[T], check: impl Fn(T) -> Option<String> + Sync) -> Vec<String> {
    let left = Mutex::new(all.to_vec());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                loop {
                    let Some(next) = left.lock().unwrap().pop() else { return };
                    let found = check(next);
                    wrong.lock().unwrap().extend(found);
                }
            });
        }
    });
    wrong.into_inner().unwrap()
}

/// What is wrong unless this case fails. It is tried three times: on a busy machine a flaw about time may fail in
/// another way before it shows.
fn unseen(what: impl Display, case: Case, report: impl Fn() -> Report) -> Option<String> {
    let mut last = report();
    for _ in 1..TRIES {
        if last.failed() == [case] {
            return None;
        }
        last = report();
    }
    (last.failed() != [case]).then(|| format!("{what} is not seen by {case}\n{last}"))
}

/// How often a broken transport is tried at most.
const TRIES: usize = 3;

/// A case that no broken transport is meant for has no wrapper either, and fails here.
#[test]
#[ignore = "takes minutes, most of them waiting: CI runs it"]
fn every_other_case_sees_the_wrapper_meant_for_it() {
    let of_tables = tables().chain(engine::flaws_of_processes()).map(|broken| broken.case);
    let elsewhere: Vec<_> = of_tables.chain(variants::ALL.iter().map(|(_, case)| *case)).collect();
    let cases = Case::ALL.iter().copied().filter(|case| !elsewhere.contains(case));
    let cases: Vec<_> = cases.collect();
    let wrong = each(&cases, |flaw| unseen("its wrapper", flaw, || report(flaw)));
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Every broken transport of the tables.
fn tables() -> impl Iterator<Item = Broken> {
    engine::flaws().chain(http2::FLAWS.iter().copied())
}

/// Each of these is seen by the case meant for it, wherever it must be.
fn seen_everywhere(table: impl Iterator<Item = Broken>) {
    let proofs: Vec<_> = table.flat_map(Broken::proofs).collect();
    // Some count what the process holds. They come first and by themselves: what others have given back, and the
    // allocator keeps, would hide what is lost.
    let counts = |proof: &Proof| {
        matches!(proof.broken.case, Case::FailuresLeaveNoThread | Case::FailuresLeaveNoMemory)
    };
    let (counting, others): (Vec<_>, Vec<_>) = proofs.iter().partition(|proof| counts(proof));
    let check = |tried: Proof| unseen(tried, tried.broken.case, || proof(tried));
    let mut wrong: Vec<_> = counting.into_iter().filter_map(check).collect();
    wrong.extend(each(&others, check));
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), proofs.len(), wrong.join("\n"));
}

#[test]
#[ignore = "takes minutes, most of them waiting: CI runs it"]
fn every_flaw_is_seen_by_the_case_meant_for_it_on_each_wire_and_in_each_flavour() {
    seen_everywhere(engine::flaws());
}

#[test]
#[ignore = "takes minutes, most of them waiting: CI runs it"]
fn every_flaw_over_http2_is_seen_by_the_case_meant_for_it_on_each_wire_and_in_each_flavour() {
    seen_everywhere(http2::FLAWS.iter().copied());
}

#[test]
fn every_flaw_has_a_name_of_its_own() {
    let all = tables().chain(engine::flaws_of_processes());
    let mut names: Vec<_> = all.map(|broken| broken.what).collect();
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|two| two[0] == two[1]).map(|two| two[0]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[test]
#[ignore = "takes minutes, most of them waiting: CI runs it"]
fn what_is_half_right_is_seen_by_the_case_meant_for_it() {
    let wrong = each(variants::ALL, |(what, case)| {
        unseen(what, case, || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let kit = kit(case).only([case]);
            runtime.block_on(kit.run(|server| Variant::new(hyper(server), what)))
        })
    });
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_report_says_what_was_expected_what_was_seen_why_and_which_clause() {
    let flaw = Case::FollowsNoRedirect;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let kit = Kit::new().only([flaw, Case::SendsOnce, Case::WhatHttp2RefusesIsNotSent]);
    let report = runtime.block_on(kit.run(|server| Wrapper::new(hyper(server), flaw)));
    let text = report.to_string();
    for part in [
        "HTTP/1.1 over TLS: 1 passed, 1 failed, 0 excepted, 1 not applicable",
        "FAILED follows_no_redirect: A redirect is the answer",
        "expected  POST, a 300: 1 received by the server",
        "seen      2 received",
        "why       a redirect would carry the token",
        "clause    1. One request\n",
        "\n1. One request: `send` sends its request at most once",
        "what_http2_refuses_is_not_sent: only HTTP/2 has this",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }

    let json: serde_json::Value = serde_json::from_str(&report.to_json()).unwrap();
    assert_eq!(json["conforms"], false);
    assert_eq!(json["cases"][1]["name"], "follows_no_redirect");
    assert_eq!(json["cases"][1]["verdict"], "failed");
    assert_eq!(json["cases"][1]["clause"], 1);
    assert_eq!(json["cases"][1]["seen"], "2 received");
    assert_eq!(json["cases"][2]["verdict"], "not_applicable");
    let panic = std::panic::catch_unwind(|| report.assert()).unwrap_err();
    assert!(panic.downcast_ref::<String>().unwrap().contains("seen      2 received"));
}

#[test]
fn an_exception_is_shown_with_its_reason_and_one_that_is_not_needed_fails() {
    let flaw = Case::KeepsNoCookies;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let kit =
        Kit::new().only([flaw, Case::SendsOnce]).except(flaw, "the platform has a cookie jar");
    let run = |kit: Kit| {
        runtime.block_on(async { kit.run(|server| Wrapper::new(hyper(server), flaw)).await })
    };
    let report = run(kit.clone());
    report.assert();
    let text = report.to_string();
    assert!(text.contains("the platform has a cookie jar; seen: Cookie: session=kept"), "{text}");

    let report = run(kit.except(Case::SendsOnce, "a mistake"));
    assert!(!report.conforms() && report.failed().is_empty());
    let text = report.to_string();
    assert!(text.contains("NEEDLESS  sends_once: a mistake; but it passed"), "{text}");
    let counted = "0 passed, 0 failed, 1 excepted, 1 excepted needlessly, 0 not applicable";
    assert!(text.contains(counted), "{text}");
}

/// A verifier that takes every certificate: the flaw that one case is about.
#[derive(Debug)]
struct Everybody(Arc<CryptoProvider>);

/// A verifier that does not mind if the certificate has no alternative names.
#[derive(Debug)]
struct CommonNames(Arc<WebPkiServerVerifier>);

fn trust_common_names(
    config: ConfigBuilder<ClientConfig, WantsVerifier>,
    roots: RootCertStore,
    provider: Arc<CryptoProvider>,
) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    let strict = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    let lenient = CommonNames(strict.build().unwrap());
    config.dangerous().with_custom_certificate_verifier(Arc::new(lenient))
}

impl ServerCertVerifier for CommonNames {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.0.verify_server_cert(end_entity, intermediates, name, ocsp, now) {
            Err(Error::InvalidCertificate(CertificateError::NotValidForNameContext {
                presented,
                ..
            })) if presented.is_empty() => Ok(ServerCertVerified::assertion()),
            strict => strict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

fn trust_everybody(
    config: ConfigBuilder<ClientConfig, WantsVerifier>,
    provider: Arc<CryptoProvider>,
) -> ConfigBuilder<ClientConfig, WantsClientCert> {
    config.dangerous().with_custom_certificate_verifier(Arc::new(Everybody(provider)))
}

impl ServerCertVerifier for Everybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
