//! The client of this project over its transport.

use std::error::Error;
use std::time::Duration;

use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::{AuthToken, BaseUrl, Otp, OtpsClient, RetryPolicy, Transport};
use otp_hyper::{HttpVersions, HyperTransport, Proxy, Roots};

use super::{Setup, Steps, should_fail};

pub(super) async fn run(setup: &Setup, steps: &mut Steps) -> Result<(), Box<dyn Error>> {
    let mut transport = HyperTransport::builder().http_versions(if setup.http2 {
        HttpVersions::Http2
    } else {
        HttpVersions::Http1
    });
    if !setup.ca_pem.is_empty() {
        transport = transport.roots(Roots::pem(&setup.ca_pem)?);
    }
    if !setup.proxy.is_empty() {
        transport = transport
            .proxy(Proxy::new(&setup.proxy)?.basic_auth("user", &setup.secret("proxy-password"))?);
    }
    calls(transport.build()?, setup, steps).await
}

/// The eight calls.
pub(super) async fn calls(
    transport: impl Transport + 'static,
    setup: &Setup,
    steps: &mut Steps,
) -> Result<(), Box<dyn Error>> {
    let token = |name| AuthToken::new(std::mem::take(&mut *setup.secret(name)));
    let otp = |name| Otp::new(std::mem::take(&mut *setup.secret(name)));

    let client = OtpsClient::builder(transport, token("token")?)
        .base_url(BaseUrl::new(&setup.url)?)
        .retry(RetryPolicy::never())
        .build()?;
    steps.note("built");

    let sent = client.call(ReceiveCodes).send().await?;
    steps.note("sms");
    let verified = client.call(FindEnsureOtp::new(otp("otp")?)).send().await?;
    steps.note("verify");
    let session_token = verified.value.session_token().ok_or("no session token")?.clone();
    let session = client.with_token(session_token);
    let codes = session.call(FindRecoveryCodes).send().await?;
    steps.note("codes");
    let new_codes = session.call(RegenerateCodes).send().await?;
    steps.note("regenerate");
    let refused =
        should_fail(client.with_token(token("refused-token")?).call(ReceiveCodes).send().await)?;
    steps.note("refused-token");
    let wrong = should_fail(client.call(FindEnsureOtp::new(otp("wrong-otp")?)).send().await)?;
    steps.note("wrong-otp");
    let late =
        client.call(FindEnsureOtp::new(otp("late-otp")?)).timeout(Duration::from_millis(300));
    let late = should_fail(late.send().await)?;
    steps.note("timeout");
    let dropped = client.call(FindEnsureOtp::new(otp("dropped-otp")?)).send();
    if tokio::time::timeout(Duration::from_millis(300), dropped).await.is_ok() {
        return Err("a call ended that should not".into());
    }
    steps.note("dropped-call");

    drop((sent, verified, codes, new_codes, refused, wrong, late));
    steps.note("answers-dropped");
    drop((client, session));
    Ok(())
}
