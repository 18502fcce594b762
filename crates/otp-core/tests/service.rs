//! A service of a larger SDK, defined by `service!`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::rc::Rc;
use std::sync::Arc;

use otp_core::local::FromSend;
use otp_core::{
    AuthToken, Error, ErrorKind, OtpsClient, async_trait, blocking as core_blocking,
    local as core_local,
};
use sdk::{Keys, NewKey, SdkError, blocking, local};
use static_assertions::assert_impl_all;
use support::{Script, respond, status};

/// The larger SDK.
mod sdk {
    use otp_core::operation::{Exposed, ReadError, RequestDraft, ResponseReader, WriteError};
    use otp_core::secrecy::SecretString;
    use otp_core::{Endpoint, Error, Operation, service};

    /// An error of its own.
    #[derive(Debug)]
    pub(crate) struct SdkError(pub Error);

    impl From<Error> for SdkError {
        fn from(error: Error) -> Self {
            Self(error)
        }
    }

    pub(crate) struct NewKey {
        pub(crate) description: String,
        pub(crate) secret: SecretString,
    }

    service! {
        /// API keys.
        pub(crate) trait Keys as keys {
            /// How many there are.
            fn count(&self) -> Result<usize, Error> = Count { prefix: String::new(), tags: Vec::new() };

            /// How many begin with this and have these tags.
            fn search(&self, prefix: &str, tags: &[&'static str], limit: u8) -> Result<usize, SdkError> = Count {
                prefix: format!("{prefix}{limit}"),
                tags: tags.to_vec(),
            };

            /// Makes one.
            fn create(&self, key: NewKey) -> Result<usize, SdkError> = Create(key);

            /// Of two, by reference.
            fn both(
                &self,
                one: &NewKey,
                other: &NewKey,
            ) -> Result<usize, Error> = Count {
                prefix: format!("{}{}", one.description, other.description),
                tags: vec![],
            };

            /// With a trailing comma, and an owned argument between references.
            fn mixed(&self, one: &str, two: String, three: &str,) -> Result<usize, Error> = Count {
                prefix: format!("{one}{two}{three}"),
                tags: vec![],
            };
        }
    }

    #[allow(clippy::single_component_path_imports, reason = "a macro has no other path")]
    pub(crate) use keys;

    pub(crate) struct Count {
        pub(crate) prefix: String,
        pub(crate) tags: Vec<&'static str>,
    }

    impl Operation for Count {
        type Output = usize;
        const ENDPOINT: &'static Endpoint = &Endpoint::get("count_keys", "/keys");
        fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
            request.query("prefix", &self.prefix);
            for tag in &self.tags {
                request.query("tag", tag);
            }
            Ok(())
        }
        fn read(&self, response: &ResponseReader<'_>) -> Result<usize, ReadError> {
            Ok(response.body().len())
        }
    }

    struct Create(NewKey);

    impl Operation for Create {
        type Output = usize;
        const ENDPOINT: &'static Endpoint = &Endpoint::post("create_key", "/keys");
        fn write(&self, request: &mut RequestDraft) -> Result<(), WriteError> {
            request.json(&[Exposed(&self.0.secret)]);
            Ok(())
        }
        fn read(&self, response: &ResponseReader<'_>) -> Result<usize, ReadError> {
            Ok(response.body().len())
        }
    }
}

