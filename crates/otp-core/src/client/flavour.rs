//! The client of one flavour. The flavours differ in a pointer, in bounds and in the word `async`.

/// Defines `OtpsClient`, with the traits and types of the module that it is used in. The `async` in front is that of
/// its methods.
macro_rules! client {
    (
        $(#[$docs:meta])*
        [$($async:ident)?] $Pointer:ident, timer: |$client:ident, $duration:ident| $timer:expr, send: $(#[$send_docs:meta])*
    ) => {
        $(#[$docs])*
        #[derive(Clone)]
        pub struct OtpsClient {
            transport: $Pointer<dyn Transport>,
            provider: Option<$Pointer<dyn TokenProvider>>,
            config: ClientConfig,
        }

        impl OtpsClient {
            /// A client of the public service with default settings.
            ///
            /// The credentials are an [`AuthToken`](crate::AuthToken), or a provider of tokens.
            pub fn new(
                transport: impl Transport + 'static,
                credentials: impl Into<Credentials>,
            ) -> Self {
                let (token, provider) = match credentials.into().0 {
                    Source::Fixed(token) => (Some(token), None),
                    Source::Provider(provider) => (None, Some(provider)),
                };
                Self { transport: $Pointer::new(transport), provider, config: ClientConfig::new(token) }
            }

            /// Starts a client with settings of its own.
            ///
            /// The credentials are an [`AuthToken`](crate::AuthToken), or a provider of tokens.
            pub fn builder(
                transport: impl Transport + 'static,
                credentials: impl Into<Credentials>,
            ) -> ClientBuilder<OtpsClient> {
                ClientBuilder::new(Self::new(transport, credentials))
            }

            /// A client that acts for another user or session. It shares everything with this one except the token,
            /// which is never refreshed, and the retry budget, which it shares
            /// [if it was told to](ClientBuilder::share_retry_budget).
            #[must_use]
            pub fn with_token(&self, token: AuthToken) -> Self {
                Self {
                    transport: $Pointer::clone(&self.transport),
                    provider: None,
                    config: self.config.with_token(token),
                }
            }

            /// Starts a call of an operation, one of [`operation`](crate::operation)'s or your own.
            pub fn call<O: Operation>(&self, operation: O) -> Call<'_, OtpsClient, O> {
                Call::new(self, operation, self.config.options_for::<O>())
            }

            /// Everything about this client except its transport and its token provider.
            pub fn config(&self) -> &ClientConfig {
                &self.config
            }
        }

        impl<O: Operation> Call<'_, OtpsClient, O> {
            $(#[$send_docs])*
            pub $($async)? fn send(self) -> Result<Answer<O::Output>, Error> {
                let exchange = Exchange::new(
                    &self.client.config,
                    self.operation,
                    self.options,
                    self.client.now(),
                );
                $crate::client::run!([$($async)?] $crate::client::drive(self.client, exchange))
            }

            /// Makes the call again and again, until `is_done` says so of its value: for work that a `202` began.
            ///
            /// It waits for `every` in between, at least 1 ms, and longer if the answer asks for it (`Retry-After`). The
            /// [timeout](Call::timeout) of the call is that of all of it.
            ///
            /// Each round is a call of its own. So use an operation that only reads: `receive_codes` would send an
            /// SMS in each round.
            ///
            /// # Errors
            ///
            /// As [`send`](Self::send). If it is not done in time, the kind is
            /// [`Timeout`](crate::ErrorKind::Timeout) and the effect [`Unknown`](crate::Effect::Unknown): the work
            /// may still go on.
            pub $($async)? fn send_until(
                self,
                every: Duration,
                is_done: impl FnMut(&O::Output) -> bool,
            ) -> Result<Answer<O::Output>, Error> {
                let (client, config) = (self.client, &self.client.config);
                $crate::client::run!(
                    [$($async)?] $crate::client::poll(client, config, self, every, is_done)
                )
            }
        }

        impl<O: $crate::Paged> $crate::Pages<'_, OtpsClient, O> {
            /// Reads the next page; none after the last one.
            ///
            /// # Errors
            ///
            /// As [`Call::send`] of the page. If the time for all pages is up, the kind is
            /// [`Timeout`](crate::ErrorKind::Timeout).
            pub $($async)? fn next_page(&mut self) -> Result<Option<O::Output>, Error> {
                let (client, config) = (self.client, &self.client.config);
                $crate::client::run!([$($async)?] $crate::client::next_page(client, config, self))
            }
        }

        impl ClientBuilder<OtpsClient> {
            /// The client.
            ///
            /// # Errors
            ///
            /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) if a timeout, the retry policy, a header or
            /// the response limit is out of its bounds.
            pub fn build(self) -> Result<OtpsClient, Error> {
                let (mut client, shared) = self.finish()?;
                client.config.set_shared(shared);
                Ok(client)
            }
        }

        impl Flavour for OtpsClient {
            async fn send(&self, request: Request) -> Result<Response, TransportError> {
                $crate::__wait!([$($async)?] (*self.transport).send(request))
            }

            async fn sleep(&self, duration: Duration) {
                $crate::__wait!([$($async)?] (*self.transport).sleep(duration));
            }

            fn now(&self) -> Duration {
                (*self.transport).now()
            }

            async fn ask(&self, request: &TokenRequest) -> Result<AuthToken, ProviderError> {
                match &self.provider {
                    Some(provider) => {
                        $crate::__wait!([$($async)?] (**provider).token(request))
                    }
                    None => Err("this client has no token provider".into()),
                }
            }

            async fn timer(&self, $duration: Duration) {
                let $client = self;
                $timer.await;
            }
        }

        impl fmt::Debug for OtpsClient {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("OtpsClient").field("config", &self.config).finish_non_exhaustive()
            }
        }
    };
}

/// Waits for a future of ours: as a future, or on this thread.
macro_rules! run {
    ([async] $future:expr) => {
        $future.await
    };
    ([] $future:expr) => {
        $crate::blocking::run($future)
    };
}

pub(crate) use {client, run};
