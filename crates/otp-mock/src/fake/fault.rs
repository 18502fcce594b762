use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use otp_core::Endpoint;

use super::scoped_fault::OPERATIONS;

/// Something that goes wrong, by name: armed with [`FakeOtps::arm`](crate::FakeOtps::arm), or by
/// `--fault` of `otp-emulator`, which does it on a real connection.
///
/// | | written | strikes | what a client sees, and what to do |
/// |---|---|---|---|
/// | [`LostRegenerate`] | `lost-regenerate` | once | `Unknown`: read the codes and compare |
/// | [`CutRegenerate`] | `cut-regenerate` | once | `Applied`: read the codes |
/// | [`LostSms`] | `lost-sms` | once | `Unknown`: look at the phone before asking again |
/// | [`LostVerify`] | `lost-verify` | once | `Unknown`: ask for a new OTP |
/// | [`Unavailable`] | `unavailable=3` | so many times | `Server`, `Unknown`: as if lost; the reading of codes is retried |
/// | [`StaleConnection`] | `stale-connection` | once | nothing, since it is sent again; `Unknown` over HTTP/1.1, which cannot say that it was not processed |
/// | [`Slow`] | `slow=15` (seconds) | until disarmed | `Timeout`, `Unknown`: as if lost |
/// | [`CaptivePortal`] | `captive-portal` | until disarmed | `Decode` or `UnexpectedStatus`, `Unknown`: get onto the network, then decide as after a lost reply |
/// | [`Sunset`] | `sunset` | until disarmed | success, and the metadata says when the service ends |
/// | [`Status`] | `status=429` | once | the error of that status; the service does not act |
/// | [`RefusedConnection`] | `refused-connection` | once | nothing, since it is tried again; `Unknown` over HTTP/1.1 |
/// | [`LostRequest`] | `lost-request` | once | `Unknown`: as if lost, but the service did not act |
/// | [`LostReply`] | `lost-reply` | once | `Unknown`: as the fault of that operation |
/// | [`CutReply`] | `cut-reply` | once | `Applied`, or `Unknown` if the status alone proves nothing |
///
/// Each can be narrowed to one user, one operation and a number of times: see [`ScopedFault`].
///
/// What strikes once or a number of times strikes only requests that have a working token and are for an
/// operation or a route. So a health check or an open port is no reason for a test to miss its fault. What strikes
/// until it is disarmed strikes every request, unless it is narrowed.
///
/// [`ScopedFault`]: crate::ScopedFault
/// [`LostRegenerate`]: Self::LostRegenerate
/// [`CutRegenerate`]: Self::CutRegenerate
/// [`LostSms`]: Self::LostSms
/// [`LostVerify`]: Self::LostVerify
/// [`Unavailable`]: Self::Unavailable
/// [`StaleConnection`]: Self::StaleConnection
/// [`Slow`]: Self::Slow
/// [`CaptivePortal`]: Self::CaptivePortal
/// [`Sunset`]: Self::Sunset
/// [`Status`]: Self::Status
/// [`RefusedConnection`]: Self::RefusedConnection
/// [`LostRequest`]: Self::LostRequest
/// [`LostReply`]: Self::LostReply
/// [`CutReply`]: Self::CutReply
///
/// ```
/// use otp_mock::Fault;
///
/// assert_eq!("unavailable=5".parse(), Ok(Fault::Unavailable { times: 5 }));
/// assert_eq!(Fault::LostSms.to_string(), "lost-sms");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The next regeneration succeeds, and the connection is lost before any answer.
    LostRegenerate,
    /// The next regeneration succeeds, the head and a part of the body arrive, and the connection is lost.
    CutRegenerate,
    /// The next SMS is sent, and the connection is lost before any answer.
    LostSms,
    /// The next right OTP is used up, and the connection is lost before any answer.
    LostVerify,
    /// The next requests are answered `503`; the service does not act.
    Unavailable {
        /// How many requests.
        times: u32,
    },
    /// The next request meets a connection that is dead already; the service does not see it. On a real
    /// connection it is as with [`RefusedConnection`](Self::RefusedConnection).
    StaleConnection,
    /// Every answer is late; the service acts at once.
    Slow {
        /// How late.
        delay: Duration,
    },
    /// Somebody else answers every request with `200` and a page of HTML; the service does not see it.
    CaptivePortal,
    /// Every answer announces the end of the service: `Deprecation: @1735689600` (RFC 9745) and
    /// `Sunset: Tue, 30 Jun 2026 23:59:59 GMT` (RFC 8594).
    Sunset,
    /// The next request is answered with this status and the documented error body; the service does not act.
    Status {
        /// 200 to 599. Any other number is answered as 500.
        status: u16,
    },
    /// The next request is refused without being sent. On a real connection the emulator has to read it first:
    /// over HTTP/2 it refuses the stream, over HTTP/1.1 it can only close the connection.
    RefusedConnection,
    /// The connection is lost before the next request arrives; the service does not act.
    LostRequest,
    /// The service acts on the next request, and the connection is lost before any answer.
    LostReply,
    /// The service acts on the next request whose answer has a body, the head and a part of the body arrive, and the
    /// connection is lost.
    CutReply,
}

