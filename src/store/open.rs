//! Opening: URLs, files and their modes, the daemon's lock, migrations.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection, PgConnection, PgPool, SqlitePool};

use super::db::{Pools, Sql};
use super::room::Room;
use super::{Access, Result, StoreError};
use crate::clock::Ambient;
use crate::secret::Secret;

static SQLITE: Migrator = sqlx::migrate!("migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a writer waits for another one.
const BUSY: Duration = Duration::from_secs(10);

/// A connection that only reads and has nothing to read for so long is closed.
const READER_IDLE: Duration = Duration::from_secs(30);

/// What such a connection keeps of the file for itself, in KiB as SQLite counts them (negative); the system keeps the rest.
const READER_CACHE: &str = "-512";

/// A database, opened.
pub(super) struct Opened {
    pub pools: Pools,
    pub room: Arc<Room>,
    pub lock: Option<File>,
    /// The schema found and the one in force now.
    pub schema: (i64, i64),
    /// The lock file's path (SQLite).
    pub lock_path: Option<PathBuf>,
}

pub(super) async fn open(
    url: &str,
    password: Option<&Secret>,
    access: Access,
    ambient: &Ambient,
) -> Result<Opened> {
    let mut opened = match url.split_once(':') {
        Some(("sqlite", rest)) => open_sqlite(rest, access, ambient).await?,
        Some(("postgres" | "postgresql", _)) => open_postgres(url, password, access, ambient).await?,
        _ => {
            return Err(StoreError::Url("expected `sqlite:PATH` or `postgres://HOST/DATABASE`".to_owned()));
        }
    };
    let found = schema(&opened.pools).await?;
    let known = known(&opened.pools);
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    if found < known {
        // A command makes a database where there is none; an older one may belong to a running daemon.
        if access == Access::Read || (access == Access::Command && found != 0) {
            return Err(StoreError::OlderSchema { found, known });
        }
        let _held = match (&opened.lock, &opened.lock_path) {
            (None, Some(path)) => Some(take_lock(path).await?),
            _ => None,
        };
        migrate(&opened.pools).await?;
    }
    opened.schema = (found, known);
    Ok(opened)
}

/// Runs what is due; returns the schema found and the one in force now.
pub(super) async fn migrate(pools: &Pools) -> Result<(i64, i64)> {
    let (found, known) = (schema(pools).await?, known(pools));
    if found > known {
        return Err(StoreError::NewerSchema { found, known });
    }
    if found < known {
        match pools {
            Pools::Sqlite { writer: Some(writer), .. } => {
                SQLITE.run(writer).await.map_err(sqlx::Error::from)?;
            }
            Pools::Sqlite { writer: None, .. } => return Err(StoreError::OlderSchema { found, known }),
            Pools::Postgres(pool) => POSTGRES.run(pool).await.map_err(sqlx::Error::from)?,
        }
    }
    Ok((found, known))
}

fn known(pools: &Pools) -> i64 {
    let migrator = match pools {
        Pools::Sqlite { .. } => &SQLITE,
        Pools::Postgres(_) => &POSTGRES,
    };
    migrator.iter().map(|m| m.version).max().unwrap_or(0)
}

/// The schema's number in the database; 0 when there is none.
async fn schema(pools: &Pools) -> Result<i64> {
    let mut conn = match pools {
        // The writer's connection made the file, a reader's would only see it afterwards.
        Pools::Sqlite { writer: Some(writer), .. } => super::db::Conn::SqliteRead(writer.acquire().await?),
        _ => pools.read().await?,
    };
    let there: Option<(i64,)> = conn
        .row(
            Sql {
                sqlite: "SELECT count(*) FROM sqlite_master WHERE name = '_sqlx_migrations'",
                postgres: "SELECT count(*) FROM pg_catalog.pg_class WHERE oid = to_regclass('_sqlx_migrations')",
            },
            &[],
        )
        .await?;
    if there.is_none_or(|(n,)| n == 0) {
        return Ok(0);
    }
    let version: Option<(Option<i64>,)> = conn.row("SELECT max(version) FROM _sqlx_migrations", &[]).await?;
    Ok(version.and_then(|(v,)| v).unwrap_or(0))
}

async fn open_sqlite(rest: &str, access: Access, ambient: &Ambient) -> Result<Opened> {
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.is_empty() || path == ":memory:" || path.contains('?') {
        return Err(StoreError::Url("expected `sqlite:PATH` with the path of a file".to_owned()));
    }
    let path = PathBuf::from(path);
    let lock_path = PathBuf::from(format!("{}.lock", path.display()));
    let lock = if access == Access::Daemon {
        make_file(&lock_path)?;
        Some(take_lock(&lock_path).await?)
    } else {
        None
    };
    if access == Access::Read {
        if !path.exists() {
            return Err(StoreError::NotFound(format!(
                "no database at {}: `mallsync run` makes it, or database.url names another file than the daemon's",
                path.display()
            )));
        }
    } else {
        make_file(&path)?;
    }
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(false)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        // The write-ahead log alone would survive a crash of the program; FULL survives one of the machine: a capture
        // is committed before it is sent (I6).
        .synchronous(SqliteSynchronous::Full);
    let writer = if access == Access::Read {
        None
    } else {
        let options = options.clone().journal_mode(SqliteJournalMode::Wal);
        // One connection for good: `PRAGMA data_version` compares with what this very connection saw before.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .test_before_acquire(false)
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(Duration::from_secs(60));
        Some(pool.connect_with(options).await?)
    };
    let readers: SqlitePool = SqlitePoolOptions::new()
        .max_connections(4)
        // A file does not hang up: asking first would double the cost of every small read.
        .test_before_acquire(false)
        // Each keeps pages and statements of its own, which between two polls are memory for nothing.
        .idle_timeout(READER_IDLE)
        .acquire_timeout(Duration::from_secs(60))
        .connect_lazy_with(options.read_only(true).pragma("cache_size", READER_CACHE));
    Ok(Opened {
        pools: Pools::Sqlite { writer, readers, replaced: AtomicI64::new(0) },
        room: Arc::new(Room::new(lock.is_some().then_some(lock_path.as_path()), ambient)?),
        lock,
        schema: (0, 0),
        lock_path: Some(lock_path),
    })
}

/// Makes an empty file that only its owner can read; the database's log files take over its mode.
fn make_file(path: &Path) -> Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    match made {
        Ok(file) => hand_over(path, &file),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(StoreError::Url(format!(
            "the folder of {} does not exist; make it, owned by the user that runs mallsync",
            path.display()
        ))),
        Err(e) => Err(StoreError::Url(format!("cannot make {}: {e}", path.display()))),
    }
}

