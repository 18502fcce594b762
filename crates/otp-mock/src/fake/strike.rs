//! How faults strike, and end.

use otp_core::AuthToken;

use super::act::Asked;
use super::custom_fault::{Change, CustomFaults};
use super::fault::Fault;
use super::journal::Event;
use super::scoped_fault::{Armed, Asking};
use super::service::Service;
use crate::Replies;

impl Service {
    /// Ends all faults, named ones and those of the test's own.
    pub(super) fn disarm_all(&self) {
        let mut state = self.state();
        state.armed.disarm(|_, _| true);
        let custom = std::mem::take(&mut state.custom_faults);
        // As with a handler.
        drop(state);
        drop(custom);
    }

    /// Ends all faults of this name. Says how many.
    pub(super) fn disarm_named(&self, name: &str) -> usize {
        let mut state = self.state();
        // How often it is still to strike is part of its name.
        let is_unavailable = matches!(name.parse(), Ok(Fault::Unavailable { .. }));
        let named = state.armed.disarm(|_, armed| match armed.fault() {
            Fault::Unavailable { .. } if is_unavailable => true,
            fault => {
                fault.name() == name
                    || [fault.to_string(), armed.to_string()].contains(&name.to_owned())
            }
        });
        let custom = state.custom_faults.disarm(name);
        drop(state);
        named + custom.len()
    }

    pub(super) fn with_custom_faults<T>(&self, change: impl FnOnce(&mut CustomFaults) -> T) -> T {
        change(&mut self.state().custom_faults)
    }

    /// Lets a fault of the test's own strike before the service acts, and notes it.
    pub(super) fn strike_before(
        &self,
        token: Option<&AuthToken>,
        operation: Option<&'static str>,
    ) -> Option<(&'static str, Replies)> {
        self.strike_custom(token, operation, CustomFaults::before).into_iter().next()
    }

    /// Lets the faults of the test's own strike after the service acted, and notes them.
    pub(super) fn strike_after(&self, asked: &Asked<'_>) -> Vec<(&'static str, Change)> {
        let operation = Some(asked.endpoint.name());
        self.strike_custom(asked.token.as_ref(), operation, CustomFaults::after)
    }

    fn strike_custom<T, S: IntoIterator<Item = (&'static str, T)>>(
        &self,
        token: Option<&AuthToken>,
        operation: Option<&'static str>,
        strike: impl FnOnce(&mut CustomFaults, Asking<'_>) -> S,
    ) -> Vec<(&'static str, T)> {
        let now = self.clock().now();
        let mut state = self.state();
        let (user, struck) = state.ask(token, operation, now, |state, asking| {
            strike(&mut state.custom_faults, asking).into_iter().collect::<Vec<_>>()
        });
        let noted = struck.into_iter().map(|(name, does)| {
            state.note(now, user, operation, Event::StruckBy(name));
            (name, does)
        });
        noted.collect()
    }

    pub(super) fn with_faults<T>(&self, change: impl FnOnce(&mut Armed) -> T) -> T {
        change(&mut self.state().armed)
    }

    /// Lets an armed fault strike, and notes it.
    pub(super) fn strike(
        &self,
        token: Option<&AuthToken>,
        operation: Option<&'static str>,
        strike: impl FnOnce(&mut Armed, Asking<'_>) -> Option<Fault>,
    ) -> Option<Fault> {
        let now = self.clock().now();
        let mut state = self.state();
        let (user, struck) =
            state.ask(token, operation, now, |state, asking| strike(&mut state.armed, asking));
        let fault = struck?;
        state.note(now, user, operation, Event::Struck(fault));
        Some(fault)
    }
}
