//! What an error was caused by.

use std::error::Error as StdError;
use std::io;

/// The first cause of this type, also inside of `io::Error`s, which do not show what they hold as
/// their source.
pub(super) fn find<'a, E: StdError + 'static>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            // An `io::Error` that only wraps another error says less than what it wraps.
            let inner = found_inside::<E>(error);
            return inner.or(Some(found));
        }
        if let Some(found) = found_inside::<E>(error) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

fn found_inside<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    find::<E>(inner)
}

/// In words that hold nothing of another's making.
pub(crate) fn describe(error: &io::Error) -> String {
    match error.raw_os_error() {
        // Fixed texts of the operating system.
        Some(_) => error.to_string(),
        None => error.kind().to_string(),
    }
}

/// An error of the same kind that holds nothing of another's making.
pub(super) fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => io::Error::from(error.kind()),
    }
}

/// The other side closed the connection. Whether that is seen as an end or as a reset depends on which side is
/// faster.
pub(crate) fn is_closing(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe)
}
