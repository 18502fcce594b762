//! A service that accepts some tokens, a provider that gives tokens, and a client of each flavour between them.

use std::collections::{HashSet, VecDeque};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_core::credentials::{ProviderError, TokenProvider, TokenRequest};
use otp_core::http::{HeaderMap, Method};
use otp_core::secrecy::ExposeSecret;
use otp_core::{
    Answer, AuthToken, CallOptions, Credentials, Error, Operation, OtpsClient, Request, Response,
    Transport, TransportError, async_trait, blocking, local,
};

use super::{base_url, response};

pub fn token(text: &str) -> AuthToken {
    AuthToken::new(text).unwrap()
}

/// The tokens it accepts, and what it received. Its clock moves only when somebody waits.
#[derive(Default)]
pub struct Service {
    valid: Mutex<HashSet<String>>,
    received: Mutex<Vec<(String, String)>>,
    next: Mutex<VecDeque<Response>>,
    clock: Mutex<Duration>,
}

impl Service {
    pub fn accepting(tokens: &[&str]) -> Arc<Self> {
        let service = Self::default();
        tokens.iter().for_each(|token| service.accept(token));
        Arc::new(service)
    }

    pub fn accept(&self, token: &str) {
        self.valid.lock().unwrap().insert(token.to_owned());
    }

    pub fn expire(&self, token: &str) {
        self.valid.lock().unwrap().remove(token);
    }

    /// The next request with a good token gets this.
    pub fn answer_once(&self, response: Response) {
        self.next.lock().unwrap().push_back(response);
    }

    /// The tokens of the requests, in order; empty where there was none.
    pub fn tokens(&self) -> Vec<String> {
        self.received.lock().unwrap().iter().map(|(_, token)| token.clone()).collect()
    }

    /// The paths of the requests, in order.
    pub fn paths(&self) -> Vec<String> {
        self.received.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
    }

    pub fn receive(&self, request: Request) -> Response {
        let request = request.into_http();
        let token = carried(request.headers());
        let path = request.uri().path_and_query().unwrap().to_string();
        self.received.lock().unwrap().push((path.clone(), token.clone()));
        if !self.valid.lock().unwrap().contains(&token) {
            return response(401, &[("x-request-id", "req-401")], r#"{"error": "who are you?"}"#);
        }
        if let Some(response) = self.next.lock().unwrap().pop_front() {
            return response;
        }
        if path.ends_with("/recovery-codes") {
            return response(200, &[], r#"{"recovery_codes": ["canary-c0de"]}"#);
        }
        assert_eq!(request.method(), Method::POST);
        response(204, &[], "")
    }
}

/// The token in either of its headers.
fn carried(headers: &HeaderMap) -> String {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let bearer = text("authorization").map(|value| value.trim_start_matches("Bearer "));
    text("x-auth-token").or(bearer).unwrap_or_default().to_owned()
}

#[async_trait]
impl Transport for Service {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        Ok(self.receive(request))
    }
    async fn sleep(&self, duration: Duration) {
        *self.clock.lock().unwrap() += duration;
    }
    fn now(&self) -> Duration {
        *self.clock.lock().unwrap()
    }
}

impl blocking::Transport for Service {
    fn send(&self, request: Request) -> Result<Response, TransportError> {
        Ok(self.receive(request))
    }
    fn sleep(&self, duration: Duration) {
        *self.clock.lock().unwrap() += duration;
    }
    fn now(&self) -> Duration {
        *self.clock.lock().unwrap()
    }
}

/// What a provider does when it is asked.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    Give(&'static str),
    Fail(&'static str),
    Panic,
    /// An async provider never answers.
    Hang,
}

/// Does one thing each time it is asked, the last one for ever.
pub struct Provider {
    turns: Mutex<VecDeque<Turn>>,
    requests: Mutex<Vec<TokenRequest>>,
}

impl Provider {
    pub fn of(turns: &[Turn]) -> Arc<Self> {
        Arc::new(Self {
            turns: Mutex::new(turns.iter().copied().collect()),
            requests: Mutex::default(),
        })
    }