/// What root makes, as in `sudo mallsync check` before the service's first start, belongs to whom the folder belongs to: the
/// service could not open it otherwise.
fn hand_over(path: &Path, file: &File) -> Result<()> {
    let fail = |e: std::io::Error| {
        StoreError::Url(format!("cannot give {} to the owner of its folder: {e}", path.display()))
    };
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let (made, folder) = (file.metadata().map_err(fail)?, std::fs::metadata(folder).map_err(fail)?);
    if made.uid() == 0 && folder.uid() != 0 {
        fchown(file, Some(folder.uid()), Some(folder.gid())).map_err(fail)?;
    }
    Ok(())
}

/// Takes the lock file. Whoever only asks whether a daemon lives holds it for a moment, so a refusal is tried again a
/// few times before it counts.
async fn take_lock(path: &Path) -> Result<File> {
    let shown = path.display().to_string();
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = file.map_err(|e| StoreError::Url(format!("cannot open {shown}: {e}")))?;
    hand_over(path, &file)?;
    let taken = tokio::task::spawn_blocking(move || {
        for _ in 0..20 {
            match file.try_lock() {
                Ok(()) => return Ok(Some(file)),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(5)),
                Err(TryLockError::Error(e)) => return Err(e),
            }
        }
        Ok(None)
    })
    .await;
    match taken {
        Ok(Ok(Some(file))) => Ok(file),
        Ok(Ok(None)) => Err(StoreError::Locked(shown)),
        Ok(Err(e)) => Err(StoreError::Url(format!("cannot lock {shown}: {e}"))),
        Err(e) => Err(StoreError::Url(format!("cannot lock {shown}: {e}"))),
    }
}

