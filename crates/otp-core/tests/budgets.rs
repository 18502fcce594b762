//! Who shares a retry budget with whom.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use otp_core::operation::FindRecoveryCodes;
use otp_core::{AuthToken, ClientConfig, ErrorKind, OtpsApi, OtpsClient};
use support::{Script, TOKEN, base_url, status};

fn client(share: Option<bool>) -> OtpsClient {
    let script = Script::new([status(503)]);
    let mut client =
        OtpsClient::builder(script, AuthToken::new(TOKEN).unwrap()).base_url(base_url());
    if let Some(share) = share {
        client = client.share_retry_budget(share);
    }
    client.build().unwrap()
}

fn attempts(client: &OtpsClient) -> usize {
    let error = pollster::block_on(client.call(FindRecoveryCodes).send()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server);
    error.attempts().len()
}

/// Fails until there is nothing left to retry with.
fn use_up(client: &OtpsClient) {
    assert_eq!(attempts(client), 3);
    for _ in 0..10 {
        attempts(client);
    }
    assert_eq!(attempts(client), 1);
}

fn other() -> AuthToken {
    AuthToken::new("another-tenant").unwrap()
}

#[test]
fn a_failing_tenant_does_not_use_up_the_retries_of_another() {
    for client in [client(None), client(Some(false))] {
        let tenant = client.with_token(other());
        use_up(&tenant);
        assert_eq!(attempts(&client), 3);
        assert_eq!(attempts(&client.with_token(other())), 3);
        use_up(&client);
        assert_eq!(attempts(&client.with_token(other())), 3);
        assert_eq!(attempts(&client.clone()), 1, "a clone is the same tenant");
    }
}

#[test]
fn tenants_share_a_budget_if_they_are_told_to() {
    let client = client(Some(true));
    use_up(&client.with_token(other()));
    assert_eq!(attempts(&client), 1);
    assert_eq!(attempts(&client.with_token(other()).with_token(other())), 1);
    let session = client.in_session(&other()).unwrap();
    let error = pollster::block_on(session.find_recovery_codes()).unwrap_err();
    assert_eq!(error.attempts().len(), 1);
}

#[test]
fn a_call_with_its_own_token_uses_the_budget_of_its_client() {
    let client = client(None);
    use_up(&client);
    let call = client.call(FindRecoveryCodes).token(other());
    assert_eq!(pollster::block_on(call.send()).unwrap_err().attempts().len(), 1);
}

#[test]
fn everything_else_is_shared_with_a_tenant() {
    let script = Arc::new(Script::new([status(503)]));
    let config = ClientConfig::builder(AuthToken::new(TOKEN).unwrap())
        .base_url(base_url())
        .response_limit(77)
        .build()
        .unwrap();
    let tenant = config.with_token(other());
    assert_eq!(tenant.base_url(), config.base_url());
    assert_eq!(tenant.response_limit(), 77);
    let request = tenant.request(&FindRecoveryCodes).unwrap();
    assert_eq!(request.as_http().headers()["x-auth-token"], "another-tenant");
    drop(script);
}
