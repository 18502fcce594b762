//! What the operations answer.

mod recovery_code_list;
mod verified;

pub use recovery_code_list::RecoveryCodeList;
pub use verified::Verified;