    /// The rejected tokens that it was asked with.
    pub fn asked(&self) -> Vec<Option<String>> {
        let rejected = |request: &TokenRequest| {
            request.rejected().map(|token| token.expose_secret().to_owned())
        };
        self.requests.lock().unwrap().iter().map(rejected).collect()
    }

    pub fn time_limits(&self) -> Vec<Duration> {
        self.requests.lock().unwrap().iter().map(TokenRequest::time_limit).collect()
    }

    pub fn turn(&self, request: &TokenRequest) -> Turn {
        self.requests.lock().unwrap().push(request.clone());
        let mut turns = self.turns.lock().unwrap();
        if turns.len() > 1 { turns.pop_front().unwrap() } else { turns[0] }
    }
}

impl Turn {
    pub async fn take(self) -> Result<AuthToken, ProviderError> {
        match self {
            Self::Give(text) => Ok(token(text)),
            Self::Fail(reason) => Err(reason.into()),
            Self::Panic => panic!("the provider panics"),
            Self::Hang => std::future::pending().await,
        }
    }
}

#[async_trait]
impl TokenProvider for Provider {
    async fn token(&self, request: &TokenRequest) -> Result<AuthToken, ProviderError> {
        self.turn(request).take().await
    }
}

#[async_trait(?Send)]
impl local::TokenProvider for Provider {
    async fn token(&self, request: &TokenRequest) -> Result<AuthToken, ProviderError> {
        self.turn(request).take().await
    }
}

impl blocking::TokenProvider for Provider {
    fn token(&self, request: &TokenRequest) -> Result<AuthToken, ProviderError> {
        pollster::block_on(self.turn(request).take())
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Flavour {
    Async,
    Local,
    Blocking,
}

pub const FLAVOURS: [Flavour; 3] = [Flavour::Async, Flavour::Local, Flavour::Blocking];

/// A client of any flavour.
pub enum Client {
    Async(OtpsClient),
    Local(local::OtpsClient),
    Blocking(blocking::OtpsClient),
}

impl Client {
    pub fn new(flavour: Flavour, service: &Arc<Service>, provider: &Arc<Provider>) -> Self {
        let (service, provider) = (Arc::clone(service), Arc::clone(provider));
        match flavour {
            Flavour::Async => Self::Async(async_client(service, Credentials::provider(provider))),
            Flavour::Local => {
                let transport: Rc<dyn local::Transport> = Rc::new(local::FromSend(service));
                let credentials = local::Credentials::provider(provider);
                let client = local::OtpsClient::builder(transport, credentials);
                Self::Local(client.base_url(base_url()).build().unwrap())
            }
            Flavour::Blocking => {
                let credentials = blocking::Credentials::provider(provider);
                let client = blocking::OtpsClient::builder(service, credentials);
                Self::Blocking(client.base_url(base_url()).build().unwrap())
            }
        }
    }

    pub fn call<O: Operation>(&self, operation: O) -> Result<Answer<O::Output>, Error> {
        self.call_with(operation, |options| options)
    }

    pub fn call_with<O: Operation>(
        &self,
        operation: O,
        change: impl FnOnce(CallOptions) -> CallOptions,
    ) -> Result<Answer<O::Output>, Error> {
        match self {
            Self::Async(client) => {
                let options = change(client.config().options_for::<O>());
                pollster::block_on(client.call(operation).options(options).send())
            }
            Self::Local(client) => {
                let options = change(client.config().options_for::<O>());
                pollster::block_on(client.call(operation).options(options).send())
            }
            Self::Blocking(client) => {
                let options = change(client.config().options_for::<O>());
                client.call(operation).options(options).send()
            }
        }
    }

    pub fn with_token(&self, token: AuthToken) -> Self {
        match self {
            Self::Async(client) => Self::Async(client.with_token(token)),
            Self::Local(client) => Self::Local(client.with_token(token)),
            Self::Blocking(client) => Self::Blocking(client.with_token(token)),
        }
    }
}

pub fn async_client(transport: impl Transport + 'static, credentials: Credentials) -> OtpsClient {
    OtpsClient::builder(transport, credentials).base_url(base_url()).build().unwrap()
}
