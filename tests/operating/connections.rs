//! Clients that use more than their share: they leave answers unread, or open many connections from one address.

use std::time::Duration;

use anyhow::Result;
use happening_tests::world::wait_for;
use happening_tests::{World, WorldOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// So many answers of about 100 kB that the buffers of both sides cannot hold them.
const REQUESTS: usize = 200;
const REQUEST: &[u8] = b"GET /openapi.json HTTP/1.1\r\nhost: test\r\n\r\n";

async fn world(env: &[(&'static str, &str)]) -> Result<World> {
    let env = env.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await
}

async fn connect(world: &World) -> Result<TcpStream> {
    Ok(TcpStream::connect(world.base(0).trim_start_matches("http://")).await?)
}

#[tokio::test]
async fn connections_with_unread_answers_are_closed() -> Result<()> {
    let world = world(&[("WRITE_TIMEOUT_MS", "500")]).await?;
    let mut stream = connect(&world).await?;
    stream.write_all(&REQUEST.repeat(REQUESTS)).await?;
    wait_for("the end of the connection", Duration::from_secs(15), || async {
        match stream.try_write(REQUEST) {
            Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => Ok(Some(())),
            _ => Ok(None),
        }
    })
    .await?;
    // a client that reads its answers is served, however many there are
    let mut stream = connect(&world).await?;
    let last = b"GET /health/live HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
    stream.write_all(&[REQUEST.repeat(20), last.to_vec()].concat()).await?;
    let mut answers = Vec::new();
    stream.read_to_end(&mut answers).await?;
    assert_eq!(String::from_utf8_lossy(&answers).matches("HTTP/1.1 200 OK").count(), 21);
    Ok(())
}

#[tokio::test]
async fn connections_per_address_are_limited() -> Result<()> {
    let world = world(&[("CONNECTIONS_PER_ADDRESS_MAX", "8")]).await?;
    let mut open = Vec::new();
    // the connections that checked whether the server runs may still be closing
    wait_for("eight connections", Duration::from_secs(15), || async {
        let mut streams = Vec::new();
        for _ in 0..8 {
            let mut stream = connect(&world).await?;
            if answers(&mut stream).await? {
                streams.push(stream);
            }
        }
        Ok((streams.len() == 8).then_some(streams))
    })
    .await
    .map(|streams| open = streams)?;
    assert!(!answers(&mut connect(&world).await?).await?, "a ninth connection was served");
    assert!(answers(&mut open[0]).await?, "a connection within the limit was not served");
    open.pop();
    wait_for("a free connection", Duration::from_secs(15), || async {
        Ok(answers(&mut connect(&world).await?).await?.then_some(()))
    })
    .await
}

/// Sends a request on this connection. Returns whether the server answers it; false when the server closes the
/// connection.
async fn answers(stream: &mut TcpStream) -> Result<bool> {
    let mut start = [0; 12];
    if stream.write_all(b"GET /health/live HTTP/1.1\r\nhost: test\r\n\r\n").await.is_err() {
        return Ok(false);
    }
    let answered = stream.read_exact(&mut start).await.is_ok() && start.starts_with(b"HTTP/1.1 200");
    if answered {
        // read the rest, so that the next answer begins at the start of a read
        let mut rest = vec![0; 4096];
        let _bytes = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut rest)).await??;
    }
    Ok(answered)
}
