//! Runs the real app in a real window, on a virtual display and a session bus with a keyring; a WebDriver finds
//! elements, clicks and reads. People sign in at the real Keycloak; only the browser is replaced, by a script that
//! records addresses.

mod page;
mod system;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fantoccini::{Client as WebDriver, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use tempfile::TempDir;

use crate::World;
use crate::world::wait_for;
use happening_stack::ports::free_port;

/// How long to wait for the app. The first window on a busy machine takes long, since half of WebKit is read from the
/// disk.
const PATIENCE: Duration = Duration::from_secs(60);

/// A session bus that activates no service: only services that the test started are there, so no program waits for a
/// portal, or for a keyring's prompt that only a person could answer.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=RUNTIME</listen>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"#;

/// A desktop of one person, with the app on it.
pub struct Desktop {
    folder: PathBuf,
    /// The folder of sockets. A socket's path is at most 107 bytes long, and `folder` can be nested too deep for that.
    runtime: TempDir,
    display: String,
    app: PathBuf,
    server: String,
    port: u16,
    language: Option<String>,
    screen: Child,
    session: Child,
    notifier: Option<Child>,
    driver: Option<WebDriver>,
}

/// The path of the app's program.
///
/// # Errors
/// When the app was not built.
pub fn app_program() -> Result<PathBuf> {
    let path = std::env::var_os("HAPPENING_APP").map(PathBuf::from).context("HAPPENING_APP is not set")?;
    if path.exists() { Ok(path) } else { bail!("{} was not built", path.display()) }
}

impl Desktop {
    /// A new desktop whose app uses the world's first server. The app is not started yet.
    ///
    /// # Errors
    /// When a program is missing.
    pub async fn new(world: &World, name: &str, with_keyring: bool) -> Result<Self> {
        let folder = world.folder.join(format!("desktop-{name}"));
        Self::at(&folder, &app_program()?, &world.base(0), with_keyring).await
    }

    /// A desktop with a locale, such as `de_DE`, and without a keyring.
    ///
    /// # Errors
    /// When a program is missing.
    pub async fn in_language(world: &World, name: &str, language: &str) -> Result<Self> {
        let folder = world.folder.join(format!("desktop-{name}"));
        Self::prepared(&folder, &app_program()?, &world.base(0), false, Some(language)).await
    }

