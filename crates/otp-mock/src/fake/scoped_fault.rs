//! Faults by name, and which requests they strike.

use std::fmt;
use std::str::FromStr;

use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::{Endpoint, Operation};

use super::Fault;
use super::fault::UnknownFault;

/// A [`Fault`] that strikes only some requests: of one user, of one operation, a number of times.
///
/// A fault becomes one by [`Fault::for_user`], [`Fault::for_operation`] and [`Fault::times`], and it can be read
/// from a text, as `--fault` of `otp-emulator` does.
///
/// ```
/// use otp_core::operation::ReceiveCodes;
/// use otp_core::{ErrorKind, Operation, OtpsApi};
/// use otp_mock::{FakeOtps, FakeUser, Fault, ScopedFault};
///
/// # pollster::block_on(async {
/// let service = FakeOtps::new();
/// let bob = service.add_user(FakeUser::with_phone("+1 555 0100").named("bob"));
///
/// let banned = Fault::Status { status: 403 };
/// service.arm(banned.for_user("bob").for_operation(ReceiveCodes::ENDPOINT).times(1));
///
/// service.receive_codes().await?;
/// assert_eq!(bob.receive_codes().await.unwrap_err().kind(), ErrorKind::Forbidden);
/// bob.receive_codes().await?;
///
/// let same: ScopedFault = "status=403:user=bob:operation=receive_codes:times=1".parse()?;
/// assert_eq!(same, banned.for_user("bob").for_operation(ReceiveCodes::ENDPOINT).times(1));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "`FakeOtps::arm` arms it"]
pub struct ScopedFault {
    fault: Fault,
    user: Option<String>,
    operation: Option<&'static str>,
    times: Option<u32>,
}

impl From<Fault> for ScopedFault {
    fn from(fault: Fault) -> Self {
        Self { fault, user: None, operation: None, times: fault.usual_times() }
    }
}

impl ScopedFault {
    /// Strikes only requests of the user of this [name](crate::FakeUser::named).
    pub fn for_user(self, name: impl Into<String>) -> Self {
        Self { user: Some(name.into()), ..self }
    }

    /// Strikes only requests of this operation or [route](crate::FakeOtps::route).
    pub fn for_operation(self, endpoint: &'static Endpoint) -> Self {
        Self { operation: Some(endpoint.name()), ..self }
    }

    /// Strikes this many times, and is disarmed then.
    pub fn times(self, times: u32) -> Self {
        let fault = match self.fault {
            Fault::Unavailable { .. } => Fault::Unavailable { times },
            fault => fault,
        };
        Self { fault, times: Some(times), ..self }
    }

    /// Strikes until it is disarmed.
    pub fn until_disarmed(self) -> Self {
        Self { times: None, ..self }
    }

    /// What goes wrong.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// The name of the only user whose requests it strikes.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The name of the only operation that it strikes.
    pub fn operation(&self) -> Option<&'static str> {
        self.operation
    }

    /// How often it is still to strike; nothing if that has no end.
    pub fn left(&self) -> Option<u32> {
        self.times
    }

    fn is_for(&self, request: &Asking<'_>) -> bool {
        // A probe, or a request that is anyway refused, must not use up a fault.
        (self.times.is_none() || request.is_calling)
            && self.user.as_deref().is_none_or(|user| request.user == Some(user))
            && self.operation.is_none_or(|operation| request.operation == Some(operation))
    }

    /// Of two that last and differ in nothing else, the later one counts.
    fn is_replaced_by(&self, other: &Self) -> bool {
        self.times.is_none()
            && other.times.is_none()
            && self.fault.name() == other.fault.name()
            && (&self.user, self.operation) == (&other.user, other.operation)
    }

    /// Strikes, and gives the fault as it was.
    fn strike(&mut self) -> Fault {
        let struck = self.fault;
        if let Some(times) = &mut self.times {
            *times = times.saturating_sub(1);
            if let Fault::Unavailable { times: left } = &mut self.fault {
                *left = *times;
            }
        }
        struck
    }
}

impl Fault {
    /// This fault for requests of the user of this [name](crate::FakeUser::named) alone.
    pub fn for_user(self, name: impl Into<String>) -> ScopedFault {
        ScopedFault::from(self).for_user(name)
    }

    /// This fault for this operation or [route](crate::FakeOtps::route) alone.
    pub fn for_operation(self, endpoint: &'static Endpoint) -> ScopedFault {
        ScopedFault::from(self).for_operation(endpoint)
    }

    /// This fault so many times.
    pub fn times(self, times: u32) -> ScopedFault {
        ScopedFault::from(self).times(times)
    }

    /// This fault until it is disarmed.
    pub fn until_disarmed(self) -> ScopedFault {
        ScopedFault::from(self).until_disarmed()
    }
}

impl fmt::Display for ScopedFault {
    /// As it is read: `slow=15:user=bob`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.fault)?;
        if let Some(user) = &self.user {
            write!(f, ":user={user}")?;
        }
        if let Some(operation) = self.operation {
            write!(f, ":operation={operation}")?;
        }
        match self.times {
            times if times == self.fault.usual_times() => Ok(()),
            Some(times) => write!(f, ":times={times}"),
            None => f.write_str(":times=always"),
        }
    }
}

