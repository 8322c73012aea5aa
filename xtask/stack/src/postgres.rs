//! Starts and stops Postgres. Postgres refuses to run as root. When the task is root, Postgres runs as the system's
//! user `postgres`, in a folder which that user can reach.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{alive, pid_of, run};
use crate::{Say, Stack};

/// Starts Postgres with the database `happening`.
///
/// # Errors
/// When Postgres is not installed or does not start.
pub fn start(stack: &Stack, say: Say<'_>) -> Result<()> {
    let bin = bin_folder()?;
    let folder = folder(stack)?;
    let data = folder.join("data");
    if !data.join("PG_VERSION").exists() {
        run(as_postgres(&bin.join("initdb")).arg("-D").arg(&data).args([
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--no-locale",
        ]))?;
    }
    if run(as_postgres(&bin.join("pg_ctl")).arg("-D").arg(&data).arg("status")).is_err() {
        say("starting Postgres");
        std::fs::remove_file(data.join("postmaster.pid")).ok();
        let options = format!(
            // no socket: its path may have at most 107 bytes, and a checkout can be nested deeper
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=300 -c shared_buffers=512MB -c max_wal_size=2GB",
            stack.ports.postgres
        );
        run(as_postgres(&bin.join("pg_ctl"))
            .arg("-D")
            .arg(&data)
            .args(["-o", &options, "-w", "-t", "60", "-l"])
            .arg(folder.join("postgres.log"))
            .arg("start")
            .stdout(std::process::Stdio::null()))
        .context("Postgres does not start")?;
    }
    let port = stack.ports.postgres.to_string();
    let psql = |sql: &str| {
        run(Command::new(bin.join("psql")).args(["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-tAc", sql]))
    };
    if psql("select 1 from pg_database where datname = 'happening'")?.trim().is_empty() {
        psql("create database happening")?;
    }
    Ok(())
}

/// Stops Postgres.
///
/// # Errors
/// When Postgres does not stop.
pub fn stop(stack: &Stack, say: Say<'_>) -> Result<()> {
    let (bin, data) = (bin_folder()?, folder(stack)?.join("data"));
    if data.exists() && run(as_postgres(&bin.join("pg_ctl")).arg("-D").arg(&data).arg("status")).is_ok() {
        say("stopping Postgres");
        run(as_postgres(&bin.join("pg_ctl")).arg("-D").arg(&data).args(["-m", "fast", "-w", "stop"]))?;
    }
    Ok(())
}

/// Stops Postgres at once, without ending its sessions properly, and removes its data.
///
/// # Errors
/// When Postgres does not run.
pub fn stop_at_once(stack: &Stack) -> Result<()> {
    let (bin, folder) = (bin_folder()?, folder(stack)?);
    run(as_postgres(&bin.join("pg_ctl")).arg("-D").arg(folder.join("data")).args(["-m", "immediate", "-w", "stop"]))?;
    Ok(std::fs::remove_dir_all(folder)?)
}

/// The file that the server logs to.
///
/// # Errors
/// When its folder cannot be found.
pub fn log_file(stack: &Stack) -> Result<PathBuf> {
    Ok(folder(stack)?.join("postgres.log"))
}

/// Process id of the server.
///
/// # Errors
/// When its folder cannot be found.
pub fn pid(stack: &Stack) -> Result<Option<u32>> {
    Ok(pid_of(&folder(stack)?.join("data/postmaster.pid")))
}

/// Whether the Postgres of a stack's folder runs. Its own folder may be outside of the stack's, see [`folder`].
pub fn runs(stack_folder: &Path, port: u16) -> bool {
    [stack_folder.join("postgres"), outside(port)].iter().any(|folder| alive(&folder.join("data/postmaster.pid")))
}

fn outside(port: u16) -> PathBuf {
    PathBuf::from(format!("/var/tmp/happening-{port}"))
}

/// The folder with the programs of the newest installed version.
///
/// # Errors
/// When Postgres is not installed.
pub fn bin_folder() -> Result<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            Some((version, path.join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop().map(|(_, bin)| bin).context("Postgres is not installed: install the package `postgresql`")
}

fn root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn as_postgres(program: &Path) -> Command {
    if root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program).current_dir("/");
        command
    } else {
        Command::new(program)
    }
}

/// Postgres' folder: inside the stack's folder or, when the task is root, where the user `postgres` can reach it.
fn folder(stack: &Stack) -> Result<PathBuf> {
    let inside = stack.folder.join("postgres");
    if !root() {
        std::fs::create_dir_all(&inside)?;
        return Ok(inside);
    }
    let reachable =
        run(Command::new("runuser").args(["-u", "postgres", "--", "test", "-x"]).arg(&stack.folder)).is_ok();
    let folder = if reachable { inside } else { outside(stack.ports.postgres) };
    std::fs::create_dir_all(&folder)?;
    run(Command::new("chown").arg("postgres").arg(&folder))?;
    Ok(folder)
}