    /// A desktop whose app is started by a command, such as `env GDK_SCALE=2`.
    ///
    /// # Errors
    /// When a program is missing.
    pub async fn started_by(world: &World, name: &str, command: &str) -> Result<Self> {
        let folder = world.folder.join(format!("desktop-{name}"));
        std::fs::create_dir_all(&folder)?;
        let script = folder.join("app");
        std::fs::write(&script, format!("#!/bin/sh\nexec {command} '{}' \"$@\"\n", app_program()?.display()))?;
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755))?;
        Self::at(&folder, &script, &world.base(0), true).await
    }

    /// A new desktop with its files in a folder.
    ///
    /// # Errors
    /// When a program is missing.
    pub async fn at(folder: &Path, app: &Path, server: &str, with_keyring: bool) -> Result<Self> {
        Self::prepared(folder, app, server, with_keyring, None).await
    }

    async fn prepared(
        folder: &Path,
        app: &Path,
        server: &str,
        with_keyring: bool,
        language: Option<&str>,
    ) -> Result<Self> {
        let folder = folder.to_owned();
        if let Some(language) = language {
            let compiled = folder.join("locale");
            std::fs::create_dir_all(&compiled)?;
            let mut command = Command::new("localedef");
            command.args(["-i", language, "-f", "UTF-8"]).arg(compiled.join(format!("{language}.UTF-8")));
            happening_stack::run(&mut command)?;
        }
        for part in ["bin", "data", "config", "cache"] {
            std::fs::create_dir_all(folder.join(part))?;
        }
        let runtime = TempDir::with_prefix("happening-")?;
        write_browser(&folder)?;
        let bus = folder.join("bus.conf");
        std::fs::write(&bus, BUS.replace("RUNTIME", &runtime.path().display().to_string()))?;
        let (screen, display) = start_screen()?;
        let port = free_port()?;
        let script = format!(
            "echo \"$DBUS_SESSION_BUS_ADDRESS\" > '{}/bus'; exec WebKitWebDriver --port={port}",
            folder.display()
        );
        let mut desktop = Self {
            folder,
            runtime,
            display,
            app: app.to_owned(),
            server: server.to_owned(),
            port,
            language: language.map(str::to_owned),
            screen,
            session: Command::new("true").spawn()?,
            notifier: None,
            driver: None,
        };
        let mut session = Command::new("dbus-run-session");
        session.arg("--config-file").arg(&bus).args(["--", "sh", "-c", &script]);
        desktop.session = quiet(desktop.environment(&mut session)).spawn().context("cannot start dbus-run-session")?;
        let url = format!("http://127.0.0.1:{port}/status");
        wait_for("the WebDriver", PATIENCE, || async { Ok(crate::world::answers(&url).await.then_some(())) }).await?;
        if with_keyring {
            desktop.start_keyring()?;
        }
        Ok(desktop)
    }

    fn environment<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        for name in ["LC_ALL", "LC_CTYPE", "LC_MESSAGES", "LANGUAGE"] {
            command.env_remove(name);
        }
        command.env("LANG", "C.UTF-8"); // a locale without a region's formats
        if let Some(language) = &self.language {
            command.env("LANG", format!("{language}.UTF-8")).env("LOCPATH", self.folder.join("locale"));
        }
        let path = format!("{}/bin:{}", self.folder.display(), std::env::var("PATH").unwrap_or_default());
        command
            .env("PATH", path)
            .env("DISPLAY", &self.display)
            .env("XDG_DATA_HOME", self.folder.join("data"))
            .env("XDG_CONFIG_HOME", self.folder.join("config"))
            .env("XDG_CACHE_HOME", self.folder.join("cache"))
            .env("XDG_RUNTIME_DIR", self.runtime.path())
            .env("HAPPENING_SERVER_URL", &self.server)
            .env("HAPPENING_LOG", "info,happening=debug")
            .env("TAURI_AUTOMATION", "true")
            .env("TAURI_WEBVIEW_AUTOMATION", "true")
            .env("LIBGL_ALWAYS_SOFTWARE", "1")
            .env("WEBKIT_DISABLE_COMPOSITING_MODE", "1")
            .env("NO_AT_BRIDGE", "1")
    }

    /// Starts the app and waits for its window.
    ///
    /// # Errors
    /// When no window comes.
    pub async fn start_app(&mut self) -> Result<()> {
        self.start_with(&[]).await
    }

    /// Starts the app with a link, as the system does when a person opens the link and the app does not run.
    ///
    /// # Errors
    /// When no window comes.
    pub async fn start_app_with(&mut self, link: &str) -> Result<()> {
        self.start_with(&[link]).await
    }

    /// Megabytes of memory of the app with all its processes. A page that several processes share is counted in parts
    /// (PSS).
    ///
    /// # Errors
    /// When the sizes cannot be read.
    pub fn memory_mb(&self) -> Result<f64> {
        let script = "t=0; walk() { for c in $(pgrep -P $1); do k=$(awk '/^Pss:/{print $2}' /proc/$c/smaps_rollup 2>/dev/null || echo 0); case $(cat /proc/$c/comm) in WebKitWebDriver|dbus-daemon|gnome-keyring*) ;; *) t=$((t + ${k:-0}));; esac; walk $c; done; }; walk $0; echo $t";
        let kb = happening_stack::run(Command::new("sh").args(["-c", script, &self.session.id().to_string()]))?;
        Ok(kb.trim().parse::<f64>()? / 1024.0)
    }

    /// Starts the app with command-line arguments.
    ///
    /// # Errors
    /// When no window comes.
    pub async fn start_with(&mut self, arguments: &[&str]) -> Result<()> {
        let capabilities = json!({ "webkitgtk:browserOptions": { "binary": self.app, "args": arguments } });
        let capabilities = capabilities.as_object().cloned().unwrap_or_default();
        let address = format!("http://127.0.0.1:{}", self.port);
        let driver = wait_for("the WebDriver", PATIENCE, || async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            let connect = builder.capabilities(capabilities.clone()).connect(&address);
            // the WebDriver sometimes hangs before it starts the app; the timeout keeps the test from hanging, too
            let connected = tokio::time::timeout(PATIENCE, connect).await.context("the WebDriver hangs")?;
            match connected {
                // the WebDriver has one session at a time, and takes a moment to end the last one
                Err(error) if error.to_string().contains("Maximum number of active sessions") => Ok(None),
                other => other.map(Some).context("the app shows no window"),
            }
        })
        .await?;
        self.driver = Some(driver);
        Ok(())
    }

    /// Closes the app's window.
    ///
    /// # Errors
    /// When the WebDriver does not answer.
    pub async fn close_app(&mut self) -> Result<()> {
        if let Some(driver) = self.driver.take() {
            driver.close().await?;
        }
        Ok(())
    }

    /// Closes the WebDriver's session of an app that has ended by itself, so that the app can be started again.
    pub async fn ended(&mut self) {
        if let Some(driver) = self.driver.take() {
            // the window is gone already, so an error of the WebDriver does not matter
            driver.close().await.ok();
        }
    }

    fn driver(&self) -> Result<&WebDriver> {
        self.driver.as_ref().context("the app was not started")
    }
}

