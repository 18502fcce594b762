//! The flavours: the same names in three modules, usable where their bounds say.
//!
//! That they behave alike, failure by failure, is in `effect.rs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use otp_core::credentials::TokenProvider;
use otp_core::local::FromSend;
use otp_core::operation::{ReadError, ReceiveCodes, RequestDraft, ResponseReader, WriteError};
use otp_core::{
    AuthToken, Endpoint, ErrorKind, Operation, Otp, Paged, Request, Response, RetryPolicy,
    TransportError, TransportErrorKind, async_trait, blocking, local,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use support::{OTP, Script, response, status};

assert_impl_all!(otp_core::OtpsClient: Send, Sync, Clone, otp_core::OtpsApi);
assert_impl_all!(blocking::OtpsClient: Send, Sync, Clone, blocking::OtpsApi);
assert_impl_all!(local::OtpsClient: Clone, local::OtpsApi);
assert_not_impl_any!(local::OtpsClient: Send, Sync);
// An operation may hold its body, over the async client too.
assert_impl_all!(otp_core::operation::Exposed<'static>: Send, Sync, Copy);

assert_impl_all!(&dyn TokenProvider: TokenProvider);
assert_impl_all!(Box<dyn TokenProvider>: TokenProvider);
assert_impl_all!(Arc<dyn TokenProvider>: TokenProvider);
assert_impl_all!(&dyn local::TokenProvider: local::TokenProvider);
assert_impl_all!(Box<dyn local::TokenProvider>: local::TokenProvider);
assert_impl_all!(Rc<dyn local::TokenProvider>: local::TokenProvider);
assert_impl_all!(Arc<dyn local::TokenProvider>: local::TokenProvider);
assert_impl_all!(FromSend<Arc<dyn TokenProvider>>: local::TokenProvider);
assert_impl_all!(&dyn blocking::TokenProvider: blocking::TokenProvider);
assert_impl_all!(Box<dyn blocking::TokenProvider>: blocking::TokenProvider);
assert_impl_all!(Arc<dyn blocking::TokenProvider>: blocking::TokenProvider);

/// A transport that cannot leave its thread, and is not ready at once.
#[derive(Default)]
struct Radio {
    log: Rc<RefCell<Vec<String>>>,
    clock: Cell<Duration>,
    refusals: Cell<u32>,
}

#[async_trait(?Send)]
impl local::Transport for Radio {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        turn().await;
        self.log.borrow_mut().push(request.endpoint().name().to_owned());
        if let Some(left) = self.refusals.get().checked_sub(1) {
            self.refusals.set(left);
            return Err(TransportError::not_sent(TransportErrorKind::Connect));
        }
        turn().await;
        Ok(response(204, &[], ""))
    }

    async fn sleep(&self, duration: Duration) {
        turn().await;
        self.log.borrow_mut().push("wait".to_owned());
        self.clock.set(self.clock.get() + duration);
    }

    fn now(&self) -> Duration {
        self.clock.get()
    }
}

/// Pending once.
async fn turn() {
    let mut pending = true;
    std::future::poll_fn(|cx| {
        cx.waker().wake_by_ref();
        if std::mem::take(&mut pending) { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

/// A whole runtime: polls, and polls again.
fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut cx) {
            return value;
        }
    }
}

#[test]
fn a_local_client_retries_over_a_transport_that_holds_an_rc() {
    let radio = Radio { refusals: Cell::new(2), ..Radio::default() };
    let log = Rc::clone(&radio.log);
    let client = local::OtpsClient::new(radio, AuthToken::new("t").unwrap());
    let answer = run(client.call(ReceiveCodes).send()).unwrap();
    assert_eq!(answer.metadata.attempts(), 3);
    assert_eq!(*log.borrow(), ["receive_codes", "wait", "receive_codes", "wait", "receive_codes"]);
}

#[test]
fn a_local_client_shares_its_transport_with_its_clones_and_other_tokens() {
    let radio = Rc::new(Radio::default());
    let client = local::OtpsClient::builder(Rc::clone(&radio), AuthToken::new("t").unwrap())
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    let other = client.with_token(AuthToken::new("u").unwrap());
    run(async {
        local::OtpsApi::receive_codes(&client.clone()).await.unwrap();
        local::OtpsApi::receive_codes(&other).await.unwrap();
    });
    assert_eq!(radio.log.borrow().len(), 2);
    assert_eq!(other.config().defaults().retry().max_attempts(), 1);
}

#[test]
fn pointers_to_a_local_implementor_are_implementors() {
    use local::OtpsApi;
    fn all(api: impl OtpsApi) {
        run(async {
            api.receive_codes().await.unwrap();
            let _ = api.find_ensure_otp(&Otp::new(OTP).unwrap()).await.unwrap();
            for error in [
                api.find_recovery_codes().await.unwrap_err(),
                api.regenerate_codes().await.unwrap_err(),
            ] {
                assert_eq!(error.kind(), ErrorKind::UnexpectedStatus, "a 204 is not theirs");
            }
        });
    }
    fn transport(transport: impl local::Transport + 'static) {
        let client = local::OtpsClient::new(transport, AuthToken::new("t").unwrap());
        run(client.receive_codes()).unwrap();
    }

    let script = Arc::new(Script::new([status(204)]));
    let client = script.local_client();
    all(&client);
    all(Box::new(client.clone()));
    all(Rc::new(client.clone()) as Rc<dyn OtpsApi>);
    all(Arc::new(FromSend(script.async_client())));
    all(FromSend(script.async_client()));
    all(FromSend(Arc::new(script.async_client()) as Arc<dyn otp_core::OtpsApi>));
    assert_eq!(script.sent(), 6 * 4);

    transport(FromSend(script.clone()));
    transport(Rc::new(FromSend(script.clone())) as Rc<dyn local::Transport>);
    transport(Box::new(FromSend(script.clone())) as Box<dyn local::Transport>);
    transport(FromSend(script.clone() as Arc<dyn otp_core::Transport>));
    assert_eq!(script.sent(), 6 * 4 + 4);
}

#[test]
fn pointers_to_a_blocking_implementor_are_implementors() {
    use blocking::OtpsApi;
    fn all(api: impl OtpsApi) {
        api.receive_codes().unwrap();
        let _ = api.find_ensure_otp(&Otp::new(OTP).unwrap()).unwrap();
        assert_eq!(api.find_recovery_codes().unwrap_err().kind(), ErrorKind::UnexpectedStatus);
        assert_eq!(api.regenerate_codes().unwrap_err().kind(), ErrorKind::UnexpectedStatus);
    }
    let script = Arc::new(Script::new([status(204)]));
    let client = script.blocking_client();
    all(&client);
    all(Box::new(client.clone()) as Box<dyn OtpsApi>);
    all(Arc::new(client.clone()) as Arc<dyn OtpsApi>);
    std::thread::scope(|scope| {
        scope.spawn(|| all(&client));
    });
    assert_eq!(script.sent(), 4 * 4);

    let transport: Box<dyn blocking::Transport> = Box::new(script.clone());
    let client = blocking::OtpsClient::new(transport, AuthToken::new("t").unwrap());
    let other = client.with_token(AuthToken::new("u").unwrap());
    other.receive_codes().unwrap();
    assert_eq!(script.seen.lock().unwrap().last().unwrap().headers["x-auth-token"], "u");
}

#[test]
fn a_hand_written_double_of_any_flavour_implements_what_its_test_needs() {
    struct OnlySms;
    #[async_trait(?Send)]
    impl local::OtpsApi for OnlySms {
        async fn receive_codes(&self) -> Result<(), otp_core::Error> {
            Ok(())
        }
    }
    impl blocking::OtpsApi for OnlySms {
        fn receive_codes(&self) -> Result<(), otp_core::Error> {
            Ok(())
        }
    }
    run(local::OtpsApi::receive_codes(&OnlySms)).unwrap();
    blocking::OtpsApi::receive_codes(&OnlySms).unwrap();
    for error in [
        run(local::OtpsApi::regenerate_codes(&OnlySms)).unwrap_err(),
        blocking::OtpsApi::regenerate_codes(&OnlySms).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unimplemented);
        assert_eq!(error.operation(), Some("regenerate_codes"));
    }
}

#[test]
fn an_edit_and_a_function_for_tokens_work_in_every_flavour() {
    use std::sync::atomic::{AtomicU32, Ordering};

    use otp_core::credentials::{ProviderError, TokenRequest};
    use otp_core::http::HeaderValue;
    use otp_core::{ClientBuilder, Credentials};

    const SIGNATURE: &str = "canary-s1gnature";
    /// The second edit sees what the first one did.
    fn signed<C>(builder: ClientBuilder<C>) -> ClientBuilder<C> {
        let signed = builder.edit_requests(|request| {
            let mut value = HeaderValue::from_static(SIGNATURE);
            value.set_sensitive(true);
            request.headers_mut().insert("x-signature", value);
            Ok(())
        });
        signed.edit_requests(|request| {
            let known = request.scrubber().text(SIGNATURE) == "[redacted]";
            request.headers_mut().insert("x-known", HeaderValue::from(u32::from(known)));
            Ok(())
        })
    }
    /// Another token each time.
    fn tokens() -> impl Fn(&TokenRequest) -> Result<AuthToken, ProviderError> {
        let given = AtomicU32::new(0);
        move |_| Ok(AuthToken::new(format!("token-{}", given.fetch_add(1, Ordering::Relaxed)))?)
    }
    let script = || {
        let refused = || Ok(response(400, &[], r#"{"error": "no canary-s1gnature"}"#));
        Arc::new(Script::new([status(401), Box::new(refused) as support::Reply]))
    };
    let check = |script: Arc<Script>, error: otp_core::Error| {
        assert_eq!(error.kind(), ErrorKind::BadRequest);
        assert_eq!(error.messages(), ["no [redacted]"]);
        let seen = script.seen.lock().unwrap();
        let tokens: Vec<_> = seen.iter().map(|seen| &seen.headers["x-auth-token"]).collect();
        assert_eq!(tokens, ["token-0", "token-1"]);
        for seen in seen.iter() {
            assert_eq!(seen.headers["x-signature"], SIGNATURE);
            assert_eq!(seen.headers["x-known"], "1");
        }
    };

    let over = script();
    let builder = otp_core::OtpsClient::builder(over.clone(), Credentials::from_fn(tokens()));
    let client = signed(builder).build().unwrap();
    check(over, run(client.call(ReceiveCodes).send()).unwrap_err());

    let over = script();
    let transport: Rc<dyn local::Transport> = Rc::new(over.clone());
    let credentials = local::Credentials::from_fn(tokens());
    let client = signed(local::OtpsClient::builder(transport, credentials)).build().unwrap();
    check(over, run(client.call(ReceiveCodes).send()).unwrap_err());

    let over = script();
    let credentials = blocking::Credentials::from_fn(tokens());
    let client = signed(blocking::OtpsClient::builder(over.clone(), credentials)).build().unwrap();
    check(over, client.call(ReceiveCodes).send().unwrap_err());

    // What a double compares is edited too, and so is a token that an edit put there.
    let config = otp_core::ClientConfig::builder(AuthToken::new("first").unwrap());
    let config = signed(config).edit_requests(|request| {
        let token = AuthToken::new("canary-0ther").unwrap();
        request.headers_mut().insert("x-auth-token", token.to_header_value());
        Ok(())
    });
    let config = config.edit_requests(|request| {
        assert_eq!(request.scrubber().text(OTP), "[redacted]", "the operation's secrets are known");
        Ok(())
    });
    let verify = otp_core::operation::FindEnsureOtp::new(Otp::new(OTP).unwrap());
    let request = config.build().unwrap().request(&verify).unwrap();
    assert_eq!(request.as_http().headers()["x-signature"], SIGNATURE);
    let secrets: Vec<_> = request.secrets().collect();
    assert!(secrets.contains(&SIGNATURE) && secrets.contains(&"canary-0ther"), "{}", secrets.len());

    // What cannot be signed is not sent, and the reason is scrubbed of what an earlier edit added.
    let over = script();
    let builder = otp_core::OtpsClient::builder(over.clone(), AuthToken::new("canary-t").unwrap());
    let client = signed(builder)
        .edit_requests(|_| {
            let reason = format!("{SIGNATURE} of {} is refused", "canary-t");
            Err(otp_core::operation::WriteError::new(reason))
        })
        .build()
        .unwrap();
    let error = run(client.call(ReceiveCodes).send()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "receive_codes failed: [redacted] of [redacted] is refused; nothing was sent"
    );
    assert_eq!(over.sent(), 0);
}

#[test]
fn every_future_of_the_client_is_send() {
    fn is_send<T: Send>(_: &T) {}
    let (client, _) = Script::new([status(204)]).client();
    is_send(&client.call(ReceiveCodes).send());
    is_send(&client.call(ReceiveCodes).send_until(Duration::ZERO, |()| true));
    is_send(&client.call(Listing).pages().next_page());
    is_send(&client.call(Listing).pages());
    is_send(&otp_core::OtpsApi::receive_codes(&client));
    is_send(&client.config().clone());
}

/// A listing of one page.
struct Listing;

impl Operation for Listing {
    type Output = ();
    const ENDPOINT: &'static Endpoint = &Endpoint::get("listing", "/listing");
    fn write(&self, _: &mut RequestDraft) -> Result<(), WriteError> {
        Ok(())
    }
    fn read(&self, _: &ResponseReader<'_>) -> Result<(), ReadError> {
        Ok(())
    }
}

impl Paged for Listing {
    fn next_page(&self, (): &()) -> Option<Self> {
        None
    }
}
