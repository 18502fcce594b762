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
    /// Its number: 1 for the first one, and one more for each. Neither a reset nor
    /// [`clear_journal`](super::FakeOtps::clear_journal) starts the numbers again.
    pub number: u64,
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
pub struct Journal {
    entries: VecDeque<JournalEntry>,
    last: u64,
    /// The last entry that was cleared, and the last one that had to make room since then.
    cleared: u64,
    pushed_out: u64,
}

impl Journal {
    /// The entries.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &JournalEntry> + DoubleEndedIterator {
        self.entries.iter()
    }

    /// What happened, without when and to whom.
    pub fn events(&self) -> Vec<Event> {
        self.entries().map(|entry| entry.event).collect()
    }

    /// How often this happened, of the last 4096 things that did.
    pub fn count(&self, event: Event) -> usize {
        self.entries().filter(|entry| entry.event == event).count()
    }

    /// The number of the last entry, for [`since`](Self::since): zero before the first one.
    pub fn last_number(&self) -> u64 {
        self.last
    }

    /// Whether all entries after the one of this number are kept: none of them was cleared, and none had to make
    /// room for a later one. Zero stands for the start, or for when the journal was last cleared.
    ///
    /// ```
    /// use otp_core::OtpsApi;
    /// use otp_mock::FakeOtps;
    ///
    /// # pollster::block_on(async {
    /// let service = FakeOtps::new();
    /// let before = service.journal().last_number();
    /// service.find_recovery_codes().await?;
    /// assert!(service.journal().is_complete_since(before));
    ///
    /// for _ in 0..4096 {
    ///     service.find_recovery_codes().await?;
    /// }
    /// assert!(!service.journal().is_complete_since(before));
    /// # Ok::<(), otp_core::Error>(()) }).unwrap();
    /// ```
    pub fn is_complete_since(&self, number: u64) -> bool {
        self.pushed_out <= number && (number == 0 || self.cleared <= number)
    }

    /// Only the entries after the one of this number.
    ///
    /// ```
    /// use otp_core::OtpsApi;
    /// use otp_mock::{Event, FakeOtps};
    ///
    /// # pollster::block_on(async {
    /// let service = FakeOtps::new();
    /// service.receive_codes().await?;
    /// let before = service.journal().last_number();
    /// service.find_recovery_codes().await?;
    ///
    /// // Exactly one reading for this user, and nothing else.
    /// let journal = service.journal().since(before).of_user("user-1");
    /// assert_eq!(journal.events(), [Event::CodesRead], "{journal}");
    /// # Ok::<(), otp_core::Error>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn since(self, number: u64) -> Self {
        self.only(|entry| entry.number > number)
    }

    /// Only the entries of the user of this name.
    #[must_use]
    pub fn of_user(self, name: &str) -> Self {
        self.only(|entry| entry.user.as_deref() == Some(name))
    }

    /// Only the entries of the operation or route of this name, such as `receive_codes`.
    #[must_use]
    pub fn of_operation(self, name: &str) -> Self {
        self.only(|entry| entry.operation == Some(name))
    }

    /// Only the entries of this [kind](Event::name) of event, such as `sms_sent`.
    #[must_use]
    pub fn of_event(self, name: &str) -> Self {
        self.only(|entry| entry.event.name() == name)
    }

    fn only(mut self, stays: impl FnMut(&JournalEntry) -> bool) -> Self {
        self.entries.retain(stays);
        self
    }

    pub(super) fn write(
        &mut self,
        at: Duration,
        user: Option<String>,
        operation: Option<&'static str>,
        event: Event,
    ) {
        if self.entries.len() >= KEPT {
            let oldest = self.entries.pop_front();
            self.pushed_out = oldest.map_or(self.pushed_out, |oldest| oldest.number);
        }
        self.last += 1;
        self.entries.push_back(JournalEntry { number: self.last, at, user, operation, event });
    }

    /// Forgets all, or what was of this user. The numbers go on.
    pub(super) fn forget(&mut self, user: Option<&str>) {
        match user {
            Some(user) => self.entries.retain(|entry| entry.user.as_deref() != Some(user)),
            None => {
                self.entries.clear();
                (self.cleared, self.pushed_out) = (self.last, 0);
            }
        }
    }
}

impl Event {
    /// What kind of event it is, in one word for programs: `sms_sent`, `verified_by_sms`, `verified_by_app`,
    /// `verified_by_recovery_code`, `codes_read`, `codes_regenerated`, `acted`, `refused` or `struck`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::SmsSent => "sms_sent",
            Self::Verified(Factor::Sms) => "verified_by_sms",
            Self::Verified(Factor::App) => "verified_by_app",
            Self::Verified(Factor::RecoveryCode) => "verified_by_recovery_code",
            Self::CodesRead => "codes_read",
            Self::CodesRegenerated => "codes_regenerated",
            Self::Acted => "acted",
            Self::Refused(_) => "refused",
            Self::Struck(_) | Self::StruckBy(_) => "struck",
        }
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
