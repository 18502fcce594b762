//! Where a scenario is played, and what is written down of it.

use std::pin::Pin;
use std::sync::{Arc, Mutex};

use otp_core::{AuthToken, Error, OtpsApi, OtpsClient};
use otp_emulator::Emulator;
use otp_hyper::HttpVersions;
use otp_mock::FakeOtps;

use crate::support::client;

/// What plays in a world.
pub type Scenario = for<'w> fn(&'w World) -> Pin<Box<dyn Future<Output = ()> + 'w>>;

/// A service, and ways to call it.
pub struct World {
    pub name: String,
    pub fake: FakeOtps,
    /// The service as a program has it.
    pub api: Box<dyn Fn(AuthToken) -> Arc<dyn OtpsApi>>,
    /// A client whose settings can be told for a call.
    pub client: Box<dyn Fn(AuthToken) -> OtpsClient>,
    told: Mutex<String>,
    /// Runs as long as the world does.
    _emulator: Option<Emulator>,
}

impl World {
    fn new(
        name: String,
        fake: FakeOtps,
        api: Box<dyn Fn(AuthToken) -> Arc<dyn OtpsApi>>,
        client: Box<dyn Fn(AuthToken) -> OtpsClient>,
        emulator: Option<Emulator>,
    ) -> Self {
        Self { name, fake, api, client, told: Mutex::default(), _emulator: emulator }
    }

    /// The double itself.
    pub fn in_memory(fake: FakeOtps) -> Self {
        let (api, transport) = (fake.clone(), fake.clone());
        Self::new(
            "FakeOtps".to_owned(),
            fake,
            Box::new(move |token| Arc::new(api.with_token(token))),
            Box::new(move |token| OtpsClient::new(transport.clone(), token)),
            None,
        )
    }

    /// The double as a client's transport.
    pub fn behind_a_client(fake: FakeOtps) -> Self {
        let client = OtpsClient::new(fake.clone(), fake.token().clone());
        let api = client.clone();
        Self::new(
            "FakeOtps behind a client".to_owned(),
            fake,
            Box::new(move |token| Arc::new(api.with_token(token))),
            Box::new(move |token| client.with_token(token)),
            None,
        )
    }

    /// The emulator, over TLS.
    pub fn on_the_wire(fake: FakeOtps, versions: HttpVersions) -> Self {
        let emulator = Emulator::builder().fake(fake.clone()).start().unwrap();
        let client = client(emulator.base_url(), emulator.token(), emulator.ca_pem(), versions);
        let api = client.clone();
        Self::new(
            format!("the emulator by {versions:?}"),
            fake,
            Box::new(move |token| Arc::new(api.with_token(token))),
            Box::new(move |token| client.with_token(token)),
            Some(emulator),
        )
    }

    /// The service for its first user.
    pub fn alice(&self) -> Arc<dyn OtpsApi> {
        (self.api)(self.fake.token().clone())
    }

    /// The same, as a client.
    pub fn alices_client(&self) -> OtpsClient {
        (self.client)(self.fake.token().clone())
    }

    /// The service for the user of this handle.
    pub fn api_of(&self, handle: &FakeOtps) -> Arc<dyn OtpsApi> {
        (self.api)(handle.token().clone())
    }

    /// Plays a scenario; gives back what its caller saw and what the service noted.
    pub async fn play(self, scenario: Scenario) -> String {
        scenario(&self).await;
        let journal = self.fake.journal();
        for entry in journal.entries() {
            let (user, operation) = (entry.user.as_deref(), entry.operation);
            self.write(format!("noted: {user:?} {operation:?} {}", entry.event));
        }
        self.told.into_inner().unwrap()
    }

    /// Writes down what a caller sees of a call, and gives the value on.
    pub fn saw<T>(&self, outcome: Result<T, Error>) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.write("saw: success".to_owned());
                Some(value)
            }
            Err(error) => {
                self.write(format!(
                    "saw: {:?} {:?} {:?} {:?} retry after {:?}, id {}, {} attempts",
                    error.kind(),
                    error.effect(),
                    error.status(),
                    error.messages(),
                    error.retry_after(),
                    error.request_id().is_some(),
                    error.attempts().len()
                ));
                None
            }
        }
    }

    /// Writes a fact down.
    pub fn write(&self, line: String) {
        let mut told = self.told.lock().unwrap();
        told.push_str(&line);
        told.push('\n');
    }
}
