//! What a test chose in place of what chance would make.

use std::collections::VecDeque;

use otp_core::{AuthToken, Otp, RecoveryCode};

/// So many of each can wait to be used.
pub(super) const KEPT: usize = 64;

/// One value of each kind, or of some.
#[derive(Default)]
pub(super) struct Choice {
    pub(super) otp: Option<Otp>,
    pub(super) recovery_codes: Option<Vec<RecoveryCode>>,
    pub(super) session_token: Option<AuthToken>,
}

/// Of one user. What comes first is used first.
#[derive(Default)]
pub(super) struct Chosen {
    every_otp: Option<Otp>,
    otps: VecDeque<Otp>,
    recovery_codes: VecDeque<Vec<RecoveryCode>>,
    session_tokens: VecDeque<AuthToken>,
}

impl Chosen {
    pub(super) fn every_otp(otp: Option<Otp>) -> Self {
        Self { every_otp: otp, ..Self::default() }
    }

    /// Whether one more of each kind of which there is one here can wait.
    pub(super) fn has_room_for(&self, choice: &Choice) -> bool {
        [
            (choice.otp.is_some(), self.otps.len()),
            (choice.recovery_codes.is_some(), self.recovery_codes.len()),
            (choice.session_token.is_some(), self.session_tokens.len()),
        ]
        .iter()
        .all(|(is_there, waiting)| !is_there || *waiting < KEPT)
    }

    pub(super) fn add(&mut self, choice: Choice) {
        self.otps.extend(choice.otp);
        self.recovery_codes.extend(choice.recovery_codes);
        self.session_tokens.extend(choice.session_token);
    }

    /// Whether this is the token of a session to come.
    pub(super) fn has_session(&self, token: &AuthToken) -> bool {
        self.session_tokens.iter().any(|chosen| chosen == token)
    }

    pub(super) fn otp(&mut self) -> Option<Otp> {
        self.otps.pop_front().or_else(|| self.every_otp.clone())
    }

    pub(super) fn recovery_codes(&mut self) -> Option<Vec<RecoveryCode>> {
        self.recovery_codes.pop_front()
    }

    pub(super) fn session_token(&mut self) -> Option<AuthToken> {
        self.session_tokens.pop_front()
    }
}
