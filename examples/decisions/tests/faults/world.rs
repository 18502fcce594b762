//! A user of the service, with a wire on which one thing goes wrong.

use std::fmt;
use std::sync::Arc;

use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, OtpsClient, RecoveryCodeList, RetryPolicy, blocking, local};
use otp_mock::{Event, Factor, FakeOtps};

use crate::hostile::Injection;
use crate::wire::Wire;

/// A user, the service, and the wire between them.
#[derive(Clone)]
pub struct World {
    pub service: FakeOtps,
    retries: bool,
    /// The codes before the example ran.
    pub old: RecoveryCodeList,
    wire: Arc<Wire>,
}

impl World {
    /// Whether the injection struck.
    pub fn run(injection: Option<Injection>, retries: bool, run: impl Fn(&Self)) -> bool {
        let service = FakeOtps::builder().seed(7).build();
        let old = blocking::OtpsApi::find_recovery_codes(&service).unwrap();
        let wire = Arc::new(Wire::new(service.clone(), injection));
        let world = Self { service, retries, old, wire };
        let shown = Shown(&world);
        run(&world);
        drop(shown);
        world.wire.state().struck
    }

    fn retry(&self) -> RetryPolicy {
        if self.retries { RetryPolicy::default() } else { RetryPolicy::never() }
    }

    pub fn client(&self) -> OtpsClient {
        self.client_of(self.service.token().clone())
    }

    pub fn client_of(&self, token: AuthToken) -> OtpsClient {
        OtpsClient::builder(Arc::clone(&self.wire), token).retry(self.retry()).build().unwrap()
    }

    pub fn local_client(&self) -> local::OtpsClient {
        let token = self.service.token().clone();
        let transport = local::FromSend(Arc::clone(&self.wire));
        local::OtpsClient::builder(transport, token).retry(self.retry()).build().unwrap()
    }

    pub fn blocking_client(&self) -> blocking::OtpsClient {
        let token = self.service.token().clone();
        let builder = blocking::OtpsClient::builder(Arc::clone(&self.wire), token);
        builder.retry(self.retry()).build().unwrap()
    }

    /// Whether nothing goes wrong.
    pub fn is_calm(&self) -> bool {
        self.wire.state().injection.is_none()
    }

    /// From here on nothing goes wrong.
    pub fn calm(&self) {
        self.wire.state().injection = None;
        self.service.disarm_all();
    }

    pub fn sms(&self) -> usize {
        self.service.journal().count(Event::SmsSent)
    }

    /// Whether the client was told that the user is verified.
    pub fn said_verified(&self) -> bool {
        self.wire.state().said_verified
    }

    pub fn verified(&self) -> usize {
        let journal = self.service.journal();
        [Factor::Sms, Factor::App, Factor::RecoveryCode]
            .map(|factor| journal.count(Event::Verified(factor)))
            .iter()
            .sum()
    }

    pub fn regenerated(&self) -> usize {
        self.service.journal().count(Event::CodesRegenerated)
    }

    /// Whether the user was asked for a code.
    pub fn asked(&self) -> bool {
        self.wire.state().asked
    }

    pub fn ask(&self) {
        self.wire.state().asked = true;
    }

    pub fn app_enabled(&self) -> bool {
        self.wire.state().app_enabled
    }

    /// Whether the example's last request was to read the codes.
    pub fn tried_to_read(&self) -> bool {
        self.wire.state().tried_to_read
    }

    /// Whether the example's last request read the codes, and they arrived.
    pub fn read_the_codes(&self) -> bool {
        self.wire.state().read_the_codes
    }

    /// The codes that work now.
    pub fn in_force(&self) -> RecoveryCodeList {
        let armed = self.service.armed();
        self.service.disarm_all();
        let codes = blocking::OtpsApi::find_recovery_codes(&self.service).unwrap();
        armed.into_iter().for_each(|fault| self.service.arm(fault));
        codes
    }

    /// From here on no answer arrives, and the service acts or not; or answers arrive again.
    pub fn silence(&self, acts: Option<bool>) {
        self.wire.state().silence = acts;
    }

    pub fn requests(&self) -> usize {
        self.wire.state().requests
    }

    /// Whether the last request had the user's own token, and not that of a session.
    pub fn acted_by_the_users_token(&self) -> bool {
        self.wire.state().token == self.service.token().expose_secret().as_bytes()
    }
}

/// Shows what went wrong if the test fails.
struct Shown<'a>(&'a World);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{:?}", self.0);
        }
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.wire.state();
        let retries = if self.retries { "with" } else { "without" };
        writeln!(f, "{:?}, {retries} retries", state.injection)?;
        write!(f, "{} requests\n{}", state.requests, self.service.journal())
    }
}
