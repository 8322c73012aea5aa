//! A TCP proxy that can be cut: it closes its connections and refuses new ones until it is mended.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};

/// A proxy in front of a service.
#[derive(Clone)]
pub struct Proxy {
    pub port: u16,
    cut: Arc<AtomicBool>,
    cut_now: Arc<Notify>,
    /// Whether new connections are accepted and not read.
    holds: watch::Sender<bool>,
    held: Arc<AtomicUsize>,
    /// How long a new connection is left unread, in milliseconds.
    delay_ms: Arc<AtomicU64>,
}

impl Proxy {
    /// Listens on a free port and forwards connections to the port `target`.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start(target: u16) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let proxy = Self {
            port: listener.local_addr()?.port(),
            cut: Arc::default(),
            cut_now: Arc::default(),
            holds: watch::Sender::new(false),
            held: Arc::default(),
            delay_ms: Arc::default(),
        };
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
        let mut holds = self.holds.subscribe();
        if *holds.borrow() {
            self.held.fetch_add(1, Ordering::SeqCst);
        }
        if holds.wait_for(|holds| !holds).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(self.delay_ms.load(Ordering::SeqCst))).await;
        let Ok(mut server) = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], target))).await else { return };
        client.set_nodelay(true).ok();
        server.set_nodelay(true).ok();
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
            () = cut => {}
        }
    }

    /// With `true`, accepts new connections and forwards nothing, as a service that hangs does, and closes the
    /// connections that are open. With `false`, forwards the held connections and all new ones.
    pub fn hold(&self, holds: bool) {
        self.holds.send_replace(holds);
        if holds {
            self.cut_now.notify_waiters();
        }
    }

    /// Delays every new connection from now on, as a slow service does.
    pub fn slow(&self, delay: Duration) {
        self.delay_ms.store(u64::try_from(delay.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// How many connections were held.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    /// Closes all connections and refuses new ones.
    pub fn cut(&self) {
        self.cut.store(true, Ordering::SeqCst);
        self.cut_now.notify_waiters();
    }

    /// Accepts connections again.
    pub fn mend(&self) {
        self.cut.store(false, Ordering::SeqCst);
    }
}
