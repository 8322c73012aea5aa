//! A collector of traces: receives OTLP over HTTP as JSON and keeps every span.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The collector; it receives traces until the test's runtime ends.
pub struct Collector {
    pub url: String,
    spans: Arc<Mutex<Vec<Value>>>,
}

impl Collector {
    /// Listens on a free port.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let spans = Arc::<Mutex<Vec<Value>>>::default();
        let taken = Arc::clone(&spans);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let taken = Arc::clone(&taken);
                tokio::spawn(async move { take(stream, &taken).await });
            }
        });
        Ok(Self { url, spans })
    }

    /// The spans of a trace, by its id in hexadecimal digits.
    pub fn trace(&self, id: &str) -> Vec<Value> {
        self.all().into_iter().filter(|span| span["traceId"] == id).collect()
    }

    /// All spans of all traces.
    pub fn all(&self) -> Vec<Value> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// An attribute of a span, as text.
pub fn attribute(span: &Value, name: &str) -> Option<String> {
    let one = span["attributes"].as_array()?.iter().find(|one| one["key"] == name)?;
    let value = one["value"].as_object()?.values().next()?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

async fn take(stream: TcpStream, spans: &Mutex<Vec<Value>>) -> Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut length = None;
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = Some(value.trim().parse::<usize>()?);
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length.context("a body without length")?];
        stream.read_exact(&mut body).await?;
        keep(&serde_json::from_slice(&body)?, spans);
        let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        stream.get_mut().write_all(answer.as_bytes()).await?;
    }
}

fn keep(request: &Value, spans: &Mutex<Vec<Value>>) {
    let list = |value: &Value, name: &str| value[name].as_array().cloned().unwrap_or_default();
    let mut kept = spans.lock().unwrap_or_else(PoisonError::into_inner);
    for resource in list(request, "resourceSpans") {
        for scope in list(&resource, "scopeSpans") {
            kept.extend(list(&scope, "spans"));
        }
    }
}
