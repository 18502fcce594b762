//! Takes secrets out of whatever is about to be said.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use secrecy::zeroize::Zeroizing;

const REDACTED: &str = "[redacted]";

/// Whatever is shorter is in many a word, and taken out only where it stands alone: a letter typed for an OTP
/// must not cost the id of the request.
const SHORT: usize = 4;

/// Takes secrets out of a text, as this crate's errors do with what a server says.
///
/// It knows the forms in which a secret could come back: as it is, percent-encoded, and in base64, also as
/// a part of a longer text that was encoded. It is for whoever writes down what passes a transport; see
/// [`Request::secrets`](crate::Request::secrets). Its `Debug` shows nothing.
///
/// ```
/// use otp_core::exchange::Scrubber;
///
/// let scrubber = Scrubber::new(["k3y-of-mine"]);
/// assert_eq!(scrubber.text("no user k3y-of-mine"), "no user [redacted]");
/// assert_eq!(scrubber.text("no user k3y%2Dof%2Dmine"), "no user [redacted]");
/// ```
pub struct Scrubber(Vec<Zeroizing<String>>);

impl Scrubber {
    /// What takes out these secrets. An empty one hides nothing.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut forms = Vec::new();
        for secret in secrets.into_iter().filter(|secret| !secret.is_empty()) {
            forms.push(Zeroizing::new(utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string()));
            forms.push(Zeroizing::new(secret.to_owned()));
            let base64 = (0..3).flat_map(|offset| base64_at(secret, offset)).map(Zeroizing::new);
            // A few characters of base64 are in many a word.
            forms.extend(base64.filter(|form| form.len() >= 6));
        }
        // A secret may be part of another: the longest goes first, so that no rest of it stays.
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        Self(forms)
    }

    /// The text with `[redacted]` in the place of each secret; nothing else of it, if one is written in a
    /// way that cannot be cut out. A secret of less than four bytes must stand alone to be one: it is a
    /// part of many a word.
    pub fn text<'a>(&self, text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
        let text = text.into();
        if self.is_clean(&text) {
            return text;
        }
        let scrubbed = self.0.iter().fold(text.into_owned(), |text, form| replace(text, form));
        // What is still in there is written in some way that cannot be cut out.
        if self.is_clean(&scrubbed) { Cow::Owned(scrubbed) } else { Cow::Borrowed(REDACTED) }
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
        let holds_none = |text: &str| self.0.iter().all(|form| places(text, form).next().is_none());
        // Percent-encoding has many ways to write the same.
        holds_none(text)
            && (!text.contains('%') || holds_none(&percent_decode_str(text).decode_utf8_lossy()))
    }
}

/// Where a form of a secret begins in a text.
fn places<'a>(text: &'a str, form: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(form).map(|(at, _)| at).filter(move |at| {
        form.len() >= SHORT
            || !is_word(text[..*at].chars().next_back())
                && !is_word(text[at + form.len()..].chars().next())
    })
}

fn replace(text: String, form: &str) -> String {
    let mut replaced = String::new();
    let mut rest = 0;
    for at in places(&text, form) {
        replaced.push_str(&text[rest..at]);
        replaced.push_str(REDACTED);
        rest = at + form.len();
    }
    if rest == 0 {
        return text;
    }
    replaced.push_str(&text[rest..]);
    replaced
}

/// What of base64 depends on this secret alone when it stands `offset` bytes, modulo 3, after the start
/// of a longer text: in both alphabets.
fn base64_at(secret: &str, offset: usize) -> [String; 2] {
    let mut text = Zeroizing::new(vec![0; offset]);
    text.extend_from_slice(secret.as_bytes());
    // The first characters mix with what stands before, and the last one with what follows.
    let from = [0, 2, 3][offset];
    let to = text.len() * 8 / 6;
    [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD]
        .map(|alphabet| alphabet.encode(&*text)[from..to].to_owned())
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
        Scrubber::new(["to/ken"])
    }

    #[test]
    fn a_secret_is_found_raw_and_percent_encoded() {
        assert_eq!(scrubber().text("a to/ken b to%2Fken"), "a [redacted] b [redacted]");
        assert_eq!(scrubber().text("a token"), "a token");
        assert_eq!(scrubber().text("100 % of to%2fk%65n"), REDACTED);
        assert_eq!(scrubber().text("100 % of tokens"), "100 % of tokens");
    }

    #[test]
    fn a_short_secret_is_taken_out_where_it_stands_alone() {
        for token in ["t", "to", "tok"] {
            let scrubber = Scrubber::new([token]);
            for text in ["token refused", "a stoke", "94c8-1tok2"] {
                assert_eq!(scrubber.text(text), text);
            }
            for (before, after) in [("", ""), ("no ", "!"), ("/verify/", "?"), ("«", "»")] {
                let said = scrubber.text(format!("{before}{token}{after}")).into_owned();
                assert_eq!(said, format!("{before}[redacted]{after}"));
            }
        }
        let scrubber = Scrubber::new(["1234"]);
        assert_eq!(scrubber.text("x1234y 1234"), "x[redacted]y [redacted]");
    }

    #[test]
    fn an_empty_secret_hides_nothing() {
        assert_eq!(Scrubber::new(["", "to/ken"]).text("a to/ken"), "a [redacted]");
        assert_eq!(Scrubber::new([""]).text("a"), "a");
    }

    #[test]
    fn a_secret_is_found_in_base64_wherever_it_stands() {
        let scrubber = Scrubber::new(["canary-t0ken"]);
        for offset in 0..3 {
            let [encoded, _] = base64_at("canary-t0ken", offset);
            // All of the twelve bytes but what is shared with their neighbours.
            assert_eq!(encoded.len(), [16, 15, 15][offset]);
        }
        for text in ["canary-t0ken", "a canary-t0ken", "ab canary-t0ken!", "abc canary-t0ken !!"] {
            for encoded in [STANDARD_NO_PAD.encode(text), URL_SAFE_NO_PAD.encode(text)] {
                let scrubbed = scrubber.text(encoded.clone());
                assert!(scrubbed.contains(REDACTED), "{text}: {encoded}");
            }
        }
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

        // In `Debug` only, and in `Display` only.
        #[derive(Debug, thiserror::Error)]
        #[error("quiet")]
        struct InDebug(&'static str);
        let leaky = InDebug("to/ken");
        assert_eq!(scrubber().source(Box::new(leaky)).to_string(), RedactedSource.to_string());

        #[derive(Debug, thiserror::Error)]
        #[error("to/ken")]
        struct InDisplay;
        assert_eq!(scrubber().source(Box::new(InDisplay)).to_string(), RedactedSource.to_string());
    }
}
