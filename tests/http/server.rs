//! A server that answers by script, over TCP or TLS, and counts what reaches it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, pem::PemObject};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// What happens once a whole request has been read.
#[derive(Clone)]
pub enum Act {
    /// These bytes, then the connection stays open.
    Reply(Vec<u8>),
    /// These bytes, then the connection is closed.
    ReplyAndClose(Vec<u8>),
    /// These bytes, then the connection is reset.
    ReplyAndReset(Vec<u8>),
    /// These bytes, then nothing for ever.
    ReplyAndStall(Vec<u8>),
}

pub struct Server {
    pub port: u16,
    accepts: Arc<AtomicUsize>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub async fn plain(act: Act) -> Self {
        Self::start(act, None).await
    }

    pub async fn tls(act: Act, config: ServerConfig) -> Self {
        Self::start(act, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn start(act: Act, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (accepts, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let server = Self { port, accepts: Arc::clone(&accepts), requests: Arc::clone(&requests) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                accepts.fetch_add(1, Ordering::SeqCst);
                let (act, tls, requests) = (act.clone(), tls.clone(), Arc::clone(&requests));
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, &act, &requests, tokio::net::TcpStream::set_zero_linger).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                serve(stream, &act, &requests, |s| s.get_ref().0.set_zero_linger()).await;
                            }
                        }
                    }
                });
            }
        });
        server
    }

    pub fn accepts(&self) -> usize {
        self.accepts.load(Ordering::SeqCst)
    }

    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    act: &Act,
    requests: &Mutex<Vec<String>>,
    reset: impl Fn(&S) -> std::io::Result<()>,
) {
    while let Some(request) = read_request(&mut stream).await {
        requests.lock().unwrap().push(request);
        let (Act::Reply(bytes)
        | Act::ReplyAndClose(bytes)
        | Act::ReplyAndReset(bytes)
        | Act::ReplyAndStall(bytes)) = act;
        if stream.write_all(bytes).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        match act {
            Act::Reply(_) => {}
            Act::ReplyAndClose(_) => {
                let _ = stream.shutdown().await;
                return;
            }
            Act::ReplyAndReset(_) => {
                reset(&stream).unwrap();
                return;
            }
            Act::ReplyAndStall(_) => std::future::pending::<()>().await,
        }
    }
}

/// One whole request as text, or `None` when the other side is gone.
async fn read_request<S: AsyncRead + Unpin>(stream: &mut S) -> Option<String> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        let byte = stream.read_u8().await.ok()?;
        bytes.push(byte);
    };
    let text = String::from_utf8_lossy(&bytes).to_lowercase();
    let length =
        text.lines().find_map(|l| l.strip_prefix("content-length:")?.trim().parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    assert_eq!(bytes.len(), head);
    bytes.extend(body);
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// A whole answer with that body.
pub fn ok(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nDate: Sat, 21 Nov 2026 01:00:00 GMT\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A root and what it signs.
pub struct Authority {
    pub root_pem: String,
    issuer: Issuer<'static, KeyPair>,
    root: tokio_rustls::rustls::pki_types::CertificateDer<'static>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap();
        Self { root_pem: root.pem(), root: root.der().clone(), issuer: Issuer::new(params, key) }
    }

    /// Certificate and key as PEM.
    pub fn issue(&self, name: &str) -> (String, String) {
        self.issue_for(name, &KeyPair::generate().unwrap())
    }

    /// The same with an RSA key, as most services hand out.
    pub fn issue_rsa(&self, name: &str) -> (String, String) {
        self.issue_for(name, &KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap())
    }

    fn issue_for(&self, name: &str, key: &KeyPair) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_after = rcgen::date_time_ymd(2031, 5, 6);
        (params.signed_by(key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    /// A server for 127.0.0.1 that asks for a client certificate of `clients`, if given.
    pub fn server(&self, clients: Option<&Self>) -> ServerConfig {
        let (certificate, key) = self.issue("127.0.0.1");
        let chain = tokio_rustls::rustls::pki_types::CertificateDer::pem_slice_iter(certificate.as_bytes());
        let chain = chain.collect::<Result<Vec<_>, _>>().unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.root.clone()).unwrap();
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        builder.with_single_cert(chain, key).unwrap()
    }
}

/// A port on which nobody listens.
pub async fn closed_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}
