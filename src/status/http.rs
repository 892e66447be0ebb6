//! `/healthz`, `/readyz` and `/metrics` (interface.md, "HTTP"), to this machine alone. Whatever a caller does, it costs
//! little: heads are small, every connection carries one request and has a deadline, what the database says is kept for a
//! moment, and a page that a browser was lured to from elsewhere is not answered.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Facts, gauges, signs};
use crate::clock::Ambient;
use crate::store::Store;
use crate::telemetry::Vitals;
use crate::telemetry::metrics::{self, NotInstalled, Recorder};

/// For one request, from its last header to the last byte of the answer.
const REQUEST: Duration = Duration::from_secs(10);
/// For a whole connection.
const CONNECTION: Duration = Duration::from_secs(15);
/// For what is under way at the stop.
const DRAIN: Duration = Duration::from_secs(2);
/// Bytes of a request's head.
const HEAD: usize = 8 * 1024;
/// Headers of a request.
const HEADERS: usize = 64;
/// Connections at once; further ones wait.
const CONNECTIONS: usize = 32;
/// The database answers a health check within this, or does not answer.
const PING: Duration = Duration::from_secs(2);
/// How long an answer about the database holds.
const PING_HOLDS: Duration = Duration::from_secs(1);
/// The database gives the gauges within this, or there are none.
const SIGNS: Duration = Duration::from_secs(5);
/// How long the gauges hold.
const SIGNS_HOLD: Duration = Duration::from_secs(5);
/// Between two times that observations are filed (wall time).
const UPKEEP: Duration = Duration::from_secs(5);
/// After a connection could not be taken (wall time).
const AGAIN: Duration = Duration::from_secs(1);

const TEXT: &str = "text/plain; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Why nothing is served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address is taken.
    #[error(
        "daemon.listen: {0} is in use by another program (another mallsync?): give this one another port, or \"\" to serve \
         no health checks and metrics"
    )]
    InUse(SocketAddr),
    /// The address cannot be listened on for another reason.
    #[error("daemon.listen: {0}: {1}")]
    Listen(SocketAddr, std::io::Error),
    /// Nothing can be counted.
    #[error(transparent)]
    Metrics(#[from] NotInstalled),
}

/// What is told about.
#[derive(Clone)]
pub struct Watched {
    /// The database.
    pub store: Store,
    /// Time.
    pub ambient: Ambient,
    /// Signs of life.
    pub vitals: Arc<Vitals>,
    /// What the config in force says; asked anew for each scrape.
    pub facts: Arc<dyn Fn() -> Facts + Send + Sync>,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("vitals", &self.vitals).finish_non_exhaustive()
    }
}

/// Listens, and counts from now on.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    recorder: Recorder,
}

impl Server {
    /// Takes the address; nobody is answered yet. To be called before anything is done that is to be counted.
    ///
    /// # Errors
    /// [`ServeError`], naming the key.
    pub async fn bind(address: SocketAddr) -> Result<Self, ServeError> {
        let listener = TcpListener::bind(address).await.map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => ServeError::InUse(address),
            _ => ServeError::Listen(address, error),
        })?;
        let recorder = metrics::install()?;
        match listener.local_addr() {
            Ok(address) => tracing::info!(%address, "Health checks and metrics are served."),
            Err(error) => return Err(ServeError::Listen(address, error)),
        }
        Ok(Self { listener, recorder })
    }

    /// Answers until `stop`, then ends what is under way within two seconds.
    pub async fn serve(self, watched: Watched, stop: CancellationToken) {
        let ambient = watched.ambient.clone();
        let again = |wall: Duration| {
            let clock = ambient.clock();
            clock.sleep_until(ambient.now() + clock.of_wall(wall))
        };
        let board = Board {
            watched,
            recorder: self.recorder.clone(),
            database: Mutex::default(),
            gauges: Mutex::default(),
        };
        let router = router(Arc::new(board));
        let free = Arc::new(Semaphore::new(CONNECTIONS));
        let mut open = JoinSet::new();
        let mut upkeep = again(UPKEEP);
        loop {
            while open.try_join_next().is_some() {}
            let connection = async {
                // Never closed.
                let permit = Arc::clone(&free).acquire_owned().await.ok();
                self.listener.accept().await.map(|(stream, _)| (stream, permit))
            };
            tokio::select! {
                () = stop.cancelled() => break,
                _ = &mut upkeep => {
                    self.recorder.upkeep();
                    upkeep = again(UPKEEP);
                }
                taken = connection => match taken {
                    Ok((stream, permit)) => {
                        let (router, stop) = (router.clone(), stop.clone());
                        open.spawn(async move {
                            let _permit = permit;
                            connected(stream, router, &stop).await;
                        });
                    }
                    Err(error) => {
                        tracing::warn!(error.message = %error, "A connection to the health checks could not be taken.");
                        tokio::select! {
                            _ = again(AGAIN) => {}
                            () = stop.cancelled() => {}
                        }
                    }
                },
            }
        }
        drop(self.listener);
        let ended = async { while open.join_next().await.is_some() {} };
        if tokio::time::timeout(DRAIN, ended).await.is_err() {
            open.abort_all();
        }
    }
}

