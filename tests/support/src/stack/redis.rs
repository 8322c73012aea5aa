//! Redis, with an append-only file and without eviction.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpStream;

use super::process::{Service, run};
use super::{Say, Stack};

/// Starts it.
pub(super) async fn start(stack: &Stack, say: Say<'_>) -> Result<()> {
    let folder = stack.folder.join("redis");
    std::fs::create_dir_all(&folder)?;
    let (pid_file, log_file) = (stack.pid_file("redis"), stack.log_file("redis"));
    let service = Service { name: "Redis", pid_file: &pid_file, log_file: &log_file };
    if service.start(Command::new("redis-server").args(arguments(stack.ports.redis)).arg("--dir").arg(&folder))? {
        say("starting Redis");
    }
    let port = stack.ports.redis;
    service
        .wait_until(Duration::from_secs(20), || async move { TcpStream::connect(("127.0.0.1", port)).await.is_ok() })
        .await
}

fn arguments(port: u16) -> Vec<String> {
    let port = port.to_string();
    ["--port", &port, "--bind", "127.0.0.1", "--appendonly", "yes", "--maxmemory-policy", "noeviction", "--save", ""]
        .map(str::to_owned)
        .to_vec()
}

/// A Redis of one test.
pub struct ExtraRedis {
    port: u16,
    folder: PathBuf,
    child: Child,
    tls: bool,
}

impl ExtraRedis {
    pub(super) async fn start(stack: &Stack, name: &str, tls: bool) -> Result<Self> {
        let port = crate::ports::free_port()?;
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

    /// Its address.
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", if self.tls { "rediss" } else { "redis" }, self.port)
    }

    /// The certificate that it shows when it speaks TLS, signed by itself.
    pub fn certificate(&self) -> PathBuf {
        self.folder.join("certificate.pem")
    }

    /// Ends it at once, as a crash does.
    pub fn kill(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }

    /// It stands still: connections stay open, and nothing answers.
    ///
    /// # Errors
    /// When it does not run.
    pub fn freeze(&self) -> Result<()> {
        self.signal("-STOP")
    }

    /// It goes on, beginning with what it was asked meanwhile.
    ///
    /// # Errors
    /// When it does not run.
    pub fn thaw(&self) -> Result<()> {
        self.signal("-CONT")
    }

    fn signal(&self, signal: &str) -> Result<()> {
        run(Command::new("kill").args([signal, &self.child.id().to_string()])).map(drop)
    }

    /// Starts it again on the same port, with what its file kept or, when `empty`, with nothing.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start_again(&mut self, empty: bool) -> Result<()> {
        if empty {
            std::fs::remove_dir_all(self.folder.join("appendonlydir")).ok();
        }
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
    command.args(arguments(port));
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

impl Drop for ExtraRedis {
    fn drop(&mut self) {
        self.kill();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
