//! Trust and identity: roots besides the system's, bundles with a broken certificate, renewal while calls are under
//! way, and revocation lists. Over real TLS.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use otp_core::bytes::Bytes;
use otp_core::http::{Request, Response};
use otp_core::{AuthToken, BaseUrl, Effect, Error, ErrorKind, OtpsApi, OtpsClient, RetryPolicy};
use otp_hyper::{HttpVersions, HyperTransport, HyperTransportBuilder, Identity, Roots};
use otp_test_certificates::{Authority, Issued, Leaf, Usage};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;

/// A server that answers each request when it is allowed to, and notes who asked.
struct Site {
    url: BaseUrl,
    connections: Arc<AtomicUsize>,
    /// The client certificate of each request.
    clients: Arc<Mutex<Vec<Option<Vec<u8>>>>>,
    /// A message for each request that arrived.
    arrived: mpsc::UnboundedReceiver<()>,
    /// One permit answers one request.
    answers: Arc<Semaphore>,
}

impl Site {
    /// With this certificate. Clients must show one from the second CA, if there is one.
    async fn start(certificate: &Issued, clients_of: Option<&Authority>) -> Self {
        let acceptor = acceptor(certificate, clients_of);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/metal/v1", listener.local_addr().unwrap());
        let (sender, arrived) = mpsc::unbounded_channel();
        let site = Self {
            url: BaseUrl::new(url).unwrap(),
            connections: Arc::default(),
            clients: Arc::default(),
            arrived,
            answers: Arc::new(Semaphore::new(0)),
        };
        let connections = Arc::clone(&site.connections);
        let (clients, answers) = (Arc::clone(&site.clients), Arc::clone(&site.answers));
        tokio::spawn(async move {
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                connections.fetch_add(1, Ordering::SeqCst);
                let seen = Seen {
                    clients: Arc::clone(&clients),
                    answers: Arc::clone(&answers),
                    arrived: sender.clone(),
                };
                tokio::spawn(serve(acceptor.clone(), tcp, seen));
            }
        });
        site
    }

    /// Answers this many requests from now on.
    fn answer(&self, requests: usize) {
        self.answers.add_permits(requests);
    }

    fn requests(&self) -> usize {
        self.clients.lock().unwrap().len()
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn last_client(&self) -> Option<Vec<u8>> {
        self.clients.lock().unwrap().last().unwrap().clone()
    }

    fn client(&self, transport: &HyperTransport) -> OtpsClient {
        OtpsClient::builder(transport.clone(), AuthToken::new("a-t0ken").unwrap())
            .base_url(self.url.clone())
            .retry(RetryPolicy::never())
            .build()
            .unwrap()
    }
}

#[derive(Clone)]
struct Seen {
    clients: Arc<Mutex<Vec<Option<Vec<u8>>>>>,
    answers: Arc<Semaphore>,
    arrived: mpsc::UnboundedSender<()>,
}

async fn serve(acceptor: TlsAcceptor, tcp: TcpStream, seen: Seen) {
    let Ok(stream) = acceptor.accept(tcp).await else { return };
    let shown = stream.get_ref().1.peer_certificates().map(|chain| chain[0].to_vec());
    let service = service_fn(move |_: Request<Incoming>| {
        let (seen, shown) = (seen.clone(), shown.clone());
        async move {
            seen.clients.lock().unwrap().push(shown);
            seen.arrived.send(()).unwrap();
            seen.answers.acquire().await.unwrap().forget();
            let response = Response::builder().status(204).body(Full::<Bytes>::default());
            Ok::<_, Infallible>(response.unwrap())
        }
    });
    let server = auto::Builder::new(TokioExecutor::new());
    // The client closes it at any time.
    let _ = server.serve_connection(TokioIo::new(stream), service).await;
}