/// One connection, one request.
async fn connected(stream: TcpStream, router: Router, stop: &CancellationToken) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(REQUEST)
        .max_header_size(HEAD)
        .max_headers(HEADERS)
        .keep_alive(false);
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    let whole = async {
        tokio::select! {
            ended = &mut connection => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        }
    };
    // Whoever went away, was too slow or spoke no HTTP is not worth a line but for those who look for it.
    match tokio::time::timeout(CONNECTION, whole).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(error.message = %error, "A health check's connection failed."),
        Err(_) => tracing::debug!("A health check's connection took too long."),
    }
}

/// Answers that hold for a moment.
type Held<T> = Mutex<Option<(Instant, T)>>;

struct Board {
    watched: Watched,
    recorder: Recorder,
    database: Held<bool>,
    gauges: Held<Arc<str>>,
}

fn router(board: Arc<Board>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { text(StatusCode::OK, "alive\n") }))
        .route("/readyz", get(ready))
        .route("/metrics", get(scrape))
        .fallback(|| async { text(StatusCode::NOT_FOUND, "not here: /healthz, /readyz, /metrics\n") })
        .with_state(board)
        .layer(middleware::from_fn(guard))
}

fn text(status: StatusCode, text: impl Into<String>) -> Response {
    (status, [(CONTENT_TYPE, TEXT)], text.into()).into_response()
}

/// Only those who asked for this machine by its own name or number, and only for so long.
async fn guard(request: Request, next: Next) -> Response {
    let mut answer = if ours(request.headers()) {
        tokio::time::timeout(REQUEST, next.run(request))
            .await
            .unwrap_or_else(|_| text(StatusCode::SERVICE_UNAVAILABLE, "no answer in time\n"))
    } else {
        text(
            StatusCode::MISDIRECTED_REQUEST,
            "ask for 127.0.0.1, [::1] or localhost; a reverse proxy must send one of them as Host\n",
        )
    };
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// Whether the request was meant for this machine: a name that was made to point here brings itself as `Host`. Without
/// one it is no browser's.
fn ours(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

async fn ready(State(board): State<Arc<Board>>) -> Response {
    if !board.watched.vitals.ready() {
        return text(
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: the schedulers do not run (starting or stopping)\n",
        );
    }
    if !board.database_answers().await {
        return text(StatusCode::SERVICE_UNAVAILABLE, "not ready: the database does not answer\n");
    }
    match board.watched.store.no_room_since() {
        Ok(None) => text(StatusCode::OK, "ready\n"),
        Ok(Some(_)) | Err(_) => text(
            StatusCode::SERVICE_UNAVAILABLE,
            "not ready: the disk that holds the database is full or cannot be written\n",
        ),
    }
}

async fn scrape(State(board): State<Arc<Board>>) -> Response {
    let vitals = &board.watched.vitals;
    metrics::reloads(vitals.reloads_applied(), vitals.reloads_refused());
    let gauges = board.gauges().await;
    let counters = board.recorder.render();
    let gauges =
        gauges.as_deref().unwrap_or("# The database did not answer: what comes from it is missing.\n");
    ([(CONTENT_TYPE, PROMETHEUS)], format!("{counters}{gauges}")).into_response()
}

impl Board {
    /// Whoever asks while another one is asking waits for that answer.
    async fn database_answers(&self) -> bool {
        let mut held = self.database.lock().await;
        if let Some((at, answers)) = *held
            && at.elapsed() < PING_HOLDS
        {
            return answers;
        }
        let answers = matches!(tokio::time::timeout(PING, self.watched.store.ping()).await, Ok(Ok(())));
        *held = Some((Instant::now(), answers));
        answers
    }

    /// `None`: the database did not give them in time.
    async fn gauges(&self) -> Option<Arc<str>> {
        let mut held = self.gauges.lock().await;
        if let Some((at, gauges)) = &*held
            && at.elapsed() < SIGNS_HOLD
        {
            return Some(Arc::clone(gauges));
        }
        *held = None;
        let Watched { store, ambient, facts, .. } = &self.watched;
        let facts = facts();
        let asked = signs(store, &facts, ambient.now(), ambient.wall());
        let why = match tokio::time::timeout(SIGNS, asked).await {
            Ok(Ok(signs)) => match gauges::render(&facts, &signs) {
                Ok(text) => {
                    let text: Arc<str> = text.into();
                    *held = Some((Instant::now(), Arc::clone(&text)));
                    return Some(text);
                }
                Err(error) => error.to_string(),
            },
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {} s", SIGNS.as_secs()),
        };
        tracing::debug!(error.message = %why, "The gauges could not be read.");
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_made_to_point_here_is_not_answered() {
        let host = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_str(host).unwrap());
            ours(&headers)
        };
        for good in
            ["127.0.0.1:9477", "127.0.0.1", "localhost:9477", "LOCALHOST", "[::1]:9477", "[::1]", "127.8.8.8"]
        {
            assert!(host(good), "{good}");
        }
        for bad in [
            "evil.example",
            "evil.example:9477",
            "127.0.0.1.evil.example",
            "192.0.2.1:9477",
            "",
            "localhost:9477.evil",
        ] {
            assert!(!host(bad), "{bad}");
        }
        assert!(ours(&HeaderMap::new()), "no browser leaves it out");
    }
}
