//! What passed through a transport, written down without its secrets, and played again.

mod captured;
mod file_format;
mod recorder;
mod recording;
mod redact;

pub use recorder::Recorder;
pub use recording::{InvalidRecording, Recording};
