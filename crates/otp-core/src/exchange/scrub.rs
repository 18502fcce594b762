//! Takes a request's secrets out of whatever its error is about to say.

use std::borrow::Cow;
use std::fmt;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret;
use secrecy::zeroize::Zeroizing;

use crate::AuthToken;
use crate::operation::Secrets;

const REDACTED: &str = "[redacted]";

/// The forms in which a secret could come back: as it is, and percent-encoded.
pub(super) struct Scrubber(Vec<Zeroizing<String>>);

impl Scrubber {
    pub(super) fn new(token: &AuthToken, secrets: &Secrets) -> Self {
        let mut forms = Vec::new();
        for secret in std::iter::once(token.expose_secret()).chain(secrets.iter()) {
            let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
            if encoded != secret {
                forms.push(Zeroizing::new(encoded));
            }
            forms.push(Zeroizing::new(secret.to_owned()));
        }
        // A secret may be part of another: the longest goes first, so that no rest of it stays.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.retain(|form| !form.is_empty());
        Self(forms)
    }

    pub(super) fn text<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        if self.is_clean(&text) {
            return text;
        }
        let scrubbed = self
            .0
            .iter()
            .fold(text.into_owned(), |text, form| text.replace(form.as_str(), REDACTED));
        Cow::Owned(scrubbed)
    }

    /// The same error, or one that says only that it was redacted, if any text of its chain holds a
    /// secret: a transport's promise not to do that is checked, not believed.
    pub(super) fn source(
        &self,
        source: Box<dyn std::error::Error + Send + Sync>,
    ) -> Box<dyn std::error::Error + Send + Sync> {
        let mut link: Option<&dyn std::error::Error> = Some(&*source);
        while let Some(error) = link {
            if !self.is_clean(&error.to_string()) || !self.is_clean(&format!("{error:?}")) {
                return Box::new(RedactedSource);
            }
            link = error.source();
        }
        source
    }

    fn is_clean(&self, text: &str) -> bool {
        self.0.iter().all(|form| !text.contains(form.as_str()))
    }
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrubber([redacted])")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the transport's error held a secret of the request and was removed")]
struct RedactedSource;

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubber() -> Scrubber {
        Scrubber::new(&AuthToken::new("to/ken").unwrap(), &Secrets::default())
    }

    #[test]
    fn a_secret_is_found_raw_and_percent_encoded() {
        assert_eq!(scrubber().text("a to/ken b to%2Fken".into()), "a [redacted] b [redacted]");
        assert_eq!(scrubber().text("a token".into()), "a token");
    }

    #[test]
    fn a_source_that_holds_a_secret_anywhere_in_its_chain_is_removed() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer")]
        struct Outer(#[source] std::io::Error);

        let clean = Outer(std::io::Error::other("inner"));
        assert_eq!(scrubber().source(Box::new(clean)).to_string(), "outer");
        let leaky = Outer(std::io::Error::other("GET /to/ken failed"));
        assert_eq!(scrubber().source(Box::new(leaky)).to_string(), RedactedSource.to_string());
    }
}
