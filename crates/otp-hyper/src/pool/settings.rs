use std::time::Duration;

use super::age::Clocks;
use crate::versions::HttpVersions;

/// What the builder was told about connections.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) versions: HttpVersions,
    pub(crate) connect_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    /// Idle HTTP/1.1 connections to one origin.
    pub(crate) max_idle: usize,
    /// HTTP/2 connections to one origin.
    pub(crate) max_http2: usize,
    pub(crate) clocks: Clocks,
}
