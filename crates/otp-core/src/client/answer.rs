use super::Metadata;

/// What a [call](crate::Call) gives: the operation's value, and what the response said besides.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer<T> {
    /// The operation's value.
    pub value: T,
    /// Status, request id, rate limit, announcements, attempts.
    pub metadata: Metadata,
}
