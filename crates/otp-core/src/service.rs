//! One definition of a service, from which its traits and their implementations follow.

use crate::{Answer, Error, ErrorKind, Operation};

/// Defines a service: its trait in every flavour, and who implements it.
///
/// Each method is one line: its arguments, what it returns, and the [operation](crate::operation) that it calls.
///
/// ```
/// # mod example {
/// # use otp_core::operation::{FindRecoveryCodes, ReceiveCodes};
/// use otp_core::{Error, RecoveryCodeList, service};
///
/// service! {
///     /// The part of the API that our product uses.
///     pub trait PhoneApi {
///         /// Sends an OTP to the user's phone.
///         fn text(&self) -> Result<(), Error> = ReceiveCodes;
///         /// Reads the codes for a day without a phone.
///         fn codes(&self) -> Result<RecoveryCodeList, Error> = FindRecoveryCodes;
///     }
/// }
/// # }
/// # use example::{PhoneApi, blocking, local};
///
/// async fn text_me(api: &dyn PhoneApi) -> Result<(), otp_core::Error> {
///     api.text().await
/// }
///
/// fn text_me_now(api: &dyn blocking::PhoneApi) -> Result<(), otp_core::Error> {
///     api.text()
/// }
///
/// fn is_client(client: &otp_core::OtpsClient) -> &dyn PhoneApi {
///     client
/// }
/// # fn is_local_client(client: &otp_core::local::OtpsClient) -> &dyn local::PhoneApi {
/// #     client
/// # }
/// ```
///
/// # What it defines
///
/// - The trait, with `Send` futures, and the modules `local` and `blocking` beside it, each with the same trait of
///   its flavour. So a module has one service. All three are object-safe.
/// - Their implementations for the flavour's `OtpsClient`, for `&T`, `Box<T>`, `Arc<T>` (and `Rc<T>` in `local`) of an
///   implementor, and for [`local::FromSend`](crate::local::FromSend) of what is `Send`.
/// - A default body of each method, which returns [`ErrorKind::Unimplemented`] and names the operation. So a double
///   implements what its test needs.
/// - A method `in_session`: the same service for the user of another token. It returns a pointer to a `dyn` of the
///   trait, so that code which has nothing but the trait can act in the session that a verification gave.
/// - With `as name` after the trait's name, a macro of that name, which hands this definition to another macro.
///   `otp_mock::mock_service!` makes a mock of it. Write `as #[macro_export] name` for other crates, and
///   `pub(crate) use name;` for other modules of your crate.
///
/// # What a method can be
///
/// - Its arguments are references (`&T`, `&str`) or own their value; a lifetime within an argument's type is not
///   supported.
/// - Its operation is an expression of them.
/// - Its error is [`Error`], or a type of yours that is `From<Error>`.
///
/// What is not an operation does not compile:
///
/// ```compile_fail,E0277
/// mod sdk {
///     otp_core::service! {
///         /// A service.
///         pub trait PhoneApi {
///             /// Sends an OTP.
///             fn text(&self) -> Result<(), otp_core::Error> = "not an operation";
///         }
///     }
/// }
/// ```
#[macro_export]
macro_rules! service {
    (
        $(#[$docs:meta])*
        $visibility:vis trait $Service:ident $(as $(#[$attribute:meta])* $name:ident)? {
            $(
                $(#[$method_docs:meta])*
                fn $method:ident(&self $($args:tt)*) -> $Return:ty = $operation:expr;
            )+
        }
    ) => {
        // Two methods of one name are an error at the second one.
        const _: () = {
            #[allow(clippy::too_many_arguments, dead_code, reason = "nobody calls it")]
            fn methods($($method: ()),+) {
                let _ = [$($method),+];
            }
        };

        $crate::__service_flavour! {
            [#[$crate::async_trait]] [$(#[$docs])*] $visibility $Service [: Send + Sync]
            $crate::OtpsClient, [::std::sync::Arc], [async BoxFuture]
            $({ [$(#[$method_docs])*] [async] $method [$($args)*] $Return, $operation })+
        }

        #[doc = concat!("[`", stringify!($Service), "`] on one thread, without `Send` and `Sync`.")]
        $visibility mod local {
            #[allow(unused_imports, reason = "the service may need nothing from there")]
            use super::*;

            $crate::__service_flavour! {
                [#[$crate::async_trait(?Send)]]
                [#[doc = concat!(
                    "The service on one thread: [`", stringify!($Service), "`](super::", stringify!($Service),
                    ") without `Send` and `Sync`.\n\n",
                    "The client of this flavour implements it, and so do `&T`, `Box<T>`, `Rc<T>` and `Arc<T>` of an ",
                    "implementor, `dyn` included. A double implements what its test needs, as an ",
                    "`#[async_trait(?Send)]`.",
                )]]
                pub $Service []
                $crate::local::OtpsClient, [::std::rc::Rc], [async LocalBoxFuture]
                $({ [$(#[$method_docs])*] [async] $method [$($args)*] $Return, $operation })+
            }

            $crate::__forward! {
                [async LocalBoxFuture] $Service ::std::rc::Rc<dyn $Service>,
                [[[T: $Service + ?Sized] ::std::sync::Arc<T>]]
                [$([$method [$($args)*] $Return])+]
            }

            impl<T: super::$Service> $Service for $crate::local::FromSend<T> {
                $(
                    $crate::__forward_method! {
                        [async LocalBoxFuture] [.0] [$method [$($args)*] $Return]
                    }
                )+

                fn in_session(
                    &self,
                    token: &$crate::AuthToken,
                ) -> ::std::result::Result<::std::rc::Rc<dyn $Service>, $crate::Error> {
                    let session = super::$Service::in_session(&self.0, token)?;
                    ::std::result::Result::Ok(::std::rc::Rc::new($crate::local::FromSend(session)))
                }
            }
        }

        #[doc = concat!("[`", stringify!($Service), "`] without async.")]
        $visibility mod blocking {
            #[allow(unused_imports, reason = "the service may need nothing from there")]
            use super::*;

            $crate::__service_flavour! {
                []
                [#[doc = concat!(
                    "The service for a thread that may wait: [`", stringify!($Service), "`](super::",
                    stringify!($Service), ") without async.\n\n",
                    "The client of this flavour implements it, and so do `&T`, `Box<T>` and `Arc<T>` of an ",
                    "implementor, `dyn` included. A double implements what its test needs.",
                )]]
                pub $Service [: Send + Sync]
                $crate::blocking::OtpsClient, [::std::sync::Arc], [blocking]
                $({ [$(#[$method_docs])*] [] $method [$($args)*] $Return, $operation })+
            }
        }

        $crate::__define! {
            [$] [$($(#[$attribute])* $name)?] $Service
            [$([$method [$($args)*] $Return])+]
        }
    };
}

/// The trait of one flavour, and its implementations for the client and for pointers.
#[doc(hidden)]
#[macro_export]
macro_rules! __service_flavour {
    (
        [$(#[$async_trait:meta])*] [$(#[$docs:meta])*] $visibility:vis $Service:ident [$($bounds:tt)*]
        $Client:ty, [$($Pointer:tt)+], $flavour:tt
        $({
            [$(#[$method_docs:meta])*] [$($async:ident)?] $method:ident [$($args:tt)*] $Return:ty,
            $operation:expr
        })+
    ) => {
        $(#[$docs])*
        $(#[$async_trait])*
        $visibility trait $Service $($bounds)* {
            $(
                $(#[$method_docs])*
                $($async)? fn $method(&self $($args)*) -> $Return {
                    $crate::__private::unimplemented::<$Return, _>($crate::__private::operation($operation))
                }
            )+

            #[doc = $crate::__in_session_docs!()]
            fn in_session(
                &self,
                token: &$crate::AuthToken,
            ) -> ::std::result::Result<$($Pointer)+<dyn $Service>, $crate::Error> {
                let _ = token;
                $crate::__private::no_session()
            }
        }

        $(#[$async_trait])*
        impl $Service for $Client {
            $(
                $($async)? fn $method(&self $($args)*) -> $Return {
                    $crate::__private::value::<$Return, _>(
                        $crate::__wait!([$($async)?] self.call($operation).send())
                    )
                }
            )+

            fn in_session(
                &self,
                token: &$crate::AuthToken,
            ) -> ::std::result::Result<$($Pointer)+<dyn $Service>, $crate::Error> {
                ::std::result::Result::Ok($($Pointer)+::new(self.with_token(token.clone())))
            }
        }

        $crate::__forward! {
            $flavour $Service $($Pointer)+<dyn $Service>,
            [
                [['a, T: $Service + ?Sized] &'a T]
                [[T: $Service + ?Sized] ::std::boxed::Box<T>]
                [[T: $Service + ?Sized] $($Pointer)+<T>]
            ]
            [$([$method [$($args)*] $Return])+]
        }
    };
}

/// Waits for a call of the flavour.
#[doc(hidden)]
#[macro_export]
macro_rules! __wait {
    ([async] $future:expr) => {
        $future.await
    };
    ([] $value:expr) => {
        $value
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __in_session_docs {
    () => {
        "The same service for the user of this token: that of a session, for example.\n\n\
         With a client it is as cheap as a clone, and sends nothing. The token is never refreshed.\n\n\
         # Errors\n\n\
         `ErrorKind::Unimplemented` if the implementation has no sessions."
    };
}

/// Implements a service for what points to an implementor. The futures are its own: `async_trait` would box each a
/// second time.
#[doc(hidden)]
#[macro_export]
macro_rules! __forward {
    ($flavour:tt $Service:ident $Session:ty, [$($pointer:tt)+] $methods:tt) => {
        $($crate::__forward! { @pointer $flavour $Service $Session, $pointer $methods })+
    };
    (
        @pointer $flavour:tt $Service:ident $Session:ty,
        [[$($generics:tt)*] $Pointer:ty] [$($method:tt)+]
    ) => {
        impl<$($generics)*> $Service for $Pointer {
            $($crate::__forward_method! { $flavour [*] $method })+

            fn in_session(
                &self,
                token: &$crate::AuthToken,
            ) -> ::std::result::Result<$Session, $crate::Error> {
                (**self).in_session(token)
            }
        }
    };
}

/// One method that calls the same method of what is pointed to (`[*]`), or of a part (`[.0]`).
#[doc(hidden)]
#[macro_export]
macro_rules! __forward_method {
    ($flavour:tt $via:tt [$method:ident [$($args:tt)*] $Return:ty]) => {
        $crate::__forward_method! {
            @args [$flavour $via $method $Return]
            ['life1 'life2 'life3 'life4 'life5 'life6 'life7 'life8] [] [] [] $($args)*
        }
    };

    // `async_trait` names the lifetime of each reference, and so must this.
    (
        @args $head:tt [$life:lifetime $($lives:lifetime)*] [$($used:lifetime)*] [$($params:tt)*]
        [$($names:ident)*] , $arg:ident : & $Arg:ty $(, $($rest:tt)*)?
    ) => {
        $crate::__forward_method! {
            @args $head [$($lives)*] [$($used)* $life] [$($params)* , $arg: &$life $Arg]
            [$($names)* $arg] $(, $($rest)*)?
        }
    };
    (
        @args $head:tt $lives:tt $used:tt [$($params:tt)*] [$($names:ident)*]
        , $arg:ident : $Arg:ty $(, $($rest:tt)*)?
    ) => {
        $crate::__forward_method! {
            @args $head $lives $used [$($params)* , $arg: $Arg] [$($names)* $arg] $(, $($rest)*)?
        }
    };
    (@args $head:tt $lives:tt $used:tt $params:tt $names:tt $(,)?) => {
        $crate::__forward_method! { @method $head $used $params $names }
    };

    (
        @method [[async $Future:ident] $via:tt $method:ident $Return:ty]
        [$($life:lifetime)*] [$($params:tt)*] [$($names:ident)*]
    ) => {
        fn $method<'life0, $($life,)* 'async_trait>(
            &'life0 self $($params)*
        ) -> $crate::__private::$Future<'async_trait, $Return>
        where
            'life0: 'async_trait,
            $($life: 'async_trait,)*
            Self: 'async_trait,
        {
            $crate::__forward_method!(@inner $via self).$method($($names),*)
        }
    };
    (
        @method [[blocking] $via:tt $method:ident $Return:ty]
        [$($life:lifetime)*] [$($params:tt)*] [$($names:ident)*]
    ) => {
        fn $method<$($life),*>(&self $($params)*) -> $Return {
            $crate::__forward_method!(@inner $via self).$method($($names),*)
        }
    };

    (@inner [*] $self:ident) => { (**$self) };
    (@inner [$($part:tt)+] $self:ident) => { $self $($part)+ };
}

/// A macro of the service's own, which hands its definition to another macro.
#[doc(hidden)]
#[macro_export]
macro_rules! __define {
    ([$dollar:tt] [] $Service:ident $methods:tt) => {};
    ([$dollar:tt] [$(#[$attribute:meta])* $name:ident] $Service:ident $methods:tt) => {
        #[doc(hidden)]
        #[allow(unused_macros, reason = "its user has no double of it")]
        $(#[$attribute])*
        macro_rules! $name {
            ({ $dollar($dollar callback:tt)+ } $dollar($dollar extra:tt)*) => {
                $dollar($dollar callback)+ ! { $dollar($dollar extra)* $Service $methods }
            };
        }
    };
}

/// What the macros above expand to.
#[allow(missing_docs, reason = "nobody else uses it")]
pub mod private {
    use super::{Answer, Error, ErrorKind, Operation};

    pub use crate::local::LocalBoxFuture;
    pub use crate::transport::BoxFuture;

    /// What a method may return. The macros name it and the operation by themselves, so that a wrong one is an error
    /// where it stands.
    #[diagnostic::on_unimplemented(
        message = "a method of a service returns a `Result`, not `{Self}`",
        label = "not a `Result`"
    )]
    pub trait Returns<T> {
        fn of(outcome: Result<T, Error>) -> Self;
    }

    impl<T: Gives<U>, U, E: From<Error>> Returns<T> for Result<U, E> {
        fn of(outcome: Result<T, Error>) -> Self {
            Ok(outcome?.give())
        }
    }

    /// The same type. Only its errors are another's.
    #[diagnostic::on_unimplemented(
        message = "the operation of this method gives `{Self}`, not `{U}`",
        label = "the operation gives `{Self}`"
    )]
    pub trait Gives<U> {
        fn give(self) -> U;
    }

    impl<T> Gives<T> for T {
        fn give(self) -> T {
            self
        }
    }

    /// The operation of a method, which a wrong one is not.
    pub fn operation<O: Operation>(operation: O) -> O {
        operation
    }

    /// The body of a method that an implementation leaves out.
    pub fn unimplemented<R: Returns<O::Output>, O: Operation>(_: O) -> R {
        R::of(Err(Error::builder(ErrorKind::Unimplemented).endpoint(O::ENDPOINT).build()))
    }

    pub fn no_session<T>() -> Result<T, Error> {
        let error = Error::builder(ErrorKind::Unimplemented);
        Err(error.reason("in_session was called").build())
    }

    /// What a method returns of an answer.
    pub fn value<R: Returns<T>, T>(outcome: Result<Answer<T>, Error>) -> R {
        R::of(outcome.map(|answer| answer.value))
    }
}
