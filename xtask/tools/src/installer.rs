//! `try-installer DEB`: installs the package in a clean Debian and uses it as a person would: starts the app from its
//! desktop entry, and opens a link.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use happening_stack::progress::{say, step};
use happening_stack::project::target;
use happening_stack::run;
use happening_tests::world::wait_for;

/// Devices that programs expect. They are mounted one by one, not as the folder `/dev`, so that deleting the clean
/// Debian can never delete this machine's devices.
const DEVICES: [&str; 4] = ["null", "zero", "random", "urandom"];

/// A clean Debian in a folder, with mounts from this machine.
struct Clean {
    folder: PathBuf,
    screen: Child,
    session: Option<Child>,
    display: String,
}

impl Drop for Clean {
    fn drop(&mut self) {
        for child in self.session.iter_mut().chain([&mut self.screen]) {
            run(Command::new("pkill").args(["-KILL", "-P", &child.id().to_string()])).ok();
            child.kill().ok();
            child.wait().ok();
        }
        // processes that still run inside keep the mounts busy
        run(Command::new("sh")
            .args([
                "-c",
                "for p in /proc/[0-9]*; do [ \"$(readlink $p/root)\" = \"$0\" ] && kill -9 ${p#/proc/}; done; true",
            ])
            .arg(&self.folder))
        .ok();
        let devices = DEVICES.map(|node| format!("dev/{node}"));
        for mount in ["tmp/.X11-unix", "dev/shm", "proc"].into_iter().chain(devices.iter().map(String::as_str)) {
            run(Command::new("umount").arg("-l").arg(self.folder.join(mount))).ok();
        }
    }
}

impl Clean {
    fn command(&self, script: &str) -> Command {
        let mut command = Command::new("chroot");
        command.arg(&self.folder).args(["su", "-", "person", "-c", script]);
        command
    }

    fn run(&self, script: &str) -> Result<String> {
        run(&mut self.command(script))
    }

    fn window(&self, name: &str) -> Option<String> {
        let mut search = Command::new("xdotool");
        search.args(["search", "--onlyvisible", "--name", name]).env("DISPLAY", &self.display);
        run(&mut search).ok().and_then(|found| found.lines().next().map(str::to_owned))
    }
}

/// Installs the .deb in a clean Debian and uses the app.
///
/// # Errors
/// When the .deb cannot be installed, or the app does not work.
pub(crate) async fn install_and_try(package: &Path) -> Result<()> {
    let clean = clean_debian(package)?;
    step("Starting the app from its desktop entry");
    let entry = clean.run("cat /usr/share/applications/*appening.desktop")?;
    ensure!(entry.contains("Exec=happening %u"), "the desktop entry passes no link on: {entry}");
    ensure!(entry.contains("x-scheme-handler/happening"), "the desktop entry handles no links: {entry}");
    ensure!(clean.folder.join("usr/share/doc/happening/copyright").exists(), "the licence is missing");
    let handler = clean.run("xdg-mime query default x-scheme-handler/happening")?;
    ensure!(handler.trim().to_lowercase().ends_with("happening.desktop"), "links are opened by {handler:?}");
    let name = handler.trim().trim_end_matches(".desktop").to_owned();
    let display = clean.display.clone();
    let mut clean = clean;
    let script = format!(
        "export DISPLAY={display} LIBGL_ALWAYS_SOFTWARE=1 WEBKIT_DISABLE_COMPOSITING_MODE=1 XDG_RUNTIME_DIR=/tmp/run; mkdir -p -m 700 /tmp/run; dbus-run-session -- sh -c 'echo $DBUS_SESSION_BUS_ADDRESS > /tmp/bus; gtk-launch {name}; sleep 120'"
    );
    clean.session = Some(clean.command(&script).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    wait_for("the window", Duration::from_secs(60), || async { Ok(clean.window("Happening")) }).await?;
    say("the window is there");
    let log = "cat ~/.local/share/org.happening.desktop/logs/*.log";
    let logged = |words: &'static str| {
        let clean = &clean;
        move || async move { Ok(clean.run(log).ok().filter(|text| text.contains(words))) }
    };
    wait_for("the screens", Duration::from_secs(30), logged("a window shows its screens")).await?;
    say("the screens run in it");
    step("Opening a link");
    let link = "happening://event/0198a7a4-3c5e-7d3f-9a65-0d2b0c4f4a11";
    clean.run(&format!(
        "export DISPLAY={display} XDG_RUNTIME_DIR=/tmp/run DBUS_SESSION_BUS_ADDRESS=$(cat /tmp/bus); xdg-open {link}"
    ))?;
    wait_for("the link", Duration::from_secs(30), logged("a link to an event was opened"))
        .await
        .with_context(|| format!("the log says: {}", clean.run(log).unwrap_or_default()))?;
    let running = clean.run("pgrep -c -x happening")?;
    ensure!(running.trim() == "1", "the link started a second app");
    say("the link reached the app that runs");
    Ok(())
}

