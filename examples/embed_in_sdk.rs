//! A larger SDK that holds the OTP service as one of its parts: it takes any `OtpsApi`, has its own error
//! type around ours, and turns `effect` into what its users should do.

#![allow(clippy::print_stdout, reason = "it shows what the SDK answers")]

use std::sync::Arc;

use otp_core::http::HeaderValue;
use otp_core::{AuthToken, BaseUrl, Effect, ErrorKind, Otp, OtpsApi, OtpsClient, RecoveryCodeList};
use otp_emulator::Emulator;
use otp_hyper::{HyperTransport, Roots};

/// The larger SDK. Devices, organizations and the rest of it would stand beside `otps`.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "a trait object has nothing to show")]
pub struct Metal {
    otps: Arc<dyn OtpsApi>,
}

/// What its users see: their next step, with ours underneath as the source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetalError {
    /// What was typed is not the code that was sent, or came too late.
    #[error("that code is not right; ask for a new one")]
    WrongCode(#[source] otp_core::Error),
    /// The session is over.
    #[error("log in again")]
    LoggedOut(#[source] otp_core::Error),
    /// Nothing happened, and trying again may help.
    #[error("the service cannot be reached; nothing was changed")]
    Unreachable(#[source] otp_core::Error),
    /// Something may have happened.
    #[error("it is not known whether that worked")]
    InDoubt(#[source] otp_core::Error),
    /// Anything else: a fault to look into.
    #[error("two-factor authentication failed")]
    Other(#[source] otp_core::Error),
}

impl From<otp_core::Error> for MetalError {
    fn from(error: otp_core::Error) -> Self {
        match (error.effect(), error.kind()) {
            (Effect::Unknown | Effect::Applied, _) => Self::InDoubt(error),
            (_, ErrorKind::BadRequest | ErrorKind::InvalidInput) => Self::WrongCode(error),
            (_, ErrorKind::Unauthorized) => Self::LoggedOut(error),
            (_, ErrorKind::Connect | ErrorKind::ConnectionLost) => Self::Unreachable(error),
            _ => Self::Other(error),
        }
    }
}

impl Metal {
    /// An SDK on the network: its own User-Agent, this crate's transport.
    ///
    /// # Errors
    ///
    /// If the settings do not fit.
    pub fn connect(url: BaseUrl, token: AuthToken, roots: Roots) -> Result<Self, MetalError> {
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

    /// Sends a code to the user's phone.
    ///
    /// # Errors
    ///
    /// [`MetalError::InDoubt`] if an SMS may be on its way all the same.
    pub async fn send_code(&self) -> Result<(), MetalError> {
        Ok(self.otps.receive_codes().await?)
    }

    /// Checks what the user typed.
    ///
    /// # Errors
    ///
    /// [`MetalError::WrongCode`], also if it cannot be a code at all.
    pub async fn check_code(&self, typed: &str) -> Result<(), MetalError> {
        let verified = self.otps.find_ensure_otp(&Otp::new(typed)?).await?;
        drop(verified);
        Ok(())
    }

    /// New recovery codes. If the reply is lost, the codes that are in force are read instead.
    ///
    /// # Errors
    ///
    /// If they were not regenerated, or cannot be read.
    pub async fn new_recovery_codes(&self) -> Result<RecoveryCodeList, MetalError> {
        match self.otps.regenerate_codes().await {
            Err(error) if error.effect() == Effect::Applied => {
                Ok(self.otps.find_recovery_codes().await?)
            }
            other => Ok(other?),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start()?;
    let metal =
        Metal::connect(emulator.base_url(), emulator.token(), Roots::pem(emulator.ca_pem())?)?;

    metal.send_code().await?;
    for typed in ["not a code!", "000000"] {
        if let Err(error) = metal.check_code(typed).await {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            println!("{typed}: {error}\n  because: {}", cause.unwrap_or_default());
        }
    }
    println!("recovery codes: {}", metal.new_recovery_codes().await?.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use otp_core::operation::{ReceiveCodes, RegenerateCodes};
    use otp_mock::{FakeOtps, MockOtpsApi, canned};

    #[tokio::test]
    async fn a_lost_reply_to_regenerate_costs_no_codes() {
        let mut mock = MockOtpsApi::new();
        mock.expect_regenerate_codes().returning(|| Err(canned::lost_reply::<RegenerateCodes>()));
        mock.expect_find_recovery_codes().returning(|| Ok(canned::recovery_codes(["a", "b"])));
        assert_eq!(Metal::with_otps(mock).new_recovery_codes().await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn an_sms_that_may_have_been_sent_is_in_doubt() {
        let mut mock = MockOtpsApi::new();
        mock.expect_receive_codes().returning(|| Err(canned::unknown::<ReceiveCodes>()));
        let error = Metal::with_otps(mock).send_code().await.unwrap_err();
        assert!(matches!(error, MetalError::InDoubt(_)), "{error:?}");
    }

    #[tokio::test]
    async fn what_cannot_be_a_code_is_a_wrong_code() {
        let metal = Metal::with_otps(FakeOtps::new());
        let error = metal.check_code("../recovery-codes").await.unwrap_err();
        assert!(matches!(error, MetalError::WrongCode(_)), "{error:?}");
    }
}
