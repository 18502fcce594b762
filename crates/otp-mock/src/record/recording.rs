use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::file_format::Exchanged;
use crate::{Expected, Reply, ScriptedTransport};

/// What passed through a [`Recorder`](crate::Recorder), with every secret replaced.
///
/// As a text, which `Display` writes and `FromStr` reads, it is JSON that a person can read and edit:
///
/// - The same secret is always the same placeholder, which says what it was first (`token-1`, `otp-1`,
///   `recovery-code-1`, or `secret-1` for one of an operation of your own) and is a valid value of its kind.
///   A text that names a secret, here or later, has `[redacted]` in its place.
/// - Of headers, those are written whose meaning is known, each by its first value; of JSON bodies the
///   documented fields; of other bodies the size.
/// - `took_ms` is how many milliseconds the exchange took, 0 if it is missing.
///
/// ```
/// use otp_core::{AuthToken, OtpsApi, OtpsClient};
/// use otp_mock::Recording;
///
/// let recording: Recording = r#"{
///   "exchanges": [{
///     "operation": "find_recovery_codes",
///     "request": "GET /user/otp/recovery-codes",
///     "took_ms": 120,
///     "answer": {
///       "status": 200,
///       "headers": { "content-type": "application/json" },
///       "json": { "recovery_codes": ["recovery-code-1"] }
///     }
///   }]
/// }"#.parse()?;
///
/// let client = OtpsClient::new(recording.replay(), AuthToken::new("token-1")?);
/// assert_eq!(pollster::block_on(client.find_recovery_codes())?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Recording {
    pub(super) exchanges: Vec<Exchanged>,
}

/// As it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    exchanges: Vec<Exchanged>,
}

impl TryFrom<Unchecked> for Recording {
    type Error = String;

    fn try_from(Unchecked { exchanges }: Unchecked) -> Result<Self, String> {
        for (at, exchanged) in exchanges.iter().enumerate() {
            if let Err(wrong) = exchanged.reply() {
                return Err(format!("exchange {} ({}): {wrong}", at + 1, exchanged.operation));
            }
        }
        Ok(Self { exchanges })
    }
}

impl Recording {
    /// A transport that gives the same answers to the same operations in the same order, in every flavour.
    ///
    /// Its clock passes the time that each exchange took. A time-out lasts as long as the client allows an
    /// attempt, and an answer that took longer than that becomes one.
    ///
    /// Calls that overlapped are to be made in the order in which they were sent. Each is over before the next
    /// begins, so a second attempt that was sent after another call's first does not fit.
    pub fn replay(&self) -> ScriptedTransport {
        self.exchanges.iter().fold(ScriptedTransport::in_order(), |script, exchanged| {
            // What cannot be played was refused when it was read.
            let reply = exchanged.reply().unwrap_or_else(|_| Reply::lost());
            script.answer(Expected::named(exchanged.operation.clone()), reply)
        })
    }

    /// Writes it to a file, for a person to look at and [`load`](Self::load) to read.
    ///
    /// # Errors
    ///
    /// If the file cannot be written: it says which.
    pub fn save(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let path = path.as_ref();
        std::fs::write(path, format!("{self}\n"))
            .map_err(|error| of_file(path, error.kind(), error))
    }

    /// Reads a file that [`save`](Self::save) wrote.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is no recording ([`io::ErrorKind::InvalidData`]): it says which file,
    /// and what is wrong where.
    pub fn load(path: impl AsRef<Path>) -> io::Result<Self> {
        let path = path.as_ref();
        let text = std::fs::read_to_string(path);
        text.map_err(|error| of_file(path, error.kind(), error))?
            .parse()
            .map_err(|error: InvalidRecording| of_file(path, io::ErrorKind::InvalidData, error))
    }
}

fn of_file(path: &Path, kind: io::ErrorKind, error: impl fmt::Display) -> io::Error {
    io::Error::new(kind, format!("{}: {error}", path.display()))
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string_pretty(self).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Recording {
    type Err = InvalidRecording;

    fn from_str(text: &str) -> Result<Self, InvalidRecording> {
        serde_json::from_str(text).map_err(InvalidRecording)
    }
}

/// That a text is no [`Recording`], or one that cannot be played, such as with a status that is none: it says
/// where and why.
#[derive(Debug)]
pub struct InvalidRecording(serde_json::Error);

impl fmt::Display for InvalidRecording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this is no recording: {}", self.0)
    }
}

impl std::error::Error for InvalidRecording {}
