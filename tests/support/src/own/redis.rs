//! A Redis that only one test uses.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use happening_stack::{Stack, ports, redis, run};
use tokio::net::TcpStream;

/// A Redis of one test; stopped when dropped.
pub struct OwnRedis {
    port: u16,
    folder: PathBuf,
    child: Child,
    tls: bool,
}

impl OwnRedis {
    /// Starts a Redis with its files in a folder of a stack.
    ///
    /// # Errors
    /// When Redis does not start.
    pub async fn start(stack: &Stack, name: &str) -> Result<Self> {
        Self::start_with(stack, name, false).await
    }

    /// Starts a Redis that accepts TLS connections only.
    ///
    /// # Errors
    /// When Redis does not start.
    pub async fn start_with_tls(stack: &Stack, name: &str) -> Result<Self> {
        Self::start_with(stack, name, true).await
    }

    async fn start_with(stack: &Stack, name: &str, tls: bool) -> Result<Self> {
        let port = ports::free_port()?;
        let folder = stack.folder.join(format!("redis-{name}"));
        std::fs::create_dir_all(&folder)?;
        if tls {
            make_certificate(&folder)?;
        }
        let child = spawn(port, &folder, tls)?;
        let redis = Self { port, folder, child, tls };
        redis.wait().await?;
        Ok(redis)
    }

    /// The address that clients connect to.
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", if self.tls { "rediss" } else { "redis" }, self.port)
    }

    /// The self-signed certificate that Redis presents over TLS.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    /// Kills Redis, as in a crash.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// Freezes Redis: connections stay open, and nothing answers.
    ///
    /// # Errors
    /// When Redis does not run.
    pub fn freeze(&self) -> Result<()> {
        self.signal("-STOP")
    }

    /// Lets a frozen Redis continue; it first handles the commands that arrived meanwhile.
    ///
    /// # Errors
    /// When Redis does not run.
    pub fn thaw(&self) -> Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result<()> {
        run(Command::new("kill").args([signal, &self.child.id().to_string()])).map(drop)
    }

    /// Starts Redis again on the same port, without its data.
    ///
    /// # Errors
    /// When Redis does not start.
    pub async fn start_again(&mut self) -> Result<()> {
        self.child = spawn(self.port, &self.folder, self.tls)?;
        self.wait().await
    }

    async fn wait(&self) -> Result<()> {
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("the test's Redis does not answer")
    }
}

fn make_certificate(folder: &Path) -> Result<()> {
    let names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-addext"];
    let mut openssl = Command::new("openssl");
    openssl
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"])
        .args(names)
        .arg("basicConstraints=critical,CA:FALSE");
    run(openssl.arg("-keyout").arg(folder.join("key.pem")).arg("-out").arg(folder.join("certificate.pem"))).map(drop)
}

fn spawn(port: u16, folder: &Path, tls: bool) -> Result<Child> {
    let mut command = Command::new("redis-server");
    command.args(redis::arguments(port));
    if tls {
        command.args(["--port", "0", "--tls-port", &port.to_string(), "--tls-auth-clients", "no"]);
        command.arg("--tls-cert-file").arg(folder.join("certificate.pem"));
        command.arg("--tls-ca-cert-file").arg(folder.join("certificate.pem"));
        command.arg("--tls-key-file").arg(folder.join("key.pem"));
    }
    command
        .arg("--dir")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .context("cannot start redis-server: is it installed?")
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        self.kill();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
