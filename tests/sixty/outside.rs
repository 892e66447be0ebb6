//! The world outside, on a thread of its own: it lives on when the daemon dies.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use mallsync::sim::{Server, World};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The simulator that answers calls until it is dropped.
pub struct Outside {
    pub addr: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Outside {
    pub fn of(world: &Arc<World>) -> Self {
        let (tell, told) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let world = Arc::clone(world);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
                let server = Server::start(listener, world).unwrap();
                tell.send(server.addr()).unwrap();
                // Either way the house is gone.
                drop(stopped.await);
                server.stop().await;
            });
        });
        Self { addr: told.recv().unwrap(), stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
