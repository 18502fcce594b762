//! A larger SDK with the OTP service as one of its parts. It takes any `OtpsApi`, and each of its methods turns
//! an error into the next step of its user: by the operation first, then by `effect`, then by `kind`.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;

use otp_core::http::HeaderValue;
use otp_core::{
    AuthToken, BaseUrl, Effect, ErrorKind, Otp, OtpsApi, OtpsClient, RecoveryCodeList, Verified,
};
use otp_emulator::Emulator;
use otp_hyper::{HyperTransport, Roots};

/// The larger SDK. Devices, organizations and the rest of it would stand beside `otps`.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "a trait object has nothing to show")]
pub struct Metal {
    otps: Arc<dyn OtpsApi>,
}

/// What its users see: their next step. The cause is the source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetalError {
    /// The code is wrong, expired or used, or what was typed cannot be a code.
    #[error("that code is not right; type it again, or ask for a new one")]
    WrongCode(#[source] otp_core::Error),
    /// The code may be used up, so the same one would prove nothing.
    #[error("that code may be used up; ask for a new one")]
    CodeUsedUp(#[source] otp_core::Error),
    /// The recovery codes may have changed, and could not be read.
    #[error("the printed recovery codes may be dead; replace them again")]
    CodesInDoubt(#[source] otp_core::Error),
    /// The session is over. Nothing was changed.
    #[error("log in again")]
    LoggedOut(#[source] otp_core::Error),
    /// Nothing was changed.
    #[error("two-factor authentication failed; nothing was changed")]
    NothingChanged(#[source] otp_core::Error),
}

impl MetalError {
    /// For an error after which nothing has changed.
    fn unchanged(error: otp_core::Error) -> Self {
        match error.kind() {
            ErrorKind::Unauthorized => Self::LoggedOut(error),
            _ => Self::NothingChanged(error),
        }
    }
}

/// What a request for a code came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sms {
    /// A code is on its way.
    Sent,
    /// Perhaps: the user looks at the phone, and asks again if nothing arrives.
    Perhaps,
}

impl Metal {
    /// An SDK on the network: its own User-Agent, this crate's transport.
    ///
    /// # Errors
    ///
    /// If the settings do not fit.
    pub fn connect(url: BaseUrl, token: AuthToken, roots: Roots) -> Result<Self, otp_core::Error> {
        let transport = HyperTransport::builder().roots(roots).build()?;
        let client = OtpsClient::builder(transport, token)
            .base_url(url)
            .user_agent(HeaderValue::from_static("metal-sdk/2.1"))
            .build()?;
        Ok(Self::with_otps(client))
    }

    /// An SDK over any implementation: another client, a double, a cache.
    pub fn with_otps(otps: impl OtpsApi + 'static) -> Self {
        Self { otps: Arc::new(otps) }
    }

    /// Sends a code to the user's phone, when the user asks for one.
    ///
    /// # Errors
    ///
    /// If no SMS was sent.
    pub async fn send_code(&self) -> Result<Sms, MetalError> {
        match self.otps.receive_codes().await {
            Err(error) if error.effect() == Effect::NotApplied => Err(MetalError::unchanged(error)),
            Err(error) if error.effect() == Effect::Unknown => Ok(Sms::Perhaps),
            _ => Ok(Sms::Sent),
        }
    }

    /// Checks what the user typed. Only `Ok` lets the user in.
    ///
    /// # Errors
    ///
    /// [`MetalError::WrongCode`], also if it cannot be a code at all; [`MetalError::CodeUsedUp`] if the
    /// reply was lost.
    pub async fn check_code(&self, typed: &str) -> Result<Verified, MetalError> {
        let otp = Otp::new(typed).map_err(MetalError::WrongCode)?;
        self.otps.find_ensure_otp(&otp).await.map_err(|error| {
            match (error.effect(), error.kind()) {
                (Effect::Unknown | Effect::Applied, _) => MetalError::CodeUsedUp(error),
                (Effect::NotApplied, ErrorKind::BadRequest) => MetalError::WrongCode(error),
                (Effect::NotApplied, _) => MetalError::unchanged(error),
            }
        })
    }

    /// New recovery codes. If the reply is lost, it reads the codes and compares them with the old ones.
    ///
    /// # Errors
    ///
    /// [`MetalError::CodesInDoubt`] if the old codes may be dead; any other error if they still work.
    pub async fn new_recovery_codes(&self) -> Result<RecoveryCodeList, MetalError> {
        let old = self.otps.find_recovery_codes().await.map_err(MetalError::unchanged)?;
        match self.otps.regenerate_codes().await {
            Ok(new) => Ok(new),
            Err(error) if error.effect() == Effect::NotApplied => Err(MetalError::unchanged(error)),
            Err(error) => match self.otps.find_recovery_codes().await {
                Ok(now) if now.iter().any(|code| !old.codes().contains(code)) => Ok(now),
                _ => Err(MetalError::CodesInDoubt(error)),
            },
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match play().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There may be nobody to tell.
            let _ = writeln!(io::stderr(), "{}", in_full(&*error));
            ExitCode::FAILURE
        }
    }
}

async fn play() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start()?;
    let metal =
        Metal::connect(emulator.base_url(), emulator.token(), Roots::pem(emulator.ca_pem())?)?;

    say(&format!("SMS: {:?}", metal.send_code().await?))?;
    for typed in ["not a code!", "000000"] {
        if let Err(error) = metal.check_code(typed).await {
            say(&format!("{typed}: {}", in_full(&error)))?;
        }
    }
    say(&format!("recovery codes: {}", metal.new_recovery_codes().await?.len()))
}

fn say(line: &str) -> Result<(), Box<dyn std::error::Error>> {
    writeln!(io::stdout(), "{line}").map_err(|error| format!("cannot print: {error}").into())
}

/// What an error says, and each of its causes.
fn in_full(error: &dyn std::error::Error) -> String {
    let all = std::iter::successors(Some(error), |error| error.source());
    all.map(ToString::to_string).collect::<Vec<_>>().join("\n  because: ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::operation::{FindEnsureOtp, ReceiveCodes, RegenerateCodes};
    use otp_mock::{FakeOtps, Fault, MockOtpsApi, canned};

    #[tokio::test]
    async fn a_lost_reply_to_regenerate_costs_no_codes() {
        let service = FakeOtps::new();
        service.arm(Fault::LostRegenerate);
        let codes = Metal::with_otps(service.clone()).new_recovery_codes().await.unwrap();
        assert_eq!(codes, service.find_recovery_codes().await.unwrap());
    }

    #[tokio::test]
    async fn old_codes_are_never_shown_as_new_ones() {
        let mut mock = MockOtpsApi::new();
        mock.expect_regenerate_codes().returning(|| Err(canned::unknown::<RegenerateCodes>()));
        mock.expect_find_recovery_codes().returning(|| Ok(canned::recovery_codes(["old"])));
        let error = Metal::with_otps(mock).new_recovery_codes().await.unwrap_err();
        assert!(matches!(error, MetalError::CodesInDoubt(_)), "{error:?}");
    }

    #[tokio::test]
    async fn after_a_lost_reply_the_user_looks_at_the_phone() {
        let mut mock = MockOtpsApi::new();
        mock.expect_receive_codes().returning(|| Err(canned::unknown::<ReceiveCodes>()));
        assert_eq!(Metal::with_otps(mock).send_code().await.unwrap(), Sms::Perhaps);
    }

    #[tokio::test]
    async fn a_lost_reply_is_no_login() {
        let mut mock = MockOtpsApi::new();
        mock.expect_find_ensure_otp().returning(|_| Err(canned::unknown::<FindEnsureOtp>()));
        let error = Metal::with_otps(mock).check_code("123456").await.unwrap_err();
        assert!(matches!(error, MetalError::CodeUsedUp(_)), "{error:?}");
    }

    #[tokio::test]
    async fn what_cannot_be_a_code_is_a_wrong_code() {
        let metal = Metal::with_otps(FakeOtps::new());
        let error = metal.check_code("../recovery-codes").await.unwrap_err();
        assert!(matches!(error, MetalError::WrongCode(_)), "{error:?}");
    }

    #[tokio::test]
    async fn a_failure_is_a_sentence_with_its_causes() {
        let mut mock = MockOtpsApi::new();
        mock.expect_find_ensure_otp().returning(|_| Err(canned::unknown::<FindEnsureOtp>()));
        let error = Metal::with_otps(mock).check_code("123456").await.unwrap_err();
        let said = in_full(&error);
        let begin =
            "that code may be used up; ask for a new one\n  because: find_ensure_otp failed: ";
        assert!(said.starts_with(begin), "{said}");
    }
}
