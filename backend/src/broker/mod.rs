//! RabbitMQ: topology, publishing, consuming. Our own loops supervise the connections: after any error they close everything, and
//! connect again after a pause.

mod consumer;
mod publisher;
mod topology;

pub(crate) use consumer::{Consumer, Fate, Handler};
pub(crate) use publisher::Publisher;
pub(crate) use topology::{DEAD_LETTERS, NOTIFICATIONS};

use std::time::Duration;

use lapin::{Connection, ConnectionProperties};
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens a connection, without the client's own recovery.
pub(crate) async fn connect(url: &Url) -> anyhow::Result<Connection> {
    let properties = ConnectionProperties::default().with_connection_name("happening".into());
    Ok(tokio::time::timeout(CONNECT_TIMEOUT, Connection::connect(url.as_str(), properties)).await??)
}