fn clean_debian(package: &Path) -> Result<Clean> {
    ensure!(is_root(), "a clean Debian is made with debootstrap, which needs root: run this with sudo");
    let base = target().join("bundle-check/base");
    if !base.join("home/person").exists() {
        step("Making a clean Debian (once)");
        std::fs::remove_dir_all(&base).ok();
        std::fs::create_dir_all(&base)?;
        let release = run(Command::new("sh").args(["-c", ". /etc/os-release && echo $VERSION_CODENAME"]))?;
        let packages = "--include=dbus,dbus-x11,xdg-utils,libgtk-3-bin,procps,ca-certificates";
        let status = Command::new("debootstrap")
            .args(["--variant=minbase", packages, release.trim()])
            .arg(&base)
            .stdout(Stdio::null())
            .status()?;
        if !status.success() {
            bail!("debootstrap failed; is there a network?");
        }
        run(Command::new("chroot").arg(&base).args(["useradd", "--create-home", "--shell", "/bin/sh", "person"]))?;
    }
    let folder = target().join("bundle-check/debian");
    let mounted = std::fs::read_to_string("/proc/mounts")?.contains(&folder.display().to_string());
    ensure!(!mounted, "{} has mounts of a run that was cut off; unmount them first", folder.display());
    std::fs::remove_dir_all(&folder).ok();
    run(Command::new("cp").arg("-a").arg(&base).arg(&folder))?;
    let (screen, display) = screen()?;
    let clean = Clean { folder, screen, session: None, display };
    for node in DEVICES {
        let place = clean.folder.join("dev").join(node);
        std::fs::remove_file(&place).ok();
        std::fs::write(&place, "")?;
        run(Command::new("mount").args(["--bind", &format!("/dev/{node}")]).arg(&place))?;
    }
    let mounts: [(&str, &[&str]); 3] = [
        ("proc", &["-t", "proc", "proc"]),
        ("dev/shm", &["-t", "tmpfs", "tmpfs"]),
        ("tmp/.X11-unix", &["--bind", "/tmp/.X11-unix"]),
    ];
    for (mount, options) in mounts {
        let place = clean.folder.join(mount);
        std::fs::create_dir_all(&place)?;
        run(Command::new("mount").args(options).arg(&place))?;
    }
    step("Installing the .deb in it");
    // apt in the clean Debian uses its own package sources, not this machine's
    let inside = clean.folder.join("tmp/happening.deb");
    std::fs::copy(package, &inside)?;
    copy_apt_settings(&clean.folder)?;
    let status = Command::new("chroot")
        .arg(&clean.folder)
        .args(["sh", "-c", "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends /tmp/happening.deb"])
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "the .deb cannot be installed");
    Ok(clean)
}

/// Copies this machine's settings for reaching package archives, such as a proxy, into the clean Debian.
fn copy_apt_settings(folder: &Path) -> Result<()> {
    for file in ["/etc/apt/apt.conf.d", "/etc/ssl/certs"] {
        let target = folder.join(file.trim_start_matches('/'));
        run(Command::new("sh")
            .args(["-c", "mkdir -p \"$1\" && cp -aL \"$0\"/. \"$1\"/ 2>/dev/null; true", file])
            .arg(&target))?;
    }
    std::fs::copy("/etc/resolv.conf", folder.join("etc/resolv.conf")).ok();
    std::fs::copy("/etc/hosts", folder.join("etc/hosts")).ok();
    Ok(())
}

/// Starts a virtual display. Answers its process and its name.
fn screen() -> Result<(Child, String)> {
    let mut screen = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-ac", "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot start Xvfb")?;
    let mut number = [0u8; 8];
    let read = screen.stdout.as_mut().context("a pipe")?.read(&mut number)?;
    let number = String::from_utf8_lossy(&number[..read]).trim().to_owned();
    ensure!(!number.is_empty(), "Xvfb has no display");
    Ok((screen, format!(":{number}")))
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}
