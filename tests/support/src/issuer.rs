//! An issuer of tokens whose private key the test has. It signs tokens that a real sign-in service would never issue,
//! for as many people as a test needs.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use happening_stack::run;

const KEY_ID: &str = "test-key";

/// The issuer; it publishes its keys until the test's runtime ends.
pub struct Issuer {
    pub url: String,
    key: EncodingKey,
    /// PEM of the public key; any client can derive it from the published keys.
    pub public_key: Vec<u8>,
    /// A key that was not published.
    pub other_key: EncodingKey,
}

impl Issuer {
    /// Generates a key and publishes its public half.
    ///
    /// # Errors
    /// When `openssl` is missing.
    pub async fn start(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)?;
        let (private, public) = (folder.join("private.pem"), folder.join("public.pem"));
        run(Command::new("openssl").args(["genrsa", "-out"]).arg(&private).arg("2048"))?;
        run(Command::new("openssl").args(["rsa", "-pubout", "-in"]).arg(&private).arg("-out").arg(&public))?;
        let modulus = run(Command::new("openssl").args(["rsa", "-noout", "-modulus", "-in"]).arg(&private))?;
        let modulus = modulus.trim().strip_prefix("Modulus=").context("a modulus")?;
        let bytes: Vec<u8> = (0..modulus.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&modulus[at..at + 2], 16))
            .collect::<Result<_, _>>()?;
        let keys = json!({ "keys": [{ "kid": KEY_ID, "kty": "RSA", "alg": "RS256", "use": "sig", "e": "AQAB",
            "n": URL_SAFE_NO_PAD.encode(bytes) }] });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        tokio::spawn(serve(listener, keys.to_string()));
        let key = EncodingKey::from_rsa_pem(&std::fs::read(&private)?)?;
        run(Command::new("openssl").args(["genrsa", "-out"]).arg(folder.join("other.pem")).arg("2048"))?;
        let other_key = EncodingKey::from_rsa_pem(&std::fs::read(folder.join("other.pem"))?)?;
        Ok(Self { url, key, public_key: std::fs::read(&public)?, other_key })
    }

    /// The claims of a valid access token.
    pub fn claims(&self, name: &str) -> Value {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        json!({ "iss": self.url, "aud": "happening-api", "azp": "happening-desktop", "typ": "Bearer", "sub": name,
            "iat": now, "auth_time": now, "exp": now + 300, "name": name, "email": format!("{name}@happening.invalid"), "email_verified": true })
    }

    /// A token with these claims, signed with the published key.
    ///
    /// # Errors
    /// When signing fails.
    pub fn sign(&self, claims: &Value) -> Result<String> {
        self.sign_with(Algorithm::RS256, claims, &self.key)
    }

    /// A token whose header names the published key, signed with any algorithm and key.
    ///
    /// # Errors
    /// When the key does not fit the algorithm.
    pub fn sign_with(&self, algorithm: Algorithm, claims: &Value, key: &EncodingKey) -> Result<String> {
        let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(algorithm) };
        Ok(jsonwebtoken::encode(&header, claims, key)?)
    }
}

async fn serve(listener: TcpListener, keys: String) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{keys}",
            keys.len()
        );
        tokio::spawn(async move {
            let mut request = [0u8; 4096];
            if stream.read(&mut request).await.is_ok() {
                stream.write_all(answer.as_bytes()).await.ok();
            }
        });
    }
}
