//! webcollect.
