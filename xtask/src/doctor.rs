//! `doctor`: tells whether this machine has what the tasks need, and how to get what is missing.

use std::process::Command;

use anyhow::{Result, bail};
use happening_stack::progress::say;
use happening_stack::project::{root, target};
use happening_stack::{Stack, http};

use crate::{packages, services};

/// Enough for Postgres, Keycloak and a compiler at once.
const MEMORY_MIB_MIN: u64 = 3 * 1024;
/// Enough for a target folder with debug builds of everything, the tools and the stacks.
const DISK_MIB_MIN: u64 = 12 * 1024;
/// How much of it a first start uses, in a target folder that is empty.
const BUILT_MIB: u64 = 10 * 1024;
const JAVA_MIN: u32 = 17;
/// The ports in docker/compose.yml.
const CONTAINER_PORTS: [u16; 6] = [5432, 6379, 5672, 15672, 8080, 5000];

/// The result of one check.
struct Finding {
    about: &'static str,
    state: State,
}

enum State {
    Good(String),
    /// The task can continue without it, or installs it later.
    Worth(String),
    /// The task cannot continue. The text says what to do.
    Missing(String),
}

impl Finding {
    fn is_missing(&self) -> bool {
        matches!(self.state, State::Missing(_))
    }

    fn line(&self) -> String {
        let (mark, text) = match &self.state {
            State::Good(text) => ("ok     ", text),
            State::Worth(text) => ("note   ", text),
            State::Missing(text) => ("MISSING", text),
        };
        format!("{mark} {}: {text}", self.about)
    }
}

/// Prints all findings.
///
/// # Errors
/// When something is missing.
pub(crate) fn doctor() -> Result<()> {
    let all = [toolchain(), vec![memory(), disk(), ports()?, system_packages()], programs()].concat_all();
    all.iter().for_each(|finding| say(&finding.line()));
    match all.iter().filter(|finding| finding.is_missing()).count() {
        0 => Ok(()),
        1 => bail!("one thing is missing; its line says what to do"),
        missing => bail!("{missing} things are missing; their lines say what to do"),
    }
}

/// Prints what is missing or worth knowing, or one line when all is well. Run before tasks that build. It does not look
/// at system packages, since such a task asks whether to install them.
///
/// # Errors
/// When something is missing.
pub(crate) fn before_building() -> Result<()> {
    let all = [toolchain(), vec![memory(), disk(), ports()?]].concat_all();
    for finding in all.iter().filter(|finding| !matches!(finding.state, State::Good(_))) {
        say(&finding.line());
    }
    if all.iter().any(Finding::is_missing) {
        bail!("something is missing on this machine; the lines above say what to do");
    }
    say("compiler, memory, disk and ports are well (cargo xtask doctor tells more)");
    Ok(())
}

trait ConcatAll {
    fn concat_all(self) -> Vec<Finding>;
}

impl<const N: usize> ConcatAll for [Vec<Finding>; N] {
    fn concat_all(self) -> Vec<Finding> {
        self.into_iter().flatten().collect()
    }
}

/// The version that a program prints: the first line with a digit.
fn version(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok().filter(|output| output.status.success())?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    said.lines().find(|line| line.contains(|c: char| c.is_ascii_digit())).map(|line| line.trim().to_owned())
}

fn toolchain() -> Vec<Finding> {
    let compiler = match version("cc", "--version") {
        Some(version) => State::Good(version),
        None => State::Missing("a C compiler is needed: apt-get install build-essential".to_owned()),
    };
    let cmake = match version("cmake", "--version") {
        Some(version) => State::Good(version),
        None => State::Missing("is needed to build the cryptography: apt-get install cmake".to_owned()),
    };
    vec![
        Finding { about: "Rust", state: rust() },
        Finding { about: "C compiler", state: compiler },
        Finding { about: "cmake", state: cmake },
    ]
}

/// Compares the compiler's version with the workspace's. Cargo itself would complain only when it comes to the first
/// package that needs a newer one.
fn rust() -> State {
    let needed = env!("CARGO_PKG_RUST_VERSION");
    match version("rustc", "--version") {
        Some(found) if number(&found) >= number(needed) => State::Good(found),
        Some(found) => State::Missing(format!("{found} is older than {needed}: rustup update")),
        None => State::Missing("rustc does not run: install Rust from https://rustup.rs".to_owned()),
    }
}

/// Major and minor version: the first two numbers of a text.
fn number(text: &str) -> (u32, u32) {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let mut next = || numbers.next().and_then(|part| part.parse().ok()).unwrap_or_default();
    (next(), next())
}