/// That a text names no [`Fault`], or one with a number that it cannot have, or narrows it by something else than a
/// user, an operation or a number. Its sentence says what is wrong, and lists what there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFault(Unknown);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Unknown {
    Fault(String),
    /// With a number, and why it cannot have that.
    Number(String, &'static str),
    Scope(String),
}

impl UnknownFault {
    pub(super) fn scope(text: &str) -> Self {
        Self(Unknown::Scope(text.to_owned()))
    }
}

impl Fault {
    /// Every fault, those with a number having a usual one.
    pub const ALL: &'static [Self] = &[
        Self::LostRegenerate,
        Self::CutRegenerate,
        Self::LostSms,
        Self::LostVerify,
        Self::Unavailable { times: 3 },
        Self::StaleConnection,
        Self::Slow { delay: Duration::from_secs(15) },
        Self::CaptivePortal,
        Self::Sunset,
        Self::Status { status: 500 },
        Self::RefusedConnection,
        Self::LostRequest,
        Self::LostReply,
        Self::CutReply,
    ];

    /// What happens, in a few words.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::LostRegenerate => "the codes change, and the connection is lost",
            Self::CutRegenerate => {
                "the codes change, and only the head and a part of the body arrive"
            }
            Self::LostSms => "the SMS is sent, and the connection is lost",
            Self::LostVerify => "the OTP is used up, and the connection is lost",
            Self::Unavailable { .. } => "the next requests are answered 503",
            Self::StaleConnection => "the next connection is dead already",
            Self::Slow { .. } => "every answer is so many seconds late",
            Self::CaptivePortal => "somebody else answers, with a page",
            Self::Sunset => "every answer announces the end of the service",
            Self::Status { .. } => "the next request is answered with this status",
            Self::RefusedConnection => "the next connection is refused",
            Self::LostRequest => "the connection is lost before the next request arrives",
            Self::LostReply => "the next request acts, and the connection is lost",
            Self::CutReply => {
                "of the next answer that has a body, only the head and a part of the body arrive"
            }
        }
    }

    /// Its name, without a number.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LostRegenerate => "lost-regenerate",
            Self::CutRegenerate => "cut-regenerate",
            Self::LostSms => "lost-sms",
            Self::LostVerify => "lost-verify",
            Self::Unavailable { .. } => "unavailable",
            Self::StaleConnection => "stale-connection",
            Self::Slow { .. } => "slow",
            Self::CaptivePortal => "captive-portal",
            Self::Sunset => "sunset",
            Self::Status { .. } => "status",
            Self::RefusedConnection => "refused-connection",
            Self::LostRequest => "lost-request",
            Self::LostReply => "lost-reply",
            Self::CutReply => "cut-reply",
        }
    }

    /// How often it strikes, unless that is [said otherwise](Self::times): once for most. `None` is until it is
    /// disarmed.
    pub fn usual_times(&self) -> Option<u32> {
        match self {
            Self::Slow { .. } | Self::CaptivePortal | Self::Sunset => None,
            Self::Unavailable { times } => Some(*times),
            _ => Some(1),
        }
    }

    /// Whether it can strike a request for the operation or [route](crate::FakeOtps::route) of this name. Some faults are
    /// about one operation. [`CutReply`](Self::CutReply) needs an answer with a body.
    ///
    /// ```
    /// use otp_mock::Fault;
    ///
    /// assert!(Fault::LostSms.can_strike("receive_codes"));
    /// assert!(!Fault::LostSms.can_strike("find_recovery_codes"));
    /// assert!(!Fault::CutReply.can_strike("receive_codes"));
    /// ```
    pub fn can_strike(&self, operation: &str) -> bool {
        let [receive, verify, _, regenerate] = OPERATIONS.map(Endpoint::name);
        match self {
            Self::LostRegenerate | Self::CutRegenerate => operation == regenerate,
            Self::LostSms => operation == receive,
            Self::LostVerify => operation == verify,
            Self::CutReply => operation != receive && operation != verify,
            _ => true,
        }
    }

    /// The same fault with this number, or why it cannot be.
    fn with_number(&self, number: &str) -> Result<Self, &'static str> {
        const TIMES: &str = "it takes how many requests are answered 503, 0 to 4294967295, such as \
                             unavailable=3";
        match self {
            Self::Unavailable { .. } => match number.parse() {
                Ok(times) => Ok(Self::Unavailable { times }),
                Err(_) => Err(TIMES),
            },
            Self::Slow { .. } => Ok(Self::Slow { delay: seconds(number)? }),
            Self::Status { .. } => {
                let status = number.parse().ok().filter(|status| (200..600).contains(status));
                let status =
                    status.ok_or("it takes a status from 200 to 599, such as status=429")?;
                Ok(Self::Status { status })
            }
            _ => Err("this fault takes no number"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Unavailable { times } => write!(f, "={times}"),
            Self::Slow { delay } => write!(f, "={}", delay.as_secs_f64()),
            Self::Status { status } => write!(f, "={status}"),
            _ => Ok(()),
        }
    }
}

