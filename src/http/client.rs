//! The client of an account.

use crate::clock::Ambient;

use super::{Request, Response, SendError};

/// How the client of an account is built.
#[derive(Clone, Debug, Default)]
pub struct ClientSpec {
    /// What all of a service's calls share; a path is kept and paths are appended to it.
    pub base_url: String,
    /// A fixed way out. No other proxy is ever used.
    pub proxy: Option<String>,
    /// Extra root certificates (PEM).
    pub extra_roots: Option<Vec<u8>>,
    /// Client certificate.
    pub identity: Option<super::tls::Identity>,
}

/// One client per account; never shared between accounts.
#[derive(Debug)]
pub struct Client {
    _spec: ClientSpec,
}

impl Client {
    /// Sends `request` and reads the whole answer.
    ///
    /// # Errors
    /// [`SendError`], by how far the request got.
    pub async fn send(
        &self,
        account: &str,
        request: Request,
        ambient: &Ambient,
    ) -> Result<Response, SendError> {
        let _ = (account, request, ambient);
        Err(SendError::NotSent("skeleton".to_owned()))
    }
}
