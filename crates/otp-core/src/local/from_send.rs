/// Makes what is `Send` usable where one thread is enough: a [`Transport`](crate::Transport) becomes a
/// [`local::Transport`](super::Transport), an [`OtpsApi`](crate::OtpsApi) a [`local::OtpsApi`](super::OtpsApi), a
/// [`TokenProvider`](crate::credentials::TokenProvider) a [`local::TokenProvider`](super::TokenProvider).
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
