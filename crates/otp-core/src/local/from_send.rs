use std::time::Duration;

use super::{LocalBoxFuture, OtpsApi, Transport};
use crate::{Error, Otp, RecoveryCodeList, Request, Response, TransportError, Verified};

/// Makes what is `Send` usable where one thread is enough: a [`Transport`](crate::Transport) becomes a
/// [`local::Transport`](Transport), an [`OtpsApi`](crate::OtpsApi) a [`local::OtpsApi`](OtpsApi).
///
/// It costs nothing: the futures are the inner one's own.
///
/// ```
/// use otp_core::local::{FromSend, OtpsClient};
/// use otp_core::{AuthToken, Error, Transport};
///
/// fn client(transport: impl Transport + 'static) -> Result<OtpsClient, Error> {
///     Ok(OtpsClient::new(FromSend(transport), AuthToken::new("your-api-key")?))
/// }
/// ```
///
/// An adapter rather than a blanket impl, which would leave no room for the pointers' (`Rc<T>`,
/// `Box<T>`).
#[derive(Clone, Copy, Debug, Default)]
pub struct FromSend<T>(pub T);

impl<T: crate::Transport> Transport for FromSend<T> {
    fn send<'life, 'fut>(
        &'life self,
        request: Request,
    ) -> LocalBoxFuture<'fut, Result<Response, TransportError>>
    where
        'life: 'fut,
        Self: 'fut,
    {
        self.0.send(request)
    }

    fn sleep<'life, 'fut>(&'life self, duration: Duration) -> LocalBoxFuture<'fut, ()>
    where
        'life: 'fut,
        Self: 'fut,
    {
        self.0.sleep(duration)
    }

    fn now(&self) -> Duration {
        self.0.now()
    }
}

impl<T: crate::OtpsApi> OtpsApi for FromSend<T> {
    fn find_ensure_otp<'life, 'otp, 'fut>(
        &'life self,
        otp: &'otp Otp,
    ) -> LocalBoxFuture<'fut, Result<Verified, Error>>
    where
        'life: 'fut,
        'otp: 'fut,
        Self: 'fut,
    {
        self.0.find_ensure_otp(otp)
    }

    fn find_recovery_codes<'life, 'fut>(
        &'life self,
    ) -> LocalBoxFuture<'fut, Result<RecoveryCodeList, Error>>
    where
        'life: 'fut,
        Self: 'fut,
    {
        self.0.find_recovery_codes()
    }

    fn receive_codes<'life, 'fut>(&'life self) -> LocalBoxFuture<'fut, Result<(), Error>>
    where
        'life: 'fut,
        Self: 'fut,
    {
        self.0.receive_codes()
    }

    fn regenerate_codes<'life, 'fut>(
        &'life self,
    ) -> LocalBoxFuture<'fut, Result<RecoveryCodeList, Error>>
    where
        'life: 'fut,
        Self: 'fut,
    {
        self.0.regenerate_codes()
    }
}