impl FromStr for Fault {
    type Err = UnknownFault;

    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let (name, number) = match text.split_once('=') {
            Some((name, number)) => (name, Some(number)),
            None => (text, None),
        };
        let known = Self::ALL.iter().find(|fault| fault.name() == name);
        match (known, number) {
            (None, _) => Err(UnknownFault(Unknown::Fault(text.to_owned()))),
            (Some(fault), None) => Ok(*fault),
            (Some(fault), Some(number)) => {
                let refuse = |why| UnknownFault(Unknown::Number(text.to_owned(), why));
                fault.with_number(number).map_err(refuse)
            }
        }
    }
}

/// How late answers are, or why that cannot be.
fn seconds(number: &str) -> Result<Duration, &'static str> {
    let seconds: f64 = number.parse().unwrap_or(f64::NAN);
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        if seconds.is_nan() {
            "it takes by how many seconds answers are late, such as slow=15 or slow=0.5"
        } else if seconds < 0.0 {
            "an answer cannot be early: the number of seconds must not be below 0"
        } else {
            "that is longer than any clock counts: the number of seconds must be below 18446744073709551615"
        }
    })
}

impl fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = match &self.0 {
            Unknown::Fault(text) => text,
            Unknown::Number(text, why) => return write!(f, "'{text}' is no fault: {why}"),
            Unknown::Scope(text) => {
                return write!(
                    f,
                    "'{text}' does not narrow a fault; what does is user=NAME, operation=receive_codes, \
                     operation=find_ensure_otp, operation=find_recovery_codes, operation=regenerate_codes, \
                     times=N, times=always"
                );
            }
        };
        write!(f, "'{fault}' is no fault; there are ")?;
        for (i, fault) in Fault::ALL.iter().enumerate() {
            write!(f, "{}{fault}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownFault {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_read_as_it_is_written() {
        for fault in Fault::ALL {
            assert_eq!(fault.to_string().parse().as_ref(), Ok(fault));
            assert!(fault.describe().len() > 20);
        }
        assert_eq!(Fault::Unavailable { times: 5 }.to_string(), "unavailable=5");
        assert_eq!(Fault::Slow { delay: Duration::from_millis(500) }.to_string(), "slow=0.5");
        assert_eq!("slow=0.5".parse(), Ok(Fault::Slow { delay: Duration::from_millis(500) }));
        assert_eq!("unavailable".parse(), Ok(Fault::Unavailable { times: 3 }));
    }

    #[test]
    fn what_is_no_fault_is_answered_with_those_that_are() {
        for text in ["", "lost", "=1", "slowly=1"] {
            let sentence = text.parse::<Fault>().unwrap_err().to_string();
            assert!(sentence.contains("lost-regenerate, cut-regenerate"), "{sentence}");
        }
    }

    #[test]
    fn a_number_that_a_fault_cannot_have_is_answered_with_the_reason() {
        for (text, why) in [
            ("lost-sms=1", "takes no number"),
            ("unavailable=-1", "0 to 4294967295"),
            ("unavailable=", "0 to 4294967295"),
            ("unavailable=1.5", "0 to 4294967295"),
            ("slow=", "such as slow=15"),
            ("slow=x", "such as slow=15"),
            ("slow=nan", "such as slow=15"),
            ("slow=-1", "must not be below 0"),
            ("slow=-inf", "must not be below 0"),
            ("slow=1e300", "longer than any clock counts"),
            ("slow=inf", "longer than any clock counts"),
        ] {
            let sentence = text.parse::<Fault>().unwrap_err().to_string();
            assert!(sentence.starts_with(&format!("'{text}' is no fault: ")), "{sentence}");
            assert!(sentence.contains(why), "{sentence}");
        }
        assert_eq!("slow=-0".parse(), Ok(Fault::Slow { delay: Duration::ZERO }));
    }
}