fn memory() -> Finding {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = text.lines().find_map(|line| line.strip_prefix("MemAvailable:")).map(number);
    let state = match available.map(|(kib, _)| u64::from(kib) / 1024) {
        None => State::Worth("this system does not tell how much is available".to_owned()),
        Some(mib) if mib < MEMORY_MIB_MIN => State::Worth(format!(
            "{mib} MiB are available, {MEMORY_MIB_MIN} are better: close other programs, or add swap"
        )),
        Some(mib) => State::Good(format!("{mib} MiB available")),
    };
    Finding { about: "memory", state }
}

fn disk() -> Finding {
    let folder = target();
    let built = folder.join("debug").exists();
    let existing = if folder.exists() { folder } else { root() };
    let output = Command::new("df").args(["-Pk"]).arg(&existing).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let free = text.lines().nth(1).and_then(|line| line.split_whitespace().nth(3)?.parse::<u64>().ok());
    let needed = if built { DISK_MIB_MIN - BUILT_MIB } else { DISK_MIB_MIN };
    let state = match free.map(|kib| kib / 1024) {
        None => State::Worth(format!("df does not tell how much is free at {}", existing.display())),
        Some(mib) if mib < needed => State::Missing(format!(
            "{mib} MiB are free at {}, {needed} are needed: make room, or set CARGO_TARGET_DIR to another disk",
            existing.display()
        )),
        Some(mib) => State::Good(format!("{mib} MiB free at {}", existing.display())),
    };
    Finding { about: "disk", state }
}

/// Checks the containers' ports, which are fixed. Private services choose free ports and keep them.
fn ports() -> Result<Finding> {
    if !packages::has_packages() {
        let taken: Vec<String> =
            CONTAINER_PORTS.iter().filter(|port| http::listens(**port)).map(u16::to_string).collect();
        let state = match taken.is_empty() {
            true => State::Good("those of the containers are free".to_owned()),
            false => State::Worth(format!(
                "{} are taken, which is right while the containers run; else end what has them, as docker/compose.yml names them",
                taken.join(", ")
            )),
        };
        return Ok(Finding { about: "ports", state });
    }
    let folder = target().join("stack");
    if !folder.join("ports").exists() {
        return Ok(Finding {
            about: "ports",
            state: State::Good("free ones are chosen at the first start".to_owned()),
        });
    }
    let stack = services::stack()?;
    let state = if stack.runs() {
        State::Good("the stack runs on its own".to_owned())
    } else {
        State::Good(format!("free; the server will listen on {}", stack.ports.backend))
    };
    Ok(Finding { about: "ports", state })
}

fn system_packages() -> Finding {
    let state = if packages::has_packages() {
        let groups =
            [packages::SERVICES, packages::SHELL, packages::VIRTUAL_DISPLAY, packages::EXAMPLES, packages::WEBDRIVER];
        let missing = packages::missing(&groups);
        if missing.is_empty() {
            State::Good("all that run and test need are installed".to_owned())
        } else {
            State::Worth(format!(
                "not all are installed; run and test ask before they do it. By hand: apt-get install --no-install-recommends {}",
                missing.join(" ")
            ))
        }
    } else {
        State::Worth(
            "this is no Debian or Ubuntu: the README says what must be installed, under \"What it needs\"".to_owned(),
        )
    };
    Finding { about: "system packages", state }
}

/// Programs that come with system packages, but may have been installed in another way.
fn programs() -> Vec<Finding> {
    let java = match version("java", "-version") {
        Some(found) if number(&found).0 >= JAVA_MIN => State::Good(found),
        Some(found) => State::Missing(format!(
            "{found} is older than {JAVA_MIN}, which Keycloak needs: apt-get install openjdk-17-jre-headless"
        )),
        None => State::Worth(format!("comes with the system packages (Keycloak needs {JAVA_MIN} or newer)")),
    };
    let postgres = match Stack::postgres_programs() {
        Ok(folder) => State::Good(folder.display().to_string()),
        Err(_) => State::Worth("comes with the system packages".to_owned()),
    };
    let docker = match version("docker", "info") {
        Some(_) => State::Good("an engine answers".to_owned()),
        None => State::Worth(
            "no engine answers; only --docker and systems other than Debian and Ubuntu need one".to_owned(),
        ),
    };
    vec![
        Finding { about: "Java", state: java },
        Finding { about: "Postgres", state: postgres },
        Finding { about: "Docker", state: docker },
    ]
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(number("rustc 1.95.0 (59807616e 2026-04-14)"), (1, 95));
        assert_eq!(number("openjdk version \"17.0.15\" 2025-04-15"), (17, 0));
        assert!(number("rustc 1.100.0") > number("1.95"));
        assert_eq!(number("none"), (0, 0));
    }
}
