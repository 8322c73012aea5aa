//! The server's connections: how many may be open, how many from one address, and how long a connection may make no progress.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;
use tokio_util::sync::CancellationToken;
use tower_http::add_extension::AddExtension;

use crate::config::ServeConfig;
use crate::limits::{Peer, network};
use crate::metrics;

/// How long the head of a request may take. It is counted from the end of the previous request, so it also closes idle connections.
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How many connections each process keeps open at most.
const CONNECTIONS_MAX: usize = 16_384;
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);
/// The system's send buffer of a connection. Without this limit it grows to several megabytes when a client does not read its
/// answers.
const SEND_BUFFER_BYTES: u32 = 256 * 1024;
/// The longest head of a request, and the size of the write buffer.
const HTTP_BUFFER_BYTES: usize = 64 * 1024;
const BACKLOG: u32 = 1024;

/// The limits of connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConnectionLimits {
    /// How many connections an address may have open; `None` is unlimited.
    pub(crate) per_address_max: Option<u32>,
    /// How long a client may read nothing of an answer.
    pub(crate) write_timeout: Duration,
}

impl ConnectionLimits {
    /// Does not limit connections by address behind our own proxies, because all clients then share the proxies' addresses.
    pub(crate) fn of(serve: &ServeConfig) -> Self {
        let per_address_max = Some(serve.connections_per_address_max).filter(|max| *max > 0 && serve.proxies == 0);
        Self { per_address_max, write_timeout: Duration::from_millis(serve.write_timeout_ms) }
    }
}

/// The number of open connections by address.
#[derive(Clone, Default)]
struct Addresses(Arc<Mutex<HashMap<IpAddr, u32>>>);

/// One connection of an address. Dropping it subtracts the connection.
struct AddressPlace {
    of: Addresses,
    address: IpAddr,
}

impl Addresses {
    /// Counts one more connection. `None` when the address has its maximum.
    fn enter(&self, address: IpAddr, max: Option<u32>) -> Option<AddressPlace> {
        let address = network(address);
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if max.is_some_and(|max| *count >= max) {
            return None;
        }
        *count += 1;
        Some(AddressPlace { of: self.clone(), address })
    }
}

impl Drop for AddressPlace {
    fn drop(&mut self) {
        let mut open = self.of.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

/// Listens at an address.
///
/// # Errors
/// When the port is taken, or the address is not one of this machine.
pub(crate) fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.set_send_buffer_size(SEND_BUFFER_BYTES)?; // connections inherit it
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Accepts connections until `stop`, then waits for open requests to finish. `axum::serve` is not used, since it has no timeouts.
pub(crate) async fn accept(listener: TcpListener, router: &Router, limits: ConnectionLimits, stop: &CancellationToken) {
    let (places, addresses) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), Addresses::default());
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = async {
                // when all connections are in use, clients wait in the system's queue until one is closed
                let place = Arc::clone(&places).acquire_owned().await;
                listener.accept().await.map(|(stream, address)| (stream, address, place))
            } => accepted,
        };
        let Ok((stream, address, place)) = accepted else {
            // most likely the process has no file handles left: wait until some connections have ended
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Some(address_place) = addresses.enter(address.ip(), limits.per_address_max) else {
            metrics::connection_refused();
            continue; // closed without an answer, since the client might not read it
        };
        let watched = graceful.watch(serve(stream, address, router, limits));
        tokio::spawn(async move {
            drop(watched.await); // a client that goes away is not an error
            drop((place, address_place));
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_TIMEOUT, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections were cut");
    }
}

type Served = auto::Connection<
    'static,
    TokioIo<std::pin::Pin<Box<TimeoutStream<TcpStream>>>>,
    TowerToHyperService<AddExtension<Router, Peer>>,
    TokioExecutor,
>;

/// Serves HTTP/1 on a connection.
fn serve(stream: TcpStream, address: SocketAddr, router: &Router, limits: ConnectionLimits) -> Served {
    drop(stream.set_nodelay(true));
    // reading is limited by the timeouts of the head and of the request
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write_timeout));
    let service = TowerToHyperService::new(AddExtension::new(router.clone(), Peer(address.ip())));
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(HTTP_BUFFER_BYTES);
    builder.serve_connection(TokioIo::new(Box::pin(stream)), service).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closed_connections_are_subtracted() {
        let (addresses, one) = (Addresses::default(), IpAddr::from([10, 0, 0, 1]));
        let first = addresses.enter(one, Some(2));
        let second = addresses.enter(one, Some(2));
        assert!(first.is_some() && second.is_some());
        assert!(addresses.enter(one, Some(2)).is_none());
        assert!(addresses.enter(IpAddr::from([10, 0, 0, 2]), Some(2)).is_some());
        drop(first);
        assert!(addresses.enter(one, Some(2)).is_some());
        drop(second);
        assert!(addresses.0.lock().expect("no panic while held").is_empty(), "an unused address has an entry");
    }
}
