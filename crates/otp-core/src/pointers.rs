//! What the async flavours share about pointers: `&T`, `Box<T>` and the like of an implementor implement
//! the trait too, `dyn` included.
//!
//! The futures are written out rather than by `async_trait`, which would box each a second time.

/// Implements this flavour's `OtpsApi` for pointers.
macro_rules! delegate_api {
    ($api:path, $future:ident: $([$($generics:tt)*] $pointer:ty),* $(,)?) => {$(
        impl<$($generics)*> $api for $pointer {
            fn find_ensure_otp<'life, 'otp, 'fut>(
                &'life self,
                otp: &'otp $crate::Otp,
            ) -> $future<'fut, Result<$crate::Verified, $crate::Error>>
            where
                'life: 'fut,
                'otp: 'fut,
                Self: 'fut,
            {
                (**self).find_ensure_otp(otp)
            }

            fn find_recovery_codes<'life, 'fut>(
                &'life self,
            ) -> $future<'fut, Result<$crate::RecoveryCodeList, $crate::Error>>
            where
                'life: 'fut,
                Self: 'fut,
            {
                (**self).find_recovery_codes()
            }

            fn receive_codes<'life, 'fut>(&'life self) -> $future<'fut, Result<(), $crate::Error>>
            where
                'life: 'fut,
                Self: 'fut,
            {
                (**self).receive_codes()
            }

            fn regenerate_codes<'life, 'fut>(
                &'life self,
            ) -> $future<'fut, Result<$crate::RecoveryCodeList, $crate::Error>>
            where
                'life: 'fut,
                Self: 'fut,
            {
                (**self).regenerate_codes()
            }
        }
    )*};
}

/// Implements this flavour's `Transport` for pointers.
macro_rules! delegate_transport {
    ($api:path, $future:ident: $([$($generics:tt)*] $pointer:ty),* $(,)?) => {$(
        impl<$($generics)*> $api for $pointer {
            fn send<'life, 'fut>(
                &'life self,
                request: $crate::Request,
            ) -> $future<'fut, Result<$crate::Response, $crate::TransportError>>
            where
                'life: 'fut,
                Self: 'fut,
            {
                (**self).send(request)
            }

            fn sleep<'life, 'fut>(&'life self, duration: ::std::time::Duration) -> $future<'fut, ()>
            where
                'life: 'fut,
                Self: 'fut,
            {
                (**self).sleep(duration)
            }

            fn now(&self) -> ::std::time::Duration {
                (**self).now()
            }
        }
    )*};
}

pub(crate) use {delegate_api, delegate_transport};
