//! The listener: connections in, answers and broken answers out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::World;
use super::faults::Fault;
use super::held::Held;
use super::http::{self, Answer, Read};

const CONNECTIONS: usize = 512;
/// A connection without a whole request for so long is closed.
const IDLE: Duration = Duration::from_secs(75);

/// A running simulator.
#[derive(Debug)]
pub struct Server {
    addr: SocketAddr,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Server {
    /// Serves `world` on `listener` until stopped or dropped.
    ///
    /// # Errors
    /// When the listener has no local address.
    pub fn start(listener: TcpListener, world: Arc<World>) -> io::Result<Self> {
        let addr = listener.local_addr()?;
        let server = Self { addr, stop: CancellationToken::new(), tasks: TaskTracker::new() };
        let (stop, tasks) = (server.stop.clone(), server.tasks.clone());
        server.tasks.spawn(async move {
            let slots = Arc::new(Semaphore::new(CONNECTIONS));
            loop {
                // A slot first: beyond them clients wait in the listener's own queue, not in open files of ours.
                let slot = tokio::select! {
                    () = stop.cancelled() => return,
                    slot = Arc::clone(&slots).acquire_owned() => slot,
                };
                let Ok(slot) = slot else { return };
                let accepted = tokio::select! {
                    () = stop.cancelled() => return,
                    accepted = listener.accept() => accepted,
                };
                let (stream, peer) = match accepted {
                    Ok(accepted) => accepted,
                    // A client that vanished between connect and accept is nothing to stop for.
                    Err(error) => {
                        world.note_broken(&error);
                        continue;
                    }
                };
                let (world, stop) = (Arc::clone(&world), stop.clone());
                tasks.spawn(async move {
                    let _slot = slot;
                    tokio::select! {
                        () = stop.cancelled() => {}
                        ended = serve(stream, peer, &world) => {
                            if let Err(error) = ended {
                                world.note_broken(&error);
                            }
                        }
                    }
                });
            }
        });
        Ok(server)
    }

    /// Where it listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Drops every connection and ends.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn serve(mut stream: TcpStream, peer: SocketAddr, world: &Arc<World>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut kept = Vec::new();
    loop {
        let Ok(read) = tokio::time::timeout(IDLE, http::read(&mut stream, &mut kept)).await else {
            return Ok(());
        };
        let request = match read? {
            Read::Request(request) => request,
            Read::Closed => return Ok(()),
            Read::Refused(status) => {
                let answer = Answer::new(status, "text/plain", "");
                stream.write_all(&answer.head(true, false)).await?;
                return stream.shutdown().await;
            }
        };
        let keep_alive = request.keep_alive;
        let (answer, fault, held) = world.handle(&request, peer.ip());
        if !send(&mut stream, &answer, fault, keep_alive, held).await? {
            return Ok(());
        }
    }
}

/// Sends, or fails to, as the fault says. True while the connection may carry another request.
async fn send(
    stream: &mut TcpStream,
    answer: &Answer,
    fault: Option<Fault>,
    keep_alive: bool,
    held: Option<Held>,
) -> io::Result<bool> {
    let whole = || [answer.head(true, keep_alive), answer.body.clone()].concat();
    match fault {
        Some(Fault::ResetBeforeEffect | Fault::ResetAfterEffect | Fault::LateEffect { .. }) => {
            drop(held);
            stream.set_zero_linger()?;
        }
        Some(Fault::CutHeader { at }) => {
            drop(held);
            let head = answer.head(true, false);
            stream.write_all(&head[..at.min(head.len().saturating_sub(4))]).await?;
            stream.shutdown().await?;
        }
        Some(Fault::CutBody { at }) => {
            drop(held);
            let end = at.min(answer.body.len().saturating_sub(1));
            stream.write_all(&[answer.head(true, false), answer.body[..end].to_vec()].concat()).await?;
            stream.shutdown().await?;
        }
        Some(Fault::ResetBeforeClose) => {
            drop(held);
            stream.write_all(&[answer.head(false, false), answer.body.clone()].concat()).await?;
            // A reset overtakes bytes that the client has not read yet: let them arrive first.
            stream.flush().await?;
            tokio::task::yield_now().await;
            stream.set_zero_linger()?;
        }
        Some(Fault::Stall { .. }) => {
            gone(stream).await;
            drop(held);
        }
        Some(Fault::StallBody { at }) => {
            drop(held);
            let end = at.min(answer.body.len().saturating_sub(1));
            stream.write_all(&[answer.head(true, false), answer.body[..end].to_vec()].concat()).await?;
            gone(stream).await;
        }
        Some(Fault::Delay { millis }) => {
            let left = tokio::time::timeout(Duration::from_millis(millis), gone(stream)).await;
            drop(held);
            if left.is_err() {
                stream.write_all(&whole()).await?;
                return Ok(keep_alive);
            }
        }
        _ => {
            drop(held);
            stream.write_all(&whole()).await?;
            if !keep_alive {
                stream.shutdown().await?;
            }
            return Ok(keep_alive);
        }
    }
    Ok(false)
}

/// Ends when the client has closed its side or the connection broke. What it still sends is thrown away.
async fn gone(stream: &mut TcpStream) {
    let mut scrap = [0; 512];
    while let Ok(1..) = stream.read(&mut scrap).await {}
}
