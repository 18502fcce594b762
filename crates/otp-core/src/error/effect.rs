/// Whether the server acted on a call that failed.
///
/// Ordered from the least to the most that may have happened. A call of several attempts has the
/// greatest effect of any of them.
///
/// For an idempotent operation such as `find_recovery_codes`, there is nothing to undo: repeat it
/// whatever the effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[must_use]
pub enum Effect {
    /// The server did not act: the request provably never left, or the server refused it.
    ///
    /// Repeating is safe. Whether it helps is what [`ErrorKind`](crate::ErrorKind) says.
    NotApplied,
    /// The server may have acted: the request was, or may have been, sent, and no answer says what
    /// became of it.
    ///
    /// Do not repeat blindly. After `find_ensure_otp`, ask for a new OTP, since a failure on the same one
    /// proves nothing. After `regenerate_codes`, read the codes. After `receive_codes`, look at the
    /// phone first.
    Unknown,
    /// The server acted, and its answer was lost or unreadable.
    ///
    /// After `regenerate_codes` the old codes are dead: read the new ones with `find_recovery_codes`.
    Applied,
}