/// Starts a virtual screen. Answers its process and the display's name, which Xvfb chooses and prints when it is ready.
fn start_screen() -> Result<(Child, String)> {
    let mut command = Command::new("Xvfb");
    quiet(command.args(["-displayfd", "1", "-screen", "0", "1920x1080x24", "-nolisten", "tcp"])).stdout(Stdio::piped());
    let mut screen = command.spawn().context("cannot start Xvfb")?;
    let mut number = String::new();
    BufReader::new(screen.stdout.take().context("a pipe")?).read_line(&mut number)?;
    if number.trim().is_empty() {
        bail!("Xvfb ended before it had a screen");
    }
    Ok((screen, format!(":{}", number.trim())))
}

fn pictures_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/pictures")
}

/// Writes a script `xdg-open` that replaces the browser: it records the address that it is told to open.
fn write_browser(folder: &Path) -> Result<()> {
    let file = folder.join("bin/xdg-open");
    let note = folder.join("opened");
    // the script renames a complete file, so that a reader never sees half an address
    let script = format!("#!/bin/sh\nprintf '%s' \"$1\" > '{0}.part' && mv '{0}.part' '{0}'\n", note.display());
    std::fs::write(&file, script)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

/// What the app logs of a fault of the web engine; a panic of the screens is logged in other words.
const FAULTS: [&str; 2] = ["a web process has ended", "Out of bounds memory access"];

impl Desktop {
    /// Notes that the web engine failed in this test, so that the test runs once more if it has failed.
    fn note_engine_fault(&self) -> Result<()> {
        let logs = self.logs()?;
        if FAULTS.iter().any(|fault| logs.contains(fault)) {
            // the test's name
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            let file = crate::world::stack()?.folder.join(happening_stack::ENGINE_FAULTS);
            writeln!(std::fs::OpenOptions::new().create(true).append(true).open(file)?, "{name}")?;
        }
        Ok(())
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        self.note_engine_fault().ok(); // the test then runs once only
        self.signal_keyring("KILL").ok(); // a keyring that is stopped by SIGSTOP would not notice the end of the bus
        // ending the session also ends the bus, the WebDriver and the app
        for child in self.notifier.iter_mut().chain([&mut self.session, &mut self.screen]) {
            let id = child.id().to_string();
            happening_stack::run(Command::new("pkill").args(["-KILL", "-P", &id])).ok();
            child.kill().ok();
            child.wait().ok();
        }
    }
}
