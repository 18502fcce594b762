use std::cell::RefCell;
use std::fmt;

use secrecy::ExposeSecret;
use serde::{Serialize, Serializer, ser};

use crate::scrub::Secrets;

thread_local! {
    /// The secrets of the body that is being written on this thread, if one is.
    static WRITTEN: RefCell<Option<Secrets>> = const { RefCell::new(None) };
}

/// A secret as a field of a JSON body.
///
/// [`RequestDraft::json`](super::RequestDraft::json) writes it, and removes its echoes from what the server answers.
/// Every other serializer refuses it, so that a log or a file does not get it by accident.
///
/// ```
/// use otp_core::operation::{Exposed, RequestDraft};
/// use otp_core::secrecy::SecretString;
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct NewPassword<'a> {
///     user: &'a str,
///     password: Exposed<'a>,
///     #[serde(skip_serializing_if = "Option::is_none")]
///     old_password: Option<Exposed<'a>>,
/// }
///
/// fn write(request: &mut RequestDraft, user: &str, password: &SecretString) {
///     request.json(&NewPassword { user, password: Exposed(password), old_password: None });
/// }
///
/// let password = SecretString::from("hunter2");
/// assert!(serde_json::to_string(&Exposed(&password)).is_err());
/// ```
#[derive(Clone, Copy)]
pub struct Exposed<'a>(pub &'a (dyn ExposeSecret<str> + Sync));

impl Serialize for Exposed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let secret = self.0.expose_secret();
        let is_body = WRITTEN.with_borrow_mut(|written| match written {
            Some(secrets) => {
                secrets.add(secret);
                true
            }
            None => false,
        });
        if is_body {
            serializer.serialize_str(secret)
        } else {
            Err(ser::Error::custom("a secret is only written into the body of a request"))
        }
    }
}

impl fmt::Debug for Exposed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Runs `write`, in which secrets may be serialized, and gives those that were.
pub(super) fn collect<T>(write: impl FnOnce() -> T) -> (T, Secrets) {
    /// Puts back what was there, also if `write` panics.
    struct Restore(Option<Secrets>);
    impl Drop for Restore {
        fn drop(&mut self) {
            WRITTEN.set(self.0.take());
        }
    }
    let _restore = Restore(WRITTEN.replace(Some(Secrets::default())));
    let result = write();
    (result, WRITTEN.take().unwrap_or_default())
}