/// Whether somebody holds the lock file.
pub(super) fn is_locked(path: &Path) -> Result<bool> {
    let file = match OpenOptions::new().read(true).open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(StoreError::Url(format!("cannot open {}: {e}", path.display()))),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(e)) => {
            Err(StoreError::Url(format!("cannot ask for the lock of {}: {e}", path.display())))
        }
    }
}

async fn open_postgres(
    url: &str,
    password: Option<&Secret>,
    access: Access,
    ambient: &Ambient,
) -> Result<Opened> {
    // The driver's message may hold a part of the URL, and that may be the password.
    let options = PgConnectOptions::from_str(url).map_err(|_| {
        StoreError::Url("not a PostgreSQL URL; expected `postgres://USER@HOST:5432/DATABASE`".to_owned())
    })?;
    let mut options = options
        .application_name("mallsync")
        // synchronous_commit: a capture is committed before it is sent (I6), also where the server's default is
        // weaker. The time-outs keep a worker that hangs from holding up the others.
        .options([
            ("synchronous_commit", "on"),
            ("lock_timeout", "10s"),
            ("idle_in_transaction_session_timeout", "60s"),
        ]);
    if let Some(password) = password {
        options = options.password(password.expose());
    }
    if !is_near(&options) {
        options = options.ssl_mode(PgSslMode::VerifyFull);
    }
    // A command tells at once what is wrong; a daemon waits for a server that is starting as well.
    if access != Access::Daemon {
        reach(&options).await?;
    }
    let pool = PgPoolOptions::new()
        .max_connections(if access == Access::Daemon { 8 } else { 2 })
        .acquire_timeout(Duration::from_secs(30))
        .connect_with(options.clone());
    let pool: PgPool = match pool.await {
        // The pool does not say why.
        Err(sqlx::Error::PoolTimedOut) => {
            reach(&options).await?;
            return Err(sqlx::Error::PoolTimedOut.into());
        }
        other => other?,
    };
    let room = Arc::new(Room::new(None, ambient)?);
    Ok(Opened { pools: Pools::Postgres(pool), room, lock: None, schema: (0, 0), lock_path: None })
}

/// Lets new connections use `password`, if the server takes it; those there are stay. SQLite has none.
pub(super) async fn renew_password(pools: &Pools, password: &Secret) -> Result<()> {
    let Pools::Postgres(pool) = pools else { return Ok(()) };
    let options = PgConnectOptions::clone(&pool.connect_options()).password(password.expose());
    reach(&options).await?;
    pool.set_connect_options(options);
    Ok(())
}

/// Connects once, to learn what is wrong if that cannot be done.
async fn reach(options: &PgConnectOptions) -> Result<()> {
    let tried = tokio::time::timeout(Duration::from_secs(10), PgConnection::connect_with(options)).await;
    let why = match tried {
        Ok(Ok(connection)) => return Ok(connection.close().await?),
        Ok(Err(sqlx::Error::Io(error))) => error.to_string(),
        Ok(Err(other)) => return Err(other.into()),
        Err(_) => "no answer within 10 s".to_owned(),
    };
    Err(StoreError::Url(format!(
        "PostgreSQL at {}:{} cannot be reached: {why}; is it running, and is this its address?",
        options.get_host(),
        options.get_port()
    )))
}

/// A socket or this machine itself: nobody in between.
fn is_near(options: &PgConnectOptions) -> bool {
    let host = options.get_host();
    options.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_sockets_go_without_a_verified_server() {
        let near = |url: &str| is_near(&PgConnectOptions::from_str(url).unwrap());
        assert!(near("postgres://u@localhost/db"));
        assert!(near("postgres://u@127.0.0.1:5433/db"));
        assert!(near("postgres://u@%2Fvar%2Frun%2Fpostgresql/db"));
        assert!(near("postgres:///db?host=/var/run/postgresql"));
        assert!(!near("postgres://u@db.example.com/db"));
        assert!(!near("postgres://u@10.0.0.5/db?sslmode=disable"));
    }
}
