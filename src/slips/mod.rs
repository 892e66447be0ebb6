//! slips.
