use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

/// The secrets that a request carries, for removing their echoes from what a server says. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<Arc<SecretString>>);

impl Secrets {
    pub(super) fn add(&mut self, secret: &str) {
        if !secret.is_empty() {
            self.0.push(Arc::new(SecretString::from(secret)));
        }
    }

    /// Adds those that are not among these yet. An operation writes the same at each attempt, as a rule.
    pub(crate) fn extend(&mut self, others: &Self) {
        for other in &others.0 {
            if !self.iter().any(|secret| secret == (**other).expose_secret()) {
                self.0.push(Arc::clone(other));
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|secret| (**secret).expose_secret())
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
