//! Rules for the network: which addresses the app may use, and how many bytes of an answer it reads.

use url::{Host, Url};

/// Whether the app may use an address: https, or plain http on this machine, where no one can intercept it.
pub(crate) fn is_allowed(url: &Url) -> bool {
    match url.scheme() {
        "https" => true,
        "http" => match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        },
        _ => false,
    }
}

/// Why an answer could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("{0}")]
    Broken(reqwest::Error),
}

/// Reads an answer to its end; an answer of more than `bytes_max` is an error, so that a server cannot exhaust the
/// memory.
pub(crate) async fn read(mut answer: reqwest::Response, bytes_max: usize) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| ReadError::Broken(error.without_url()))? {
        if bytes.len() + chunk.len() > bytes_max {
            return Err(ReadError::TooLarge(bytes_max));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;

    #[test]
    fn only_https_and_this_machine_are_allowed() {
        let allowed = |text: &str| Url::parse(text).is_ok_and(|url| is_allowed(&url));
        for good in ["https://happening.example/a", "http://127.0.0.1:5000", "http://localhost:1/b", "http://[::1]:2"] {
            assert!(allowed(good), "{good}");
        }
        for bad in ["http://happening.example", "http://localhost.example", "ftp://localhost/", "file:///etc/passwd"] {
            assert!(!allowed(bad), "{bad}");
        }
    }

    /// Starts a server that answers one request with a head, and then sends bytes as long as the client reads.
    fn endless() -> std::io::Result<u16> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept()?;
            let _head = stream.read(&mut [0; 1024])?;
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")?;
            while stream.write_all(&[b'x'; 4096]).is_ok() {}
            std::io::Result::Ok(())
        });
        Ok(port)
    }

    #[tokio::test]
    async fn reading_stops_at_the_size_limit() -> anyhow::Result<()> {
        let answer = reqwest::get(format!("http://127.0.0.1:{}", endless()?)).await?;
        assert!(matches!(read(answer, 100_000).await, Err(ReadError::TooLarge(100_000))));
        Ok(())
    }
}
