//! The filter of the log, which a running process may change.

use std::sync::{Mutex, PoisonError};

use tracing_subscriber::filter::ParseError;
use tracing_subscriber::reload::{Handle, Layer};
use tracing_subscriber::{EnvFilter, Registry};

/// Of the log that was started last: a process has one.
static LIVE: Mutex<Option<Handle<EnvFilter, Registry>>> = Mutex::new(None);

/// Why the filter stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// It is no `EnvFilter` syntax.
    #[error("log.filter: {0}")]
    Filter(#[from] ParseError),
    /// There is no log whose filter could change.
    #[error("log.filter: {0}")]
    Gone(#[from] tracing_subscriber::reload::Error),
}

/// A filter that [`set_filter`] changes.
pub(super) fn live(filter: &str) -> Result<Layer<EnvFilter, Registry>, ParseError> {
    let (layer, handle) = Layer::new(EnvFilter::try_new(filter)?);
    *LIVE.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
    Ok(layer)
}

/// Changes the filter of the running log; does nothing where none was started.
///
/// # Errors
/// When the filter is not understood: it stays as it was.
pub fn set_filter(filter: &str) -> Result<(), FilterError> {
    let filter = EnvFilter::try_new(filter)?;
    match &*LIVE.lock().unwrap_or_else(PoisonError::into_inner) {
        Some(handle) => Ok(handle.reload(filter)?),
        None => Ok(()),
    }
}
