//! A TCP proxy that can be cut: open connections end, new ones are refused, until it is mended.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A proxy in front of a service.
#[derive(Clone)]
pub struct Proxy {
    pub port: u16,
    cut: Arc<AtomicBool>,
    cut_now: Arc<Notify>,
}

impl Proxy {
    /// Listens on a free port and passes on to `target`.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start(target: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let proxy = Self { port: listener.local_addr()?.port(), cut: Arc::default(), cut_now: Arc::default() };
        let own = proxy.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if own.cut.load(Ordering::SeqCst) {
                    drop(client);
                    continue;
                }
                let own = own.clone();
                tokio::spawn(async move { own.pass(client, target).await });
            }
        });
        Ok(proxy)
    }

    async fn pass(&self, mut client: TcpStream, target: u16) {
        let cut = self.cut_now.notified();
        let Ok(mut server) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], target))).await else { return };
        client.set_nodelay(true).ok();
        server.set_nodelay(true).ok();
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
            () = cut => {}
        }
    }

    /// Ends all connections and lets no new ones in.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.cut_now.notify_waiters();
    }

    /// Lets connections in again.
    pub fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}
