//! What a test chose in place of what chance would make.

use std::collections::VecDeque;

use otp_core::{AuthToken, Otp, RecoveryCode};

/// So many of each wait to be used: the oldest makes room.
const KEPT: usize = 64;

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

    pub(super) fn add_otp(&mut self, otp: Otp) {
        add(&mut self.otps, otp);
    }

    pub(super) fn add_recovery_codes(&mut self, codes: Vec<RecoveryCode>) {
        add(&mut self.recovery_codes, codes);
    }

    pub(super) fn add_session_token(&mut self, token: AuthToken) {
        add(&mut self.session_tokens, token);
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

fn add<T>(waiting: &mut VecDeque<T>, value: T) {
    if waiting.len() >= KEPT {
        waiting.pop_front();
    }
    waiting.push_back(value);
}
