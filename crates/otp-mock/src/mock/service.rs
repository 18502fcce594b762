/// Makes the mock of a service, in every flavour, of the macro that
/// [`service!`](otp_core::service) made for it.
///
/// ```
/// # mod sdk {
/// use otp_core::operation::ReceiveCodes;
/// use otp_core::{Error, service};
/// use otp_mock::mock_service;
///
/// service! {
///     /// What our product needs of the API.
///     pub trait PhoneApi as phone_api {
///         /// Sends an OTP to the user's phone.
///         fn text(&self) -> Result<(), Error> = ReceiveCodes;
///     }
/// }
///
/// mock_service!(pub phone_api);
/// # }
/// # use sdk::{MockPhoneApi, PhoneApi};
///
/// let mut api = MockPhoneApi::new();
/// api.expect_text().once().returning(|| Ok(()));
/// pollster::block_on(PhoneApi::text(&api))?;
/// # Ok::<(), otp_core::Error>(())
/// ```
///
/// The mock is named `Mock` and the trait's name. It has a method `expect_…` for each of the service, `checkpoint`, and
/// `expect_in_session`, which answers with another such mock; [`MockOtpsApi`](crate::MockOtpsApi) is one of them. Beside
/// it is a module `expectation`, with the type that each `expect_…` returns.
///
/// The trait and its modules `local` and `blocking` must be in scope. The crate that calls the macro depends on
/// `mockall`, in the version that this crate re-exports, since mockall's own macros name it.
///
/// Requires the feature `mockall`, which is on by default.
#[macro_export]
macro_rules! mock_service {
    ($(#[$docs:meta])* $visibility:vis $($definition:ident)::+) => {
        $($definition)::+ ! { { $crate::__mock_service } [$(#[$docs])* $visibility] }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __mock_service {
    (
        [$(#[$docs:meta])* $visibility:vis] $Service:ident
        [$([$method:ident [$($args:tt)*] $Return:ty])+]
    ) => {
        $crate::__private::paste! {
            $(#[$docs])*
            #[doc = ""]
            #[derive(Debug)]
            $visibility struct [<Mock $Service>]($crate::__private::Expecting<mocked::[<Mock $Service>]>);

            impl [<Mock $Service>] {
                /// A mock that expects no call.
                pub fn new() -> Self {
                    let mock = mocked::[<Mock $Service>]::new();
                    Self($crate::__private::Expecting::new(concat!("Mock", stringify!($Service)), mock))
                }

                $(
                    #[doc = concat!("Expects a call of `", stringify!($method), "`.")]
                    #[track_caller]
                    pub fn [<expect_ $method>](&mut self) -> &mut expectation::[<$method:camel>] {
                        self.0.expect(stringify!($method)).[<expect_ $method>]()
                    }
                )+

                /// Expects a call of `in_session`, which answers with another mock.
                #[track_caller]
                pub fn expect_in_session(&mut self) -> &mut expectation::InSession {
                    self.0.expect("in_session").expect_in_session()
                }

                /// Verifies that all that was expected came, and begins anew: the mock expects nothing more.
                ///
                /// Dropping the mock verifies it too. But behind an `Arc` that something else holds, such as a task
                /// that ends with its runtime, it is dropped too late, or where no test sees it fail: there, call
                /// this at the end. Not within an answer, which it would wait for.
                ///
                /// # Panics
                ///
                /// If a call is missing.
                pub fn checkpoint(&self) {
                    self.0.settle(mocked::[<Mock $Service>]::checkpoint);
                }
            }

            impl ::std::default::Default for [<Mock $Service>] {
                fn default() -> Self {
                    Self::new()
                }
            }

            /// Verifies as `checkpoint` does, unless the test fails already.
            impl ::std::ops::Drop for [<Mock $Service>] {
                fn drop(&mut self) {
                    self.checkpoint();
                }
            }

            impl blocking::$Service for [<Mock $Service>] {
                $(
                    fn $method(&self $($args)*) -> $Return {
                        $crate::__ask_mock!(self $method [$($args)*])
                    }
                )+

                fn in_session(
                    &self,
                    token: &$crate::__private::otp_core::AuthToken,
                ) -> ::std::result::Result<
                    ::std::sync::Arc<dyn blocking::$Service>,
                    $crate::__private::otp_core::Error,
                > {
                    let session = self.0.ask("in_session", |mock| mock.in_session(token))?;
                    ::std::result::Result::Ok(::std::sync::Arc::new(session))
                }
            }

            #[$crate::__private::otp_core::async_trait]
            impl $Service for [<Mock $Service>] {
                $(
                    async fn $method(&self $($args)*) -> $Return {
                        $crate::__ask_mock!(self $method [$($args)*])
                    }
                )+

                fn in_session(
                    &self,
                    token: &$crate::__private::otp_core::AuthToken,
                ) -> ::std::result::Result<
                    ::std::sync::Arc<dyn $Service>,
                    $crate::__private::otp_core::Error,
                > {
                    let session = self.0.ask("in_session", |mock| mock.in_session(token))?;
                    ::std::result::Result::Ok(::std::sync::Arc::new(session))
                }
            }

            #[$crate::__private::otp_core::async_trait(?Send)]
            impl local::$Service for [<Mock $Service>] {
                $(
                    async fn $method(&self $($args)*) -> $Return {
                        $crate::__ask_mock!(self $method [$($args)*])
                    }
                )+

                fn in_session(
                    &self,
                    token: &$crate::__private::otp_core::AuthToken,
                ) -> ::std::result::Result<
                    ::std::rc::Rc<dyn local::$Service>,
                    $crate::__private::otp_core::Error,
                > {
                    let session = self.0.ask("in_session", |mock| mock.in_session(token))?;
                    ::std::result::Result::Ok(::std::rc::Rc::new(session))
                }
            }

            /// What the `expect_…` methods return: mockall's expectation of each method.
            $visibility mod expectation {
                use super::mocked::[<__mock_Mock $Service>] as mocked;

                $(pub use mocked::[<__ $method>]::Expectation as [<$method:camel>];)+
                pub use mocked::__in_session::Expectation as InSession;
            }

            /// What mockall makes: no trait, so that one serves all flavours.
            mod mocked {
                #![allow(
                    missing_docs,
                    missing_debug_implementations,
                    unused_imports,
                    reason = "a macro writes these items"
                )]

                use super::*;

                $crate::mockall::mock! {
                    #[derive(Debug)]
                    pub $Service {
                        $(pub fn $method(&self $($args)*) -> $Return;)+
                        pub fn in_session(
                            &self,
                            token: &$crate::__private::otp_core::AuthToken,
                        ) -> ::std::result::Result<
                            super::[<Mock $Service>],
                            $crate::__private::otp_core::Error,
                        >;
                    }
                }
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __ask_mock {
    ($self:ident $method:ident [$(, $arg:ident : $Arg:ty)* $(,)?]) => {
        $self.0.ask(stringify!($method), |mock| mock.$method($($arg),*))
    };
}
