//! Client identities and extra roots.

/// A client certificate with its key.
#[derive(Clone, Debug)]
pub struct Identity {}