assert_impl_all!(OtpsClient: Keys);
assert_impl_all!(&'static dyn Keys: Keys);
assert_impl_all!(Box<dyn Keys>: Keys);
assert_impl_all!(Arc<dyn Keys>: Keys, Send, Sync);
assert_impl_all!(core_local::OtpsClient: local::Keys);
assert_impl_all!(&'static dyn local::Keys: local::Keys);
assert_impl_all!(Box<dyn local::Keys>: local::Keys);
assert_impl_all!(Rc<dyn local::Keys>: local::Keys);
assert_impl_all!(Arc<dyn local::Keys>: local::Keys);
assert_impl_all!(FromSend<Arc<dyn Keys>>: local::Keys);
assert_impl_all!(core_blocking::OtpsClient: blocking::Keys);
assert_impl_all!(&'static dyn blocking::Keys: blocking::Keys);
assert_impl_all!(Box<dyn blocking::Keys>: blocking::Keys);
assert_impl_all!(Arc<dyn blocking::Keys>: blocking::Keys, Send, Sync);

fn key(description: &str) -> NewKey {
    NewKey { description: description.to_owned(), secret: "hunter2-hunter2".to_owned().into() }
}

fn session() -> AuthToken {
    AuthToken::new("session-t0ken").unwrap()
}

/// Every method through what this makes of a client, in one flavour.
macro_rules! through {
    ($script:ident, $service:expr, $wait:ident) => {{
        let service = $service;
        assert_eq!($wait(service.count()).unwrap(), 3);
        assert_eq!($wait(service.search("a b", &["x", "y"], 7)).unwrap(), 3);
        assert_eq!($wait(service.create(key("new"))).unwrap(), 3);
        assert_eq!($wait(service.both(&key("one"), &key("two"))).unwrap(), 3);
        assert_eq!($wait(service.mixed("one", "two".to_owned(), "three")).unwrap(), 3);
        let other = service.in_session(&session()).unwrap();
        assert_eq!($wait(other.count()).unwrap(), 3);
        let again = other.in_session(&AuthToken::new("another").unwrap()).unwrap();
        assert_eq!($wait(again.count()).unwrap(), 3);
        drop((service, other, again));
        check(&$script);
    }};
}

fn check(script: &Script) {
    let mut seen = script.seen.lock().unwrap();
    let queries: Vec<_> =
        seen.iter().map(|seen| seen.uri.query().unwrap_or("").to_owned()).collect();
    let expected =
        ["prefix=", "prefix=a%20b7&tag=x&tag=y", "", "prefix=onetwo", "prefix=onetwothree"];
    assert_eq!(queries[..5], expected);
    assert_eq!(&seen[2].body[..], br#"["hunter2-hunter2"]"#);
    let tokens: Vec<_> =
        seen[4..].iter().map(|seen| seen.headers["x-auth-token"].clone()).collect();
    assert_eq!(tokens, [support::TOKEN, "session-t0ken", "another"]);
    seen.clear();
}

#[test]
fn every_method_works_through_every_pointer() {
    use pollster::block_on;
    fn at_once<T>(value: T) -> T {
        value
    }
    let script = Arc::new(Script::new([respond(200, &[], "abc")]));
    {
        let client = script.async_client();
        through!(script, client.clone(), block_on);
        through!(script, &client as &dyn Keys, block_on);
        through!(script, &&client, block_on);
        through!(script, Box::new(client.clone()), block_on);
        through!(script, Box::new(client.clone()) as Box<dyn Keys>, block_on);
        through!(script, Arc::new(client.clone()), block_on);
        through!(script, Arc::new(client.clone()) as Arc<dyn Keys>, block_on);
    }
    {
        use local::Keys;
        let client = script.local_client();
        through!(script, client.clone(), block_on);
        through!(script, &client as &dyn Keys, block_on);
        through!(script, Box::new(client.clone()) as Box<dyn Keys>, block_on);
        through!(script, Rc::new(client.clone()) as Rc<dyn Keys>, block_on);
        #[allow(clippy::arc_with_non_send_sync, reason = "it is a pointer like the others")]
        let shared = Arc::new(client.clone()) as Arc<dyn Keys>;
        through!(script, shared, block_on);
        through!(script, FromSend(script.async_client()), block_on);
        through!(script, Rc::new(FromSend(script.async_client())) as Rc<dyn Keys>, block_on);
    }
    {
        use blocking::Keys;
        let client = script.blocking_client();
        through!(script, client.clone(), at_once);
        through!(script, &client as &dyn Keys, at_once);
        through!(script, Box::new(client.clone()) as Box<dyn Keys>, at_once);
        through!(script, Arc::new(client.clone()) as Arc<dyn Keys>, at_once);
    }
}

#[test]
fn an_error_becomes_that_of_the_method() {
    let (client, _) = Script::new([status(404)]).client();
    let error: Error = pollster::block_on(client.count()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error: SdkError = pollster::block_on(client.create(key("new"))).unwrap_err();
    assert_eq!(error.0.operation(), Some("create_key"));
}

/// A double of one method.
struct Double;

#[async_trait]
impl Keys for Double {
    async fn count(&self) -> Result<usize, Error> {
        Ok(9)
    }
}

#[async_trait(?Send)]
impl local::Keys for Double {
    async fn count(&self) -> Result<usize, Error> {
        Ok(9)
    }
}

impl blocking::Keys for Double {
    fn count(&self) -> Result<usize, Error> {
        Ok(9)
    }
}

#[test]
fn a_method_that_a_double_leaves_out_names_its_operation() {
    let check = |outcome: Result<usize, SdkError>, operation: &str| {
        let error = outcome.unwrap_err().0;
        assert_eq!(error.kind(), ErrorKind::Unimplemented);
        assert_eq!(error.operation(), Some(operation));
    };
    fn sessionless<T>(outcome: Result<T, Error>) {
        let error = outcome.map(|_| ()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unimplemented);
        assert!(error.to_string().contains("in_session"), "{error}");
    }
    {
        let double: Arc<dyn Keys> = Arc::new(Double);
        assert_eq!(pollster::block_on(double.count()).unwrap(), 9);
        check(pollster::block_on(double.create(key("new"))), "create_key");
        check(pollster::block_on(double.search("", &[], 0)), "count_keys");
        sessionless(double.in_session(&session()));
    }
    {
        let double: Rc<dyn local::Keys> = Rc::new(Double);
        assert_eq!(pollster::block_on(double.count()).unwrap(), 9);
        check(pollster::block_on(double.create(key("new"))), "create_key");
        sessionless(double.in_session(&session()));
        sessionless(local::Keys::in_session(&FromSend(Double), &session()));
    }
    {
        let double: Arc<dyn blocking::Keys> = Arc::new(Double);
        assert_eq!(double.count().unwrap(), 9);
        check(double.create(key("new")), "create_key");
        sessionless(double.in_session(&session()));
    }
}

#[test]
fn a_pointer_allocates_nothing() {
    let script = Arc::new(Script::new([respond(200, &[], "abc")]));
    let allocations = |service: &dyn Keys| {
        pollster::block_on(service.count()).unwrap();
        script.seen.lock().unwrap().clear();
        let info = allocation_counter::measure(|| {
            pollster::block_on(service.count()).unwrap();
        });
        script.seen.lock().unwrap().clear();
        info.count_total
    };
    let client = script.async_client();
    let direct = allocations(&client);
    let shared: Arc<dyn Keys> = Arc::new(client.clone());
    let boxed: Box<dyn Keys> = Box::new(Arc::clone(&shared));
    assert_eq!(allocations(&&client), direct);
    assert_eq!(allocations(&shared), direct);
    assert_eq!(allocations(&boxed), direct);
    let local = |service: &dyn local::Keys| {
        pollster::block_on(service.count()).unwrap();
        script.seen.lock().unwrap().clear();
        let info = allocation_counter::measure(|| {
            pollster::block_on(service.count()).unwrap();
        });
        info.count_total
    };
    assert_eq!(local(&FromSend(client)), direct);
}

#[test]
fn a_service_hands_its_definition_to_another_macro() {
    macro_rules! names {
        ($Service:ident [$([$method:ident [$($args:tt)*] $Return:ty])+]) => {
            [stringify!($Service), $(stringify!($method)),+]
        };
    }
    let names = sdk::keys!({ names });
    assert_eq!(names, ["Keys", "count", "search", "create", "both", "mixed"]);
}