impl FromStr for ScopedFault {
    type Err = UnknownFault;

    /// Reads a [fault](Fault) and what narrows it, such as `slow=15:user=bob:operation=receive_codes:times=2`.
    /// `times=always` lets it strike until it is disarmed. Only the four operations of the API are found by
    /// name.
    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let mut parts = text.split(':');
        let mut scoped = Self::from(parts.next().unwrap_or_default().parse::<Fault>()?);
        for part in parts {
            let refuse = || UnknownFault::scope(part);
            let (key, value) = part.split_once('=').ok_or_else(refuse)?;
            scoped = match (key, value) {
                ("user", name) if !name.is_empty() => scoped.for_user(name),
                ("operation", name) => {
                    let named = OPERATIONS.iter().find(|endpoint| endpoint.name() == name);
                    scoped.for_operation(named.ok_or_else(refuse)?)
                }
                ("times", "always") => scoped.until_disarmed(),
                ("times", times) => scoped.times(times.parse().map_err(|_| refuse())?),
                _ => return Err(refuse()),
            };
        }
        Ok(scoped)
    }
}

pub(super) const OPERATIONS: [&Endpoint; 4] = [
    ReceiveCodes::ENDPOINT,
    FindEnsureOtp::ENDPOINT,
    FindRecoveryCodes::ENDPOINT,
    RegenerateCodes::ENDPOINT,
];

/// Which of the armed faults; no two ever have the same number.
pub(super) type FaultId = u64;

/// What faults see of a request.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    /// The name of the user whose token it has.
    pub(super) user: Option<&'a str>,
    pub(super) operation: Option<&'static str>,
    /// Whether it is for an operation or a route, by a user.
    pub(super) is_calling: bool,
}

/// The faults that wait for their request, oldest first.
#[derive(Clone, Default)]
pub(super) struct Armed {
    waiting: Vec<(FaultId, ScopedFault)>,
    next_id: FaultId,
}

impl Armed {
    pub(super) fn arm(&mut self, fault: ScopedFault) -> FaultId {
        self.next_id += 1;
        self.waiting.retain(|(_, armed)| !armed.is_replaced_by(&fault));
        if fault.times != Some(0) {
            self.waiting.push((self.next_id, fault));
        }
        self.next_id
    }

    pub(super) fn disarm(&mut self, mut goes: impl FnMut(FaultId, &ScopedFault) -> bool) -> usize {
        let before = self.waiting.len();
        self.waiting.retain(|(id, fault)| !goes(*id, fault));
        before - self.waiting.len()
    }

    /// Has those that this one has.
    pub(super) fn restore(&mut self, from: &Self) {
        self.waiting.clone_from(&from.waiting);
    }

    /// Has of the faults for this user alone those that this one has.
    pub(super) fn restore_of_user(&mut self, name: &str, from: &Self) {
        self.waiting.retain(|(_, fault)| fault.user() != Some(name));
        let own = from.waiting.iter().filter(|(_, fault)| fault.user() == Some(name));
        self.waiting.extend(own.cloned());
    }

    pub(super) fn list(&self) -> Vec<(FaultId, ScopedFault)> {
        self.waiting.clone()
    }

    /// The oldest of these faults that strikes this request.
    pub(super) fn first(
        &mut self,
        request: Asking<'_>,
        is_meant: impl Fn(Fault) -> bool,
    ) -> Option<Fault> {
        let at = self
            .waiting
            .iter()
            .position(|(_, armed)| is_meant(armed.fault) && armed.is_for(&request));
        at.map(|at| self.strike(at))
    }

    /// The latest of these faults that strikes this request.
    pub(super) fn last(
        &mut self,
        request: Asking<'_>,
        is_meant: impl Fn(Fault) -> bool,
    ) -> Option<Fault> {
        let at = self
            .waiting
            .iter()
            .rposition(|(_, armed)| is_meant(armed.fault) && armed.is_for(&request));
        at.map(|at| self.strike(at))
    }

    fn strike(&mut self, at: usize) -> Fault {
        let (_, armed) = &mut self.waiting[at];
        let struck = armed.strike();
        if armed.times == Some(0) {
            drop(self.waiting.remove(at));
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_is_written() {
        for text in [
            "lost-sms",
            "lost-sms:times=3",
            "lost-sms:times=always",
            "unavailable=5",
            "unavailable=5:user=bob",
            "slow=0.5:user=a b:operation=find_ensure_otp:times=2",
            "status=429:operation=receive_codes",
        ] {
            assert_eq!(text.parse::<ScopedFault>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_narrows_nothing_is_refused_with_what_would() {
        for text in [
            "lost-sms:",
            "lost-sms:bob",
            "lost-sms:user=",
            "lost-sms:times=-1",
            "lost-sms:operation=receive",
            "lost-sms:uesr=bob",
        ] {
            let sentence = text.parse::<ScopedFault>().unwrap_err().to_string();
            assert!(sentence.contains("operation=receive_codes"), "{sentence}");
        }
    }
}