fn acceptor(certificate: &Issued, clients_of: Option<&Authority>) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let clients = match clients_of {
        None => WebPkiClientVerifier::no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
                .build()
                .unwrap()
        }
    };
    let key = PrivateKeyDer::Pkcs8(certificate.key_der().to_vec().into());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(clients)
        .with_single_cert(vec![CertificateDer::from(certificate.der().to_vec())], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

fn authority(name: &str) -> Authority {
    Authority::new(name).unwrap()
}

fn server_of(authority: &Authority) -> Issued {
    authority.issue(&Leaf::new("127.0.0.1").names(["127.0.0.1"])).unwrap()
}

fn client_of(authority: &Authority) -> Issued {
    authority.issue(&Leaf::new("a client").usage(Usage::Client)).unwrap()
}

fn identity(issued: &Issued) -> Identity {
    Identity::pem(issued.pem().unwrap(), issued.key_pem().unwrap().as_bytes()).unwrap()
}

fn trusting(authority: &Authority) -> HyperTransportBuilder {
    HyperTransport::builder().roots(Roots::pem(authority.pem()).unwrap())
}

const VERSIONS: [HttpVersions; 2] = [HttpVersions::Http1, HttpVersions::Http2];

fn assert_refused(error: &Error, why: &str) {
    assert_eq!(error.kind(), ErrorKind::Tls, "{error}");
    assert_eq!(error.effect(), Effect::NotApplied, "{error}");
    assert!(error.to_string().contains(why), "{error}");
}

#[cfg(feature = "platform-verifier")]
#[tokio::test]
async fn an_own_ca_is_trusted_besides_those_of_the_system() {
    let (own, second, unknown) = (authority("own"), authority("second"), authority("unknown"));
    let roots = Roots::platform().and_pem(own.pem()).unwrap().and_pem(second.pem()).unwrap();
    let transport = HyperTransport::builder().roots(roots).build().unwrap();
    for trusted in [&own, &second] {
        let site = Site::start(&server_of(trusted), None).await;
        site.answer(1);
        site.client(&transport).receive_codes().await.unwrap();
    }
    let site = Site::start(&server_of(&unknown), None).await;
    let error = site.client(&transport).receive_codes().await.unwrap_err();
    assert_refused(&error, "not signed by a CA that is trusted here");
}

#[test]
fn an_unreadable_certificate_of_a_bundle_is_named_by_its_number() {
    let (good, key) = {
        let issued = client_of(&authority("a CA"));
        (issued.pem().unwrap(), issued.key_pem().unwrap().to_string())
    };
    let cut = good.replace("-----END CERTIFICATE-----", "");
    let garbled = good.replacen("MII", "M!I", 1);
    let no_certificate = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    for (bundle, number, why) in [
        (format!("{good}{garbled}{good}"), 2, "its base64 is broken"),
        (format!("{good}a comment\n{good}{no_certificate}"), 3, "it is not an X.509 certificate"),
        (format!("{no_certificate}{good}"), 1, "it is not an X.509 certificate"),
        (format!("{good}{cut}"), 2, "line is missing"),
    ] {
        for error in [
            Roots::pem(&bundle).unwrap_err(),
            Roots::pem(&good).unwrap().and_pem(&bundle).unwrap_err(),
            Identity::pem(&bundle, &key).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let error = error.to_string();
            let which = format!("certificate {number} of the text cannot be read: ");
            assert!(error.contains(&which) && error.contains(why), "{error}");
            assert!(
                !error.contains("MII") && !error.contains("M!I"),
                "it quotes the text: {error}"
            );
        }
    }
}

#[tokio::test]
async fn new_roots_are_used_by_the_next_call_and_calls_under_way_go_on() {
    for versions in VERSIONS {
        let (old, new) = (authority("old"), authority("new"));
        let mut site = Site::start(&server_of(&old), None).await;
        let transport = trusting(&old).http_versions(versions).build().unwrap();
        let client = site.client(&transport);
        site.answer(1);
        client.receive_codes().await.unwrap();
        site.arrived.recv().await.unwrap();

        let under_way = tokio::spawn({
            let client = client.clone();
            async move { client.receive_codes().await }
        });
        site.arrived.recv().await.unwrap();
        // A clone shares the settings.
        transport.clone().set_roots(Roots::pem(new.pem()).unwrap()).unwrap();

        // Neither the kept connection nor its TLS session gets around the new roots.
        let error = client.receive_codes().await.unwrap_err();
        assert_refused(&error, "CA");
        site.answer(1);
        under_way.await.unwrap().unwrap();
        assert_eq!(site.requests(), 2, "{versions:?}");
        let error = client.receive_codes().await.unwrap_err();
        assert_refused(&error, "CA");

        let both = Roots::pem(new.pem()).unwrap().and_pem(old.pem()).unwrap();
        transport.set_roots(both).unwrap();
        site.answer(2);
        client.receive_codes().await.unwrap();
        let connections = site.connections();
        client.receive_codes().await.unwrap();
        assert_eq!(site.connections(), connections, "{versions:?}: new connections are kept");
    }
}

#[tokio::test]
async fn a_renewed_identity_is_shown_from_the_next_call_on() {
    for versions in VERSIONS {
        let ca = authority("a CA");
        let (first, second) = (client_of(&ca), client_of(&ca));
        let mut site = Site::start(&server_of(&ca), Some(&ca)).await;
        let builder = trusting(&ca).http_versions(versions).identity(identity(&first));
        let transport = builder.build().unwrap();
        let client = site.client(&transport);

        let under_way = tokio::spawn({
            let client = client.clone();
            async move { client.receive_codes().await }
        });
        site.arrived.recv().await.unwrap();
        assert_eq!(site.last_client().as_deref(), Some(first.der()));

        transport.set_identity(identity(&second)).unwrap();
        let renewed = tokio::spawn({
            let client = client.clone();
            async move { client.receive_codes().await }
        });
        site.arrived.recv().await.unwrap();
        assert_eq!(site.last_client().as_deref(), Some(second.der()), "{versions:?}");
        site.answer(2);
        under_way.await.unwrap().unwrap();
        renewed.await.unwrap().unwrap();

        // Both connections are idle now. Only the new one is used.
        site.answer(1);
        client.receive_codes().await.unwrap();
        assert_eq!(site.last_client().as_deref(), Some(second.der()), "{versions:?}");
        assert_eq!(site.connections(), 2, "{versions:?}");

        transport.set_identity(None).unwrap();
        let error = client.receive_codes().await.unwrap_err();
        assert!(error.to_string().contains("client certificate"), "{error}");
    }
}

#[tokio::test]
async fn a_change_that_is_refused_changes_nothing() {
    let (ca, other) = (authority("a CA"), authority("another CA"));
    let (good, unrelated) = (client_of(&ca), client_of(&ca));
    let site = Site::start(&server_of(&ca), Some(&ca)).await;
    let transport = trusting(&ca).identity(identity(&good)).build().unwrap();
    site.answer(2);
    site.client(&transport).receive_codes().await.unwrap();

    let mismatched =
        Identity::pem(good.pem().unwrap(), unrelated.key_pem().unwrap().as_bytes()).unwrap();
    let error = transport.set_identity(mismatched).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    let broken = "-----BEGIN X509 CRL-----\naGVsbG8=\n-----END X509 CRL-----\n";
    let roots = Roots::pem(other.pem()).unwrap().crls_pem(broken).unwrap();
    transport.set_roots(roots).unwrap_err();

    site.client(&transport).receive_codes().await.unwrap();
    assert_eq!(site.last_client().as_deref(), Some(good.der()));
    assert_eq!(site.connections(), 1, "the kept connection is still used");
}

#[tokio::test]
async fn a_revoked_certificate_is_refused() {
    let ca = authority("a CA");
    let (revoked, good) = (server_of(&ca), server_of(&ca));
    let list = ca.revocation_list([&revoked], 4096).unwrap();
    let roots = Roots::pem(ca.pem()).unwrap().crls_pem(&list).unwrap();
    let transport = HyperTransport::builder().roots(roots).build().unwrap();

    let site = Site::start(&revoked, None).await;
    let error = site.client(&transport).receive_codes().await.unwrap_err();
    assert_refused(&error, "the server's certificate was revoked");
    assert_eq!(site.requests(), 0);

    let site = Site::start(&good, None).await;
    site.answer(1);
    site.client(&transport).receive_codes().await.unwrap();
}

#[tokio::test]
async fn a_certificate_that_is_revoked_later_is_refused_once_the_list_is_replaced() {
    let ca = authority("a CA");
    let server = server_of(&ca);
    let with = |list: &str| Roots::pem(ca.pem()).unwrap().crls_pem(list).unwrap();
    let roots = with(&ca.revocation_list([], 4096).unwrap());
    let transport = HyperTransport::builder().roots(roots).build().unwrap();
    let site = Site::start(&server, None).await;
    site.answer(1);
    site.client(&transport).receive_codes().await.unwrap();

    transport.set_roots(with(&ca.revocation_list([&server], 4096).unwrap())).unwrap();
    let error = site.client(&transport).receive_codes().await.unwrap_err();
    assert_refused(&error, "the server's certificate was revoked");
    assert_eq!(site.requests(), 1);
}

#[tokio::test]
async fn nothing_is_sent_where_no_current_list_of_the_ca_says_that_the_certificate_is_good() {
    let (ca, other) = (authority("a CA"), authority("another CA"));
    let namesake = authority("a CA");
    let site = Site::start(&server_of(&ca), None).await;
    for (list, why) in [
        (ca.revocation_list([], 2001).unwrap(), "nothing current says"),
        (other.revocation_list([], 4096).unwrap(), "nothing current says"),
        (namesake.revocation_list([], 4096).unwrap(), "revocation list"),
    ] {
        let roots = Roots::pem(ca.pem()).unwrap().crls_pem(&list).unwrap();
        let transport = HyperTransport::builder().roots(roots).build().unwrap();
        let error = site.client(&transport).receive_codes().await.unwrap_err();
        assert_refused(&error, why);
        assert!(error.to_string().contains("certificate revocation lists"), "{error}");
    }
    assert_eq!(site.requests(), 0);
}

#[test]
fn an_unreadable_revocation_list_is_named_by_its_number() {
    let ca = authority("a CA");
    let good = ca.revocation_list([], 4096).unwrap();
    let roots = || Roots::pem(ca.pem()).unwrap();
    let garbled = good.replacen("MII", "M!I", 1).replacen("MIH", "M!H", 1);
    let error = roots().crls_pem(format!("{good}{garbled}")).unwrap_err().to_string();
    assert!(error.contains("list 2 of the text cannot be read: its base64 is broken"), "{error}");
    let error = roots().crls_pem(ca.pem()).unwrap_err().to_string();
    assert!(error.contains("'-----BEGIN X509 CRL-----'"), "{error}");

    let no_list = "-----BEGIN X509 CRL-----\naGVsbG8=\n-----END X509 CRL-----\n";
    let roots = roots().crls_pem(format!("{good}{no_list}{good}")).unwrap();
    let error = HyperTransport::builder().roots(roots).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("list 2 cannot be read"), "{error}");
}
