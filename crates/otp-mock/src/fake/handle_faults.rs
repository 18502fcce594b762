//! What a handle arms and disarms.

use super::{CustomFault, FakeOtps, Fault, ScopedFault};

impl FakeOtps {
    /// Lets this go wrong from the next request on, as the [`Fault`] or the [`ScopedFault`] says. Several may be
    /// armed, and one that strikes once may be armed several times; one that lasts until it is disarmed is
    /// armed once for the same users and operations, and of two delays the last one counts.
    pub fn arm(&self, fault: impl Into<ScopedFault>) {
        self.arm_numbered(fault);
    }

    /// Arms a fault, and gives its number, which no other one ever has, to [disarm](Self::disarm) it alone.
    pub fn arm_numbered(&self, fault: impl Into<ScopedFault>) -> u64 {
        let fault = fault.into();
        self.service.with_faults(|armed| armed.arm(fault))
    }

    /// Lets this go wrong from the next request on, as the [`CustomFault`] says.
    pub fn arm_custom(&self, fault: CustomFault) {
        self.service.with_custom_faults(|faults| faults.arm(fault));
    }

    /// Ends all faults, those of your own too.
    pub fn disarm_all(&self) {
        self.service.disarm_all();
    }

    /// Ends the fault of this number. Returns whether it was armed.
    pub fn disarm(&self, number: u64) -> bool {
        self.service.with_faults(|armed| armed.disarm(|own, _| own == number)) > 0
    }

    /// Ends every fault of this name, such as `slow`, `slow=15` or `slow=15:user=bob`, and those of your own.
    /// Returns how many were armed.
    pub fn disarm_named(&self, name: &str) -> usize {
        self.service.disarm_named(name)
    }

    /// The faults that are armed, and have not struck for the last time.
    pub fn armed(&self) -> Vec<Fault> {
        self.armed_numbered().into_iter().map(|(_, scoped)| scoped.fault()).collect()
    }

    /// The same with their numbers and what narrows them.
    pub fn armed_numbered(&self) -> Vec<(u64, ScopedFault)> {
        self.service.with_faults(|armed| armed.list())
    }

    /// The names of the faults of your own that are armed, and have not struck for the last time.
    pub fn armed_custom(&self) -> Vec<&'static str> {
        self.service.with_custom_faults(|faults| faults.names())
    }
}
