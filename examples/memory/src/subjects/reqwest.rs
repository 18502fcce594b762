//! What people write who have no SDK: reqwest, and secrets as `String`s.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Response};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::{Setup, Steps};

pub(super) fn tls(setup: &Setup) -> Result<ClientConfig, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(setup.ca_pem.as_bytes()) {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![if setup.http2 { b"h2".to_vec() } else { b"http/1.1".to_vec() }];
    Ok(config)
}

pub(super) async fn run(setup: &Setup, steps: &mut Steps) -> Result<(), Box<dyn Error>> {
    let secret = |name: &str| String::from(setup.secret(name).as_str());
    let mut builder = Client::builder().tls_backend_preconfigured(tls(setup)?).no_proxy();
    if !setup.proxy.is_empty() {
        let proxy =
            reqwest::Proxy::all(&setup.proxy)?.basic_auth("user", &secret("proxy-password"));
        builder = builder.proxy(proxy);
    }
    let client = builder.build()?;
    let url = setup.url.clone();
    let token = secret("token");
    steps.note("built");

    let sent = client
        .post(format!("{url}/user/otp/sms/receive"))
        .header("X-Auth-Token", &token)
        .send()
        .await?;
    steps.note("sms");
    let verify = async |otp: String, limit: u64| -> reqwest::Result<Response> {
        client
            .post(format!("{url}/user/otp/verify/{otp}"))
            .header("X-Auth-Token", &token)
            .timeout(Duration::from_millis(limit))
            .send()
            .await
    };
    let verified = verify(secret("otp"), 10_000).await?;
    steps.note("verify");
    let session = verified.headers()["x-auth-token"].to_str()?.to_owned();
    let codes_url = format!("{url}/user/otp/recovery-codes");
    let codes: serde_json::Value =
        client.get(&codes_url).header("X-Auth-Token", &session).send().await?.json().await?;
    steps.note("codes");
    let new_codes: serde_json::Value =
        client.post(&codes_url).header("X-Auth-Token", &session).send().await?.json().await?;
    steps.note("regenerate");
    let refused = client
        .post(format!("{url}/user/otp/sms/receive"))
        .header("X-Auth-Token", secret("refused-token"))
        .send()
        .await?
        .text()
        .await?;
    steps.note("refused-token");
    let wrong = verify(secret("wrong-otp"), 10_000).await?.text().await?;
    steps.note("wrong-otp");
    let late = verify(secret("late-otp"), 300).await.err().ok_or("it should be late")?;
    steps.note("timeout");
    let dropped = verify(secret("dropped-otp"), 10_000);
    if tokio::time::timeout(Duration::from_millis(300), dropped).await.is_ok() {
        return Err("a call ended that should not".into());
    }
    steps.note("dropped-call");

    drop((sent, verified, codes, new_codes, refused, wrong, late));
    steps.note("answers-dropped");
    drop((client, token, session));
    Ok(())
}
