/// Makes [`FakeOtps`](crate::FakeOtps) an implementation of a service, in every flavour, by the macro that
/// [`service!`](otp_core::service) made for it.
///
/// Each method calls its operation through a client of the service in memory, which answers by the
/// [routes](crate::FakeOtps::route) that it was given.
///
/// ```
/// # mod sdk {
/// # use otp_core::operation::{ReadError, ResponseReader};
/// # use otp_core::{Endpoint, Operation};
/// use otp_core::{Error, service};
/// # #[derive(serde::Deserialize)]
/// # pub struct User { pub full_name: String }
/// # pub struct FindUser;
/// # impl Operation for FindUser {
/// #     type Output = User;
/// #     const ENDPOINT: &'static Endpoint = &Endpoint::get("find_user", "/user");
/// #     fn write(&self, _: &mut otp_core::operation::RequestDraft) -> Result<(), otp_core::operation::WriteError> { Ok(()) }
/// #     fn read(&self, response: &ResponseReader<'_>) -> Result<User, ReadError> { response.json_object() }
/// # }
///
/// service! {
///     /// The user.
///     pub trait UserApi as user_api {
///         /// Reads the user.
///         fn find_user(&self) -> Result<User, Error> = FindUser;
///     }
/// }
///
/// otp_mock::fake_service!(user_api);
/// # }
/// # use sdk::{FindUser, UserApi};
/// use otp_core::Operation;
/// use otp_mock::{FakeOtps, Reply};
/// use serde_json::json;
///
/// let service = FakeOtps::new();
/// service.route(FindUser::ENDPOINT, |request| {
///     Ok(Reply::json(200, json!({ "full_name": request.user() })))
/// });
/// assert_eq!(pollster::block_on(service.find_user())?.full_name, "user-1");
/// # Ok::<(), otp_core::Error>(())
/// ```
///
/// The trait and its modules `local` and `blocking` must be in scope.
#[macro_export]
macro_rules! fake_service {
    ($($definition:ident)::+) => {
        $($definition)::+ ! { { $crate::__fake_service } }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __fake_service {
    ($Service:ident [$($method:tt)+]) => {
        const _: () = {
            use $crate::__private::otp_core as core;

            impl $Service for $crate::FakeOtps {
                $(core::__forward_method! { [async BoxFuture] [.__client()] $method })+

                fn in_session(
                    &self,
                    token: &core::AuthToken,
                ) -> ::std::result::Result<::std::sync::Arc<dyn $Service>, core::Error> {
                    ::std::result::Result::Ok(::std::sync::Arc::new(self.with_token(token.clone())))
                }
            }

            impl local::$Service for $crate::FakeOtps {
                $(core::__forward_method! { [async LocalBoxFuture] [.__client()] $method })+

                fn in_session(
                    &self,
                    token: &core::AuthToken,
                ) -> ::std::result::Result<::std::rc::Rc<dyn local::$Service>, core::Error> {
                    ::std::result::Result::Ok(::std::rc::Rc::new(self.with_token(token.clone())))
                }
            }
        };

        const _: () = {
            use $crate::__private::otp_core as core;
            #[allow(unused_imports, reason = "it may be in scope already")]
            use blocking::$Service as _;

            impl blocking::$Service for $crate::FakeOtps {
                $(core::__forward_method! { [blocking] [.__blocking_client()] $method })+

                fn in_session(
                    &self,
                    token: &core::AuthToken,
                ) -> ::std::result::Result<::std::sync::Arc<dyn blocking::$Service>, core::Error> {
                    ::std::result::Result::Ok(::std::sync::Arc::new(self.with_token(token.clone())))
                }
            }
        };
    };
}
