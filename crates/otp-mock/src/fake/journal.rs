//! What the service did, for a test to assert on. It holds no secret.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use otp_core::http::StatusCode;

use super::Fault;

/// The oldest entries are forgotten beyond this many, so that a flood does not fill the memory.
const KEPT: usize = 4096;

/// One thing that the service did, or that was done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An OTP was sent by SMS.
    SmsSent,
    /// An OTP was right, and is used up.
    Verified(Factor),
    /// The recovery codes were read.
    CodesRead,
    /// The recovery codes were replaced.
    CodesRegenerated,
    /// A [route](super::FakeOtps::route) acted.
    Acted,
    /// The service refused to act, with this status.
    Refused(StatusCode),
    /// An armed fault struck this request; [`Fault::Unavailable`] with how often it was still to strike.
    /// [`Fault::Sunset`] only adds headers, and is not noted.
    Struck(Fault),
    /// A [fault of your own](super::CustomFault) of this name struck this request.
    StruckBy(&'static str),
}

/// What a user proved to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Factor {
    /// An OTP that was sent by SMS.
    Sms,
    /// A code of an authenticator app.
    App,
    /// A recovery code, which is gone now.
    RecoveryCode,
}

/// An entry of the [journal](Journal).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JournalEntry {
    /// When, since the service started, by its own clock.
    pub at: Duration,
    /// The name of the user whose token it was, if the service has such a user.
    pub user: Option<String>,
    /// The operation, if the request was one, or was to a route.
    pub operation: Option<&'static str>,
    /// What happened.
    pub event: Event,
}

/// What the service did so far, oldest first: the last 4096 entries. It holds no secret.
///
/// Its `Display` is a line an entry, for a test that fails and for a person.
///
/// ```
/// use otp_core::OtpsApi;
/// use otp_mock::{Event, FakeOtps, Fault};
///
/// # pollster::block_on(async {
/// let service = FakeOtps::new();
/// service.arm(Fault::LostSms);
/// service.receive_codes().await.unwrap_err();
///
/// let journal = service.journal();
/// assert_eq!(journal.events(), [Event::SmsSent, Event::Struck(Fault::LostSms)]);
/// assert_eq!(journal.count(Event::SmsSent), 1, "{journal}");
/// # });
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Journal(VecDeque<JournalEntry>);

impl Journal {
    /// The entries.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &JournalEntry> + DoubleEndedIterator {
        self.0.iter()
    }

    /// What happened, without when and to whom.
    pub fn events(&self) -> Vec<Event> {
        self.entries().map(|entry| entry.event).collect()
    }

    /// How often this happened, of the last 4096 things that did.
    pub fn count(&self, event: Event) -> usize {
        self.entries().filter(|entry| entry.event == event).count()
    }

    pub(super) fn write(&mut self, entry: JournalEntry) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(entry);
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SmsSent => f.write_str("SMS sent"),
            Self::Verified(Factor::Sms) => f.write_str("verified by SMS"),
            Self::Verified(Factor::App) => f.write_str("verified by app"),
            Self::Verified(Factor::RecoveryCode) => f.write_str("verified by recovery code"),
            Self::CodesRead => f.write_str("recovery codes read"),
            Self::CodesRegenerated => f.write_str("recovery codes regenerated"),
            Self::Acted => f.write_str("acted"),
            Self::Refused(status) => write!(f, "refused with {status}"),
            Self::Struck(fault) => write!(f, "struck by {fault}: {}", fault.describe()),
            Self::StruckBy(name) => write!(f, "struck by {name}"),
        }
    }
}

impl fmt::Display for JournalEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>9.3} s  {:<10}  {:<20}  {}",
            self.at.as_secs_f64(),
            self.user.as_deref().unwrap_or("-"),
            self.operation.unwrap_or("-"),
            self.event
        )
    }
}

impl fmt::Display for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries().try_for_each(|entry| writeln!(f, "{entry}"))
    }
}
