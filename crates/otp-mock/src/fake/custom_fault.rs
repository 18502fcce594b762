use std::fmt;
use std::sync::Arc;

use otp_core::Endpoint;

use super::scoped_fault::Asking;
use crate::{Replies, Reply};

/// A fault of your own, to [arm](crate::FakeOtps::arm_custom): what goes wrong, and for which requests.
///
/// It strikes every request until it is [disarmed](crate::FakeOtps::disarm_all). Each method narrows that.
/// Several may be armed, together with [named](crate::Fault) ones. Before the service acts, only the oldest
/// fault that matches strikes. After it acted, every fault that matches strikes, the oldest first.
///
/// One that strikes a [number of times](Self::times) strikes only requests that have a working token and are for an
/// operation or a route. So a health check does not use it up.
///
/// ```
/// use otp_core::operation::{FindRecoveryCodes, ReceiveCodes};
/// use otp_core::{Effect, ErrorKind, Operation, OtpsApi};
/// use otp_mock::{CustomFault, Event, FakeOtps, FakeUser, Reply};
///
/// # pollster::block_on(async {
/// let service = FakeOtps::new();
/// let bob = service.add_user(FakeUser::with_phone("+1 555 0100").named("bob"));
///
/// // Bob is banned, and the next SMS of anybody else is sent while the reply is lost.
/// service.arm_custom(
///     CustomFault::before_acting("banned", Reply::error(403, "Banned")).for_user("bob"),
/// );
/// service.arm_custom(
///     CustomFault::after_acting("lost", |_| Reply::lost())
///         .for_operation(ReceiveCodes::ENDPOINT)
///         .times(1),
/// );
///
/// assert_eq!(bob.receive_codes().await.unwrap_err().kind(), ErrorKind::Forbidden);
/// assert_eq!(service.receive_codes().await.unwrap_err().effect(), Effect::Unknown);
/// service.receive_codes().await?;
/// assert_eq!(service.sms_outbox().len(), 2, "the lost one was sent too");
/// assert_eq!(service.journal().count(Event::StruckBy("banned")), 1);
/// # Ok::<(), otp_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
#[must_use = "`FakeOtps::arm_custom` arms it"]
pub struct CustomFault {
    name: &'static str,
    does: Does,
    users: Vec<String>,
    operations: Vec<&'static str>,
    /// How often it is still to strike.
    left: Option<u32>,
}

#[derive(Clone)]
enum Does {
    Before(Replies),
    After(Change),
}

/// What becomes of a reply.
pub(super) type Change = Arc<dyn Fn(Reply) -> Reply + Send + Sync>;

impl CustomFault {
    fn new(name: &'static str, does: Does) -> Self {
        Self { name, does, users: Vec::new(), operations: Vec::new(), left: None }
    }

    /// The service does not see the request, and this comes back as it is: any status with any headers and
    /// body, a [refused connection](Reply::connection_refused), a [time-out](Reply::never), … It is a
    /// [`Reply`], or a closure that makes one each time.
    ///
    /// The name is what the journal calls it.
    pub fn before_acting(name: &'static str, reply: impl Into<Replies>) -> Self {
        Self::new(name, Does::Before(reply.into()))
    }

    /// The service acts, and then its reply is changed: it can be [lost](Reply::lost), [cut](Reply::cut),
    /// [late](Reply::after), or another one. A request that the service refuses is not struck.
    ///
    /// The name is what the journal calls it.
    pub fn after_acting(
        name: &'static str,
        change: impl Fn(Reply) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, Does::After(Arc::new(change)))
    }

    /// Strikes only requests of the user of this [name](crate::FakeUser::named). Call it again to add a user.
    pub fn for_user(mut self, name: impl Into<String>) -> Self {
        self.users.push(name.into());
        self
    }

    /// Strikes only requests of this operation or [route](crate::FakeOtps::route). Call it again to add one.
    pub fn for_operation(mut self, endpoint: &'static Endpoint) -> Self {
        self.operations.push(endpoint.name());
        self
    }

    /// Strikes at most this many times.
    pub fn times(self, times: u32) -> Self {
        Self { left: Some(times), ..self }
    }

    fn is_for(&self, request: Asking<'_>) -> bool {
        let among = |all: &[&str], one: Option<&str>| {
            all.is_empty() || one.is_some_and(|one| all.contains(&one))
        };
        let users: Vec<_> = self.users.iter().map(String::as_str).collect();
        self.left != Some(0)
            && (self.left.is_none() || request.is_calling)
            && among(&users, request.user)
            && among(&self.operations, request.operation)
    }

    fn strike(&mut self) -> &'static str {
        self.left = self.left.map(|left| left.saturating_sub(1));
        self.name
    }
}

impl fmt::Debug for CustomFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CustomFault")
            .field("name", &self.name)
            .field("users", &self.users)
            .field("operations", &self.operations)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}

/// Those that are armed, oldest first.
#[derive(Clone, Default)]
pub(super) struct CustomFaults(Vec<CustomFault>);

impl CustomFaults {
    pub(super) fn arm(&mut self, fault: CustomFault) {
        self.0.push(fault);
    }

    /// Ends those of this name, which are given back, to be dropped elsewhere.
    pub(super) fn disarm(&mut self, name: &str) -> Vec<CustomFault> {
        let (gone, left) =
            std::mem::take(&mut self.0).into_iter().partition(|fault| fault.name == name);
        self.0 = left;
        gone
    }

    /// Has of the faults for this user alone those that this one has. What it had is given back, to be dropped elsewhere.
    pub(super) fn restore_of_user(&mut self, name: &str, from: &Self) -> Vec<CustomFault> {
        let is_own = |fault: &CustomFault| fault.users == [name];
        let (gone, left) = std::mem::take(&mut self.0).into_iter().partition(is_own);
        self.0 = left;
        self.0.extend(from.0.iter().filter(|fault| is_own(fault)).cloned());
        gone
    }

    pub(super) fn names(&self) -> Vec<&'static str> {
        self.0.iter().filter(|fault| fault.left != Some(0)).map(|fault| fault.name).collect()
    }

    /// The one that strikes this request before the service acts.
    pub(super) fn before(&mut self, request: Asking<'_>) -> Option<(&'static str, Replies)> {
        let mut faults = self.0.iter_mut().filter(|fault| fault.is_for(request));
        faults.find_map(|fault| match fault.does.clone() {
            Does::Before(replies) => Some((fault.strike(), replies)),
            Does::After(_) => None,
        })
    }

    /// Those that strike this request after the service acted.
    pub(super) fn after(&mut self, request: Asking<'_>) -> Vec<(&'static str, Change)> {
        let faults = self.0.iter_mut().filter(|fault| fault.is_for(request));
        let striking = faults.filter_map(|fault| match fault.does.clone() {
            Does::After(change) => Some((fault.strike(), change)),
            Does::Before(_) => None,
        });
        striking.collect()
    }
}
