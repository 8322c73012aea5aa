//! System packages: which are missing, and installing them after saying what and asking.

use std::io::{IsTerminal, Write};
use std::process::Command;

use anyhow::{Result, bail};

use crate::{say, step};

/// What the services need.
pub(crate) const SERVICES: &[&str] =
    &["postgresql", "redis-server", "rabbitmq-server", "openjdk-17-jre-headless|default-jre-headless", "maven"];
/// What building the app's shell needs.
pub(crate) const SHELL: &[&str] = &[
    "libwebkit2gtk-4.1-dev",
    "libxdo-dev",
    "libssl-dev",
    "libayatana-appindicator3-dev",
    "librsvg2-dev",
    "build-essential",
    "pkg-config",
    "xdg-utils",
    "desktop-file-utils",
];
/// What driving the app without a screen needs.
pub(crate) const VIRTUAL_DISPLAY: &[&str] = &["xvfb", "dbus-x11", "imagemagick"];
/// What the tests of the API need: the guide's examples, and Schemathesis.
pub(crate) const EXAMPLES: &[&str] = &["curl", "jq", "python3-venv"];
/// What the tests of the app need.
pub(crate) const WEBDRIVER: &[&str] =
    &["webkit2gtk-driver", "gnome-keyring", "libglib2.0-bin", "xdotool", "dunst", "locales", "faketime", "npm"];

/// Whether the system's packages are Debian's.
pub(crate) fn has_packages() -> bool {
    Command::new("dpkg-query").arg("--version").output().is_ok()
}

/// Makes sure that packages are installed. `a|b`: one of them is enough, `a` is installed.
///
/// # Errors
/// When some are missing and may not be, or cannot be, installed.
pub(crate) fn ensure(ask: bool, groups: &[&[&str]]) -> Result<()> {
    if !has_packages() {
        say("this is no Debian or Ubuntu: what the README lists under \"What it needs\" must be installed already");
        return Ok(());
    }
    let missing: Vec<&str> =
        groups.iter().flat_map(|group| group.iter()).filter(|name| !is_there(name)).map(|name| first(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    step(&format!("These system packages are missing: {}", missing.join(" ")));
    if ask && !agreed("Install them with apt-get?")? {
        bail!("nothing was installed; install these packages yourself, or run this again and agree");
    }
    let apt = |arguments: &[&str]| -> Result<()> {
        let mut command = if is_root() { Command::new("apt-get") } else { Command::new("sudo") };
        if !is_root() {
            command.arg("apt-get");
        }
        let status = command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").status()?;
        if !status.success() {
            bail!("apt-get {} failed; is there a network, and may you install packages?", arguments.join(" "));
        }
        Ok(())
    };
    apt(&["update", "-qq"])?;
    let mut install = vec!["install", "-y", "-qq", "--no-install-recommends"];
    install.extend(&missing);
    apt(&install)
}

fn first(name: &str) -> &str {
    name.split('|').next().unwrap_or(name)
}

fn is_there(name: &str) -> bool {
    // a Java or Maven that did not come from a package is as good
    let program = match first(name) {
        "maven" => Some("mvn"),
        "npm" => Some("npm"),
        java if java.starts_with("openjdk") => Some("java"),
        _ => None,
    };
    if program.is_some_and(|program| {
        Command::new(program)
            .arg(if program == "npm" { "--version" } else { "-version" })
            .output()
            .is_ok_and(|out| out.status.success())
    }) {
        return true;
    }
    name.split('|').any(|one| {
        Command::new("dpkg-query")
            .args(["-W", "-f=${Status}", one])
            .output()
            .is_ok_and(|out| String::from_utf8_lossy(&out.stdout).contains("ok installed"))
    })
}

/// Whether the person at the terminal says yes.
///
/// # Errors
/// When the terminal cannot be read.
pub(crate) fn agreed(question: &str) -> Result<bool> {
    if !std::io::stdin().is_terminal() {
        say(&format!("{question} Nobody can be asked here; --yes agrees"));
        return Ok(false);
    }
    eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}
