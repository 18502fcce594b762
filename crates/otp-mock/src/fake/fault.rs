use std::fmt;
use std::str::FromStr;
use std::time::Duration;

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
/// | [`StaleConnection`] | `stale-connection` | once | nothing, since it is sent again; `Unknown` over HTTP/1.1 if it was already written |
/// | [`Slow`] | `slow=15` (seconds) | until disarmed | `Timeout`, `Unknown`: as if lost |
/// | [`CaptivePortal`] | `captive-portal` | until disarmed | `Decode` or `UnexpectedStatus`, `Unknown`: get onto the network, then decide as after a lost reply |
/// | [`Sunset`] | `sunset` | until disarmed | success, and the metadata says when the service ends |
///
/// [`LostRegenerate`]: Self::LostRegenerate
/// [`CutRegenerate`]: Self::CutRegenerate
/// [`LostSms`]: Self::LostSms
/// [`LostVerify`]: Self::LostVerify
/// [`Unavailable`]: Self::Unavailable
/// [`StaleConnection`]: Self::StaleConnection
/// [`Slow`]: Self::Slow
/// [`CaptivePortal`]: Self::CaptivePortal
/// [`Sunset`]: Self::Sunset
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
    /// The next regeneration succeeds, the head of the answer arrives, and the codes do not.
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
    /// The next request meets a connection that is dead already; the service does not see it.
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
}

/// That a text names no [`Fault`], or one with a number that it cannot have. Its sentence says what is wrong, and
/// lists the faults if there is none of this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFault {
    written: String,
    why: Option<&'static str>,
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
    ];

    /// What happens, in a few words.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::LostRegenerate => "the codes change, and the connection is lost",
            Self::CutRegenerate => "the codes change, and only the head of the answer arrives",
            Self::LostSms => "the SMS is sent, and the connection is lost",
            Self::LostVerify => "the OTP is used up, and the connection is lost",
            Self::Unavailable { .. } => "the next requests are answered 503",
            Self::StaleConnection => "the next connection is dead already",
            Self::Slow { .. } => "every answer is so many seconds late",
            Self::CaptivePortal => "somebody else answers, with a page",
            Self::Sunset => "every answer announces the end of the service",
        }
    }

    fn name(&self) -> &'static str {
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
        }
    }

    /// Whether it strikes until it is disarmed.
    fn lasts(&self) -> bool {
        matches!(self, Self::Slow { .. } | Self::CaptivePortal | Self::Sunset)
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
        let refuse = |why| UnknownFault { written: text.to_owned(), why };
        let known = Self::ALL.iter().find(|fault| fault.name() == name);
        match (known, number) {
            (None, _) => Err(refuse(None)),
            (Some(fault), None) => Ok(*fault),
            (Some(fault), Some(number)) => {
                fault.with_number(number).map_err(|why| refuse(Some(why)))
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
        if let Some(why) = self.why {
            return write!(f, "'{}' is no fault: {why}", self.written);
        }
        write!(f, "'{}' is no fault; there are ", self.written)?;
        for (i, fault) in Fault::ALL.iter().enumerate() {
            write!(f, "{}{fault}", if i == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownFault {}

/// The faults that wait for their request, oldest first.
#[derive(Default)]
pub(super) struct Armed(Vec<Fault>);

impl Armed {
    pub(super) fn arm(&mut self, fault: Fault) {
        // One that lasts is armed once; of two delays, the last one counts.
        self.0.retain(|armed| !(fault.lasts() && armed.name() == fault.name()));
        self.0.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn list(&self) -> Vec<Fault> {
        self.0.iter().copied().filter(|armed| *armed != Fault::Unavailable { times: 0 }).collect()
    }

    /// Whether this one is armed, which it stays.
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.0.contains(&fault)
    }

    /// Whether this one strikes now; it is disarmed by that.
    pub(super) fn strikes(&mut self, fault: Fault) -> bool {
        let at = self.0.iter().position(|armed| *armed == fault);
        at.map(|at| self.0.remove(at)).is_some()
    }

    /// Whether the service is unavailable to this request, and to how many from this one on.
    pub(super) fn unavailable(&mut self) -> Option<Fault> {
        self.0.retain(|armed| *armed != Fault::Unavailable { times: 0 });
        let armed = self.0.iter_mut().find(|armed| matches!(armed, Fault::Unavailable { .. }))?;
        let striking = *armed;
        if let Fault::Unavailable { times } = armed {
            *times -= 1;
        }
        Some(striking)
    }

    /// Whether answers are late.
    pub(super) fn slow(&self) -> Option<Fault> {
        self.0.iter().find(|armed| matches!(armed, Fault::Slow { .. })).copied()
    }
}

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
