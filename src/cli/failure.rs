//! How a command ends: its exit status and what it says on stderr.

use std::io;

use crate::app::AppError;
use crate::config::Finding;
use crate::store::StoreError;

/// A command that ran to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Everything went well: 0.
    Well,
    /// It ran and something failed, as its output says: 1.
    Badly,
}

/// A command that stopped.
#[derive(Debug)]
pub enum Failure {
    /// It was called in a way that cannot be carried out: 2.
    Usage(String),
    /// The config is invalid: 78.
    Config(Vec<Finding>),
    /// The config is invalid, as the output says: 78.
    Invalid,
    /// Something failed: 1.
    Failed(String),
    /// The reader of our output went away (`| head`): no error at all.
    ReaderGone,
}

/// The result of a command.
pub type Outcome = Result<Ended, Failure>;

/// Exit status of a config that does not validate (`EX_CONFIG`; systemd does not restart on it).
pub const EXIT_CONFIG: u8 = 78;

impl Failure {
    /// The exit status (interface.md, "Exit status").
    pub const fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Config(_) | Self::Invalid => EXIT_CONFIG,
            Self::Failed(_) => 1,
            Self::ReaderGone => 0,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::ReaderGone,
            _ => Self::Failed(format!("output: {error}")),
        }
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::from(io::Error::from(error))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        Self::Failed(error.to_string())
    }
}
