//! Removes secrets from texts that are about to be shown.

mod echo;
mod secrets;
mod view;
mod visible;
mod wiped;

use std::borrow::Cow;
use std::fmt;

use secrecy::zeroize::Zeroize;

pub(crate) use self::secrets::Secrets;
use self::wiped::Wiped;

const REDACTED: &str = "[redacted]";

/// So much of a text is looked at for a line. The longest secret, each of its characters written as `&#x00;` for
/// JSON in a URL, is shorter than half of it.
const LOOKED_AT: usize = 256 * 1024;

/// At most so many bytes of the beginning of a text.
fn start_of(text: &str, mut len: usize) -> &str {
    if len >= text.len() {
        return text;
    }
    while !text.is_char_boundary(len) {
        len -= 1;
    }
    &text[..len]
}

/// Takes secrets out of a text, as this crate does with every string of a response.
///
/// It finds an echo of a secret as it is, in any case, and in the forms in which programs write such a
/// value by accident: percent-encoded, escaped for JSON or HTML (also one in the other), in base64 or
/// base64url (also as a part of a longer text that was encoded), in hexadecimal, and as a list of numbers.
/// Characters without a width of their own do not hide it. Nor do white space and `-`, `.`, `,`, `+` and quotes
/// within it, if six or more other characters are left: `123 456`, `123-456`. Of a secret of less than four
/// bytes only itself is found.
///
/// It is for *accidental* echoes. A server that wants to hide a secret in an answer can always do so, for
/// example by turning it around.
///
/// Use it in code that logs what passes a transport: [`Request::scrubber`](crate::Request::scrubber) makes one. It
/// wipes its own buffers, and its `Debug` shows nothing.
///
/// ```
/// use otp_core::Scrubber;
///
/// let scrubber = Scrubber::new(["k3y-of-mine"]);
/// assert_eq!(scrubber.text("no user k3y-of-mine"), "no user [redacted]");
/// assert_eq!(scrubber.text("no user k3y%2Dof%2Dmine"), "no user [redacted]");
/// assert_eq!(scrubber.text("no user [107, 51, 121, 45, 111, 102, 45, 109, 105, 110, 101]"), "no user [[redacted]]");
/// ```
pub struct Scrubber<'s> {
    borrowed: Vec<&'s str>,
    owned: Secrets,
}

impl<'s> Scrubber<'s> {
    /// Takes out nothing.
    pub(crate) const NONE: Self = Self { borrowed: Vec::new(), owned: Secrets::NONE };

    /// Takes out these secrets. An empty one, or one of white space alone, hides nothing.
    pub fn new(secrets: impl IntoIterator<Item = &'s str>) -> Self {
        let mut scrubber = Self::NONE;
        for secret in secrets {
            scrubber.add(secret);
        }
        scrubber
    }

    fn add(&mut self, secret: &'s str) {
        if !secret.trim().is_empty() && !self.borrowed.contains(&secret) {
            self.borrowed.push(secret);
        }
    }

    /// Takes out these secrets, and keeps them.
    pub(crate) fn owning(owned: Secrets) -> Self {
        Self { borrowed: Vec::new(), owned }
    }

    fn find(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        if self.owned.is_empty() {
            return echo::find(text, &self.borrowed);
        }
        let owned = self.owned.iter().filter(|secret| !secret.trim().is_empty());
        echo::find(text, &owned.collect::<Vec<_>>())
    }

    /// The text with `[redacted]` in the place of each secret.
    ///
    /// A secret of less than four bytes, or of less than eight letters and nothing else, counts only where it
    /// stands alone: it is a part of other words.
    pub fn text<'a>(&self, text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
        let text = text.into();
        match self.scrubbed(&text, text.len()) {
            None => text,
            Some(scrubbed) => {
                if let Cow::Owned(mut text) = text {
                    text.zeroize();
                }
                Cow::Owned(scrubbed)
            }
        }
    }

    /// The text without secrets and fit for a log: on one line, without control characters and characters of
    /// no width, at most `limit` bytes long.
    pub(crate) fn one_line(&self, text: &str, limit: usize) -> String {
        // Of a very long text only the beginning is looked at, and less of it kept: an echo that reaches over
        // the end of the one is not within the other.
        let looked_at = start_of(text, LOOKED_AT);
        let kept = if looked_at.len() < text.len() { LOOKED_AT / 2 } else { looked_at.len() };
        let scrubbed = self.scrubbed(looked_at, start_of(looked_at, kept).len());
        let scrubbed = scrubbed.map_or(Cow::Borrowed(start_of(looked_at, kept)), Cow::Owned);
        visible::one_line(&scrubbed, limit)
    }

    /// What an error says, as [`one_line`](Self::one_line). None if its `Display` fails.
    pub(crate) fn message(
        &self,
        error: &(dyn std::error::Error + Send + Sync),
        limit: usize,
    ) -> Option<String> {
        let text = Wiped::of(format_args!("{error}"))?;
        Some(self.one_line(&text, limit))
    }

    /// The first `kept` bytes of the text, or what they become; none if nothing is in them.
    fn scrubbed(&self, text: &str, kept: usize) -> Option<String> {
        let mut echoes = self.find(text);
        echoes.retain(|echo| echo.start < kept);
        if echoes.is_empty() {
            return None;
        }
        let mut scrubbed = String::with_capacity(kept + echoes.len() * REDACTED.len());
        let mut rest = 0;
        for echo in echoes {
            scrubbed.push_str(&text[rest..echo.start]);
            scrubbed.push_str(REDACTED);
            rest = echo.end;
        }
        scrubbed.push_str(&text[rest..kept.max(rest)]);
        Some(scrubbed)
    }

    /// The same error, or one that says only that it was removed, if any text of its chain holds a
    /// secret: a transport promises not to do that, and its promise is checked.
    pub(crate) fn source(
        &self,
        source: Box<dyn std::error::Error + Send + Sync>,
    ) -> Box<dyn std::error::Error + Send + Sync> {
        let mut link: Option<&dyn std::error::Error> = Some(&*source);
        while let Some(error) = link {
            let texts = [
                Wiped::of(format_args!("{error}")),
                Wiped::of(format_args!("{error:?}")),
                Wiped::of(format_args!("{error:#}")),
                Wiped::of(format_args!("{error:#?}")),
            ];
            if texts.iter().any(|text| !text.as_ref().is_some_and(|text| self.is_clean(text))) {
                return Box::new(RemovedSource);
            }
            link = error.source();
        }
        source
    }

    fn is_clean(&self, text: &str) -> bool {
        self.find(text).is_empty()
    }
}

impl fmt::Debug for Scrubber<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrubber([redacted])")
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the error held a secret of the request and was removed")]
struct RemovedSource;

#[cfg(test)]
mod tests;
