//! Finds missing system packages, and installs them after asking.

use std::io::{IsTerminal, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use happening_stack::progress::say;
use happening_stack::project;

/// The packages that the services need.
pub(crate) const SERVICES: &[&str] =
    &["postgresql", "redis-server", "rabbitmq-server", "openjdk-17-jre-headless|default-jre-headless", "maven"];
/// The packages that building the app's shell needs.
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
/// The packages that driving the app without a screen needs.
pub(crate) const VIRTUAL_DISPLAY: &[&str] = &["xvfb", "dbus-x11", "imagemagick"];
/// The packages that the tests of the API need: for the guide's examples, and for Schemathesis.
pub(crate) const EXAMPLES: &[&str] = &["curl", "jq", "python3-venv"];
/// The packages that the tests of the app need.
pub(crate) const WEBDRIVER: &[&str] =
    &["webkit2gtk-driver", "gnome-keyring", "libglib2.0-bin", "xdotool", "dunst", "locales", "faketime", "npm"];

/// Whether this system uses Debian's packages.
pub(crate) fn has_packages() -> bool {
    Command::new("dpkg-query").arg("--version").output().is_ok()
}

/// Installs the packages that are missing. `a|b` means that one of them is enough; if both are missing, `a` is
/// installed.
///
/// # Errors
/// When the person refuses, or the installation fails.
pub(crate) fn ensure(ask: bool, groups: &[&[&'static str]]) -> Result<()> {
    agree(ask, groups)?.install()
}

/// Missing packages that the person agreed to install.
pub(crate) struct Agreed(Vec<&'static str>);

/// Names the missing packages and asks whether to install them.
///
/// # Errors
/// When the person refuses.
pub(crate) fn agree(ask: bool, groups: &[&[&'static str]]) -> Result<Agreed> {
    if !has_packages() {
        say("this is no Debian or Ubuntu: what the README lists under \"What it needs\" must be installed already");
        return Ok(Agreed(Vec::new()));
    }
    let missing = missing(groups);
    if !missing.is_empty() {
        say(&format!("these system packages are missing: {}", missing.join(" ")));
        if ask && !agreed("Install them with apt-get?")? {
            bail!("nothing was installed; install these packages yourself, or run this again and agree");
        }
    }
    Ok(Agreed(missing))
}

impl Agreed {
    /// Installs the packages.
    ///
    /// # Errors
    /// When apt-get fails.
    pub(crate) fn install(&self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { install(&self.0) }
    }
}

fn install(missing: &[&'static str]) -> Result<()> {
    let log = project::log_file("apt-get")?;
    say(&format!("installing {} packages with apt-get; its output goes to {}", missing.len(), log.display()));
    let output = std::fs::File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
    let apt = |arguments: &[&str]| -> Result<()> {
        let mut command = if is_root() { Command::new("apt-get") } else { Command::new("sudo") };
        if !is_root() {
            command.arg("apt-get"); // sudo itself asks for the password on the terminal
        }
        command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
        let status = command.stdout(output.try_clone()?).stderr(output.try_clone()?).stdin(Stdio::null()).status()?;
        if !status.success() {
            bail!(
                "apt-get {} failed: see {}; is there a network, and may you install packages?",
                arguments[0],
                log.display()
            );
        }
        Ok(())
    };
    apt(&["update"])?;
    let mut install = vec!["install", "-y", "--no-install-recommends"];
    install.extend(missing);
    apt(&install)
}

/// The packages that are not installed; of `a|b` it names `a`.
pub(crate) fn missing(groups: &[&[&'static str]]) -> Vec<&'static str> {
    groups.iter().flat_map(|group| group.iter()).filter(|name| !is_there(name)).map(|name| first(name)).collect()
}

fn first(name: &'static str) -> &'static str {
    name.split('|').next().unwrap_or(name)
}

fn is_there(name: &'static str) -> bool {
    // these programs may have been installed without a package
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

/// Asks the person at the terminal. Answers whether the person agrees.
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

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}
