//! For tests: a server on the loopback address whose answers the test decides.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener};

/// Starts a server that answers every GET with the JSON that `answer` returns for the server's address and the path; an
/// empty text becomes a 404. The server runs until the process ends. Returns its address.
pub(crate) fn start(answer: impl Fn(&str, &str) -> String + Send + Sync + 'static) -> std::io::Result<String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let base = format!("http://{}", listener.local_addr()?);
    let own = base.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream);
            let mut first = String::new();
            let mut line = String::new();
            lines.read_line(&mut first).ok();
            while lines.read_line(&mut line).is_ok_and(|bytes| bytes > 2) {
                line.clear();
            }
            let body = answer(&own, first.split(' ').nth(1).unwrap_or_default());
            let status = if body.is_empty() { "404 Not Found" } else { "200 OK" };
            let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\nconnection: close\r\n");
            (&stream).write_all(format!("{head}content-length: {}\r\n\r\n{body}", body.len()).as_bytes()).ok();
        }
    });
    Ok(base)
}

/// The answer of a Happening server's `GET /` when its sign-in service is at the same address.
pub(crate) fn about(base: &str) -> String {
    let sign_in = serde_json::json!({ "issuer": format!("{base}/realm"), "client_id": "app" });
    serde_json::json!({ "name": "happening", "version": "1.0.0", "sign_in": sign_in }).to_string()
}

/// The OpenID configuration of a sign-in service whose sign-in page is at `page`.
pub(crate) fn description(base: &str, page: &str) -> String {
    serde_json::json!({
        "issuer": format!("{base}/realm"),
        "authorization_endpoint": page,
        "token_endpoint": format!("{base}/realm/token"),
        "jwks_uri": format!("{base}/realm/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
    .to_string()
}
