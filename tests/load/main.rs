//! The crowd of `cargo xtask bench drop`: connections that post requests as fast as the server answers.
//!
//! It writes HTTP/1.1 by hand, to take little processor time from the server that it measures on the same machine.

#![expect(clippy::disallowed_methods, reason = "every request has a key of its own")]

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

#[derive(Default)]
struct Counts {
    done: AtomicU64,
    other: AtomicU64,
    /// The first answer other than 200 and 201, with its headers.
    refusal: OnceLock<String>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [port, connections, seconds, file] = &arguments[..] else {
        bail!("usage: drop-load PORT CONNECTIONS SECONDS FILE");
    };
    let port: u16 = port.parse()?;
    let requests = std::fs::read_to_string(file)?.lines().map(Request::parse).collect::<Option<Vec<_>>>();
    let requests = Arc::new(requests.context("a line of the file is no request")?);
    let counts = Arc::new(Counts::default());
    let started = Instant::now();
    let seconds: u64 = seconds.parse()?;
    let end = (seconds > 0).then(|| started + Duration::from_secs(seconds));
    let mut connections: usize = connections.parse()?;
    if end.is_none() {
        // with more connections than requests, some requests would be made twice
        connections = connections.min(requests.len());
    }
    let crowd: Vec<_> = (0..connections)
        .map(|n| {
            let (requests, counts) = (Arc::clone(&requests), Arc::clone(&counts));
            tokio::spawn(async move {
                let mut mine = requests.iter().skip(n % requests.len()).step_by(connections);
                match end {
                    None => post(port, &mut mine, None, &counts).await,
                    Some(_) => post(port, &mut mine.cycle(), end, &counts).await,
                }
            })
        })
        .collect();
    let mut broken = 0;
    for one in crowd {
        broken += u32::from(one.await?.is_err());
    }
    let elapsed_s = started.elapsed().as_secs_f64();
    let done = counts.done.load(Ordering::Relaxed);
    let other = counts.other.load(Ordering::Relaxed);
    let per_s = done as f64 / elapsed_s;
    println!(
        "{}",
        serde_json::json!({ "done": done, "other": other, "broken": broken, "elapsed_s": elapsed_s, "per_s": per_s,
            "first_refusal": counts.refusal.get() })
    );
    Ok(())
}

struct Request {
    path: String,
    token: String,
    body: String,
}

impl Request {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(3, ' ').map(str::to_owned);
        Some(Self { path: words.next()?, token: words.next()?, body: words.next()? })
    }
}

async fn post(
    port: u16,
    requests: &mut (dyn Iterator<Item = &Request> + Send),
    end: Option<Instant>,
    counts: &Counts,
) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let mut answer = vec![0u8; 8 * 1024];
    for Request { path, token, body } in requests {
        if end.is_some_and(|end| Instant::now() >= end) {
            break;
        }
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
            idempotency-key: {}\r\ncontent-length: {}\r\n\r\n{body}",
            Uuid::now_v7().simple(),
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let (status, length) = read_answer(&mut stream, &mut answer).await?;
        if matches!(status, 200 | 201) {
            counts.done.fetch_add(1, Ordering::Relaxed);
        } else {
            counts.other.fetch_add(1, Ordering::Relaxed);
            counts.refusal.get_or_init(|| String::from_utf8_lossy(&answer[..length]).into_owned());
        }
    }
    Ok(())
}

/// Reads one whole answer. Answers its status and its number of bytes.
async fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> Result<(u16, usize)> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..]).await?;
        if read == 0 {
            bail!("the server closed the connection");
        }
        filled += read;
        let Some(head_end) = buffer[..filled].windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..head_end])?;
        let length: usize = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length:").map(|value| value.trim().to_owned())
            })
            .context("an answer without length")?
            .parse()?;
        if filled >= head_end + 4 + length {
            return Ok((head.get(9..12).context("a status line")?.parse()?, head_end + 4 + length));
        }
    }
}
