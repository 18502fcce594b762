//! A transport in memory, written once for the three flavours.

use std::time::Duration;

use otp_core::Request;

use crate::reply::Played;

/// What a double's transport does: it takes no time but what it tells its own clock.
pub(crate) trait InMemory {
    /// Answers a request.
    fn play(&self, request: Request) -> Played;
    /// Lets time pass.
    fn pass(&self, time: Duration);
    /// Waits between attempts.
    fn wait(&self, time: Duration) {
        self.pass(time);
    }
    /// What the clock shows.
    fn time(&self) -> Duration;
}

/// Implements the transports of all flavours for what is [`InMemory`].
macro_rules! transport_in_all_flavours {
    ($transport:ty) => {
        #[otp_core::async_trait]
        impl otp_core::Transport for $transport {
            async fn send(
                &self,
                request: otp_core::Request,
            ) -> Result<otp_core::Response, otp_core::TransportError> {
                match $crate::in_memory::InMemory::play(self, request) {
                    $crate::reply::Played::Done(outcome) => outcome,
                    $crate::reply::Played::Pending => std::future::pending().await,
                }
            }

            async fn sleep(&self, duration: std::time::Duration) {
                $crate::in_memory::InMemory::wait(self, duration);
            }

            fn now(&self) -> std::time::Duration {
                $crate::in_memory::InMemory::time(self)
            }
        }

        #[otp_core::async_trait(?Send)]
        impl otp_core::local::Transport for $transport {
            async fn send(
                &self,
                request: otp_core::Request,
            ) -> Result<otp_core::Response, otp_core::TransportError> {
                otp_core::Transport::send(self, request).await
            }

            async fn sleep(&self, duration: std::time::Duration) {
                $crate::in_memory::InMemory::wait(self, duration);
            }

            fn now(&self) -> std::time::Duration {
                $crate::in_memory::InMemory::time(self)
            }
        }

        impl otp_core::blocking::Transport for $transport {
            fn send(
                &self,
                request: otp_core::Request,
            ) -> Result<otp_core::Response, otp_core::TransportError> {
                let limit = request.time_limit();
                match $crate::in_memory::InMemory::play(self, request) {
                    $crate::reply::Played::Done(outcome) => outcome,
                    // Nobody could ever drop this call.
                    $crate::reply::Played::Pending => {
                        $crate::in_memory::InMemory::pass(self, limit);
                        Err($crate::reply::timed_out())
                    }
                }
            }

            fn sleep(&self, duration: std::time::Duration) {
                $crate::in_memory::InMemory::wait(self, duration);
            }

            fn now(&self) -> std::time::Duration {
                $crate::in_memory::InMemory::time(self)
            }
        }
    };
}
pub(crate) use transport_in_all_flavours;
