//! The sentence: which operation, what happened, whether the server acted, what to do.

use std::fmt;

use super::{Effect, Error, ErrorKind};
use crate::Endpoint;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(operation) = self.operation() {
            write!(f, "{operation} failed: ")?;
        }
        self.what_happened(f)?;
        self.did_the_server_act(f)?;
        self.what_to_do(f)?;
        match self.0.note {
            Some(note) => write!(f, "; {note}"),
            None => Ok(()),
        }
    }
}

impl Error {
    fn what_happened(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.0.reason.as_deref();
        match (self.0.kind.describe(), reason) {
            ("", reason) => f.write_str(reason.unwrap_or("a value is invalid"))?,
            (what, None) => f.write_str(what)?,
            (what, Some(reason)) => write!(f, "{what}: {reason}")?,
        }
        if let Some(status) = self.0.status {
            write!(f, " (HTTP {status})")?;
        }
        for (i, message) in self.0.messages.iter().enumerate() {
            f.write_str(if i == 0 { ", and says \"" } else { ", \"" })?;
            write!(f, "{message}\"")?;
        }
        if let (attempts @ 2.., Some(last)) = (self.0.attempts.len(), self.0.attempts.last()) {
            let spent = last.started.saturating_add(last.duration);
            write!(f, ", after {attempts} attempts in {} ms", spent.as_millis())?;
        }
        Ok(())
    }

    fn did_the_server_act(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match (self.0.effect, self.0.kind, self.0.status) {
            (Effect::NotApplied, ErrorKind::InvalidInput | ErrorKind::Unimplemented, _) => {
                "; nothing was sent"
            }
            (Effect::NotApplied, _, Some(_)) => "; the server did not act",
            (Effect::NotApplied, _, None) => "; the request was not sent",
            (Effect::Unknown, _, _) => "; the server may have acted",
            (Effect::Applied, _, _) => "; the server did act",
        })
    }

    fn what_to_do(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.effect != Effect::NotApplied {
            let advice = match (self.0.endpoint, self.0.effect) {
                (Some(endpoint), Effect::Applied) => endpoint.advice_if_applied(),
                (Some(endpoint), _) => endpoint.advice_if_unknown(),
                (None, _) => "find out what the server did before you repeat it",
            };
            return match (self.cure(), self.0.endpoint.is_some_and(Endpoint::is_idempotent)) {
                // Repeating would only meet it again.
                (Some(cure), true) => write!(f, ": {cure}"),
                (Some(cure), false) => write!(f, ": {advice}; {cure}"),
                (None, _) => write!(f, ": {advice}"),
            };
        }
        if let Some(advice) = self.specific_advice() {
            return write!(f, ": {advice}");
        }
        if let Some(wait) = self.0.retry_after {
            return write!(f, ": repeat it after {} s", wait.as_secs_f64().ceil());
        }
        f.write_str(match self.0.kind {
            ErrorKind::Credentials => ": check the token provider",
            ErrorKind::Connect => ": check the base URL, DNS and proxy, or repeat it later",
            ErrorKind::Tls => ": check the host name, the clock and the trusted roots",
            ErrorKind::Unauthorized => ": check the auth token",
            ErrorKind::Forbidden => ": use a token that may do it",
            ErrorKind::NotFound => ": check the base URL and the account",
            ErrorKind::Unprocessable => ": correct the request, or the state of the account",
            ErrorKind::RateLimited => ": repeat it later",
            ErrorKind::Unimplemented => ": implement the method, or configure the double",
            ErrorKind::BadRequest | ErrorKind::Rejected => ": correct the request",
            // Refusals of a value say themselves what is allowed; the rest is safe to repeat.
            ErrorKind::InvalidInput => "",
            _ => ": it is safe to repeat",
        })
    }

    /// What the transport advises, or the endpoint for this status.
    fn specific_advice(&self) -> Option<&'static str> {
        self.0.advice.or_else(|| self.0.endpoint?.advice_if_status(self.0.status?))
    }

    /// What must change before a call can succeed, whatever became of this one.
    fn cure(&self) -> Option<&'static str> {
        if let Some(advice) = self.specific_advice() {
            return Some(advice);
        }
        match self.0.kind {
            ErrorKind::Protocol | ErrorKind::Decode | ErrorKind::UnexpectedStatus => Some(
                "check that the base URL leads to the service, and that no proxy answers in its place",
            ),
            ErrorKind::ResponseTooLarge => {
                Some("check who answers, or raise the limit if that size is right")
            }
            ErrorKind::Credentials => Some("check the token provider"),
            ErrorKind::Transport => Some("see the transport's own error"),
            _ => None,
        }
    }
}
