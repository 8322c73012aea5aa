//! The real app in a real window: a virtual display, a session bus with a keyring, and a WebDriver that finds, clicks and
//! reads. Signing in happens at the real Keycloak; only the browser is ours.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fantoccini::{Client as WebDriver, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::json;
use url::Url;

use crate::ports::free_port;
use crate::world::wait_for;
use crate::{People, World};

/// Long, for the first window on a busy machine reads half of WebKit from the disk.
const PATIENCE: Duration = Duration::from_secs(60);

/// A session bus that starts no service by itself: only what the desktop started is there, and nobody waits for a portal or
/// a keyring's question that no person will answer.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/></policy>
</busconfig>
"#;

/// A desktop of one person, with the app on it.
pub struct Desktop {
    folder: PathBuf,
    display: String,
    app: PathBuf,
    server: String,
    port: u16,
    screen: Child,
    session: Child,
    notifier: Option<Child>,
    driver: Option<WebDriver>,
}

/// The app's program.
///
/// # Errors
/// When it was not built.
pub fn app_program() -> Result<PathBuf> {
    let path = std::env::var_os("HAPPENING_APP").map(PathBuf::from).context("HAPPENING_APP is not set")?;
    if path.exists() { Ok(path) } else { bail!("{} was not built", path.display()) }
}

impl Desktop {
    /// A new desktop for a world's first server; no window yet.
    ///
    /// # Errors
    /// When a program is missing.
    pub async fn new(world: &World, name: &str, with_keyring: bool) -> Result<Self> {
        let folder = world.folder.join(format!("desktop-{name}"));
        Self::at(&folder, &app_program()?, &world.base(0), with_keyring).await
    }

    /// A new desktop with its files in a folder.
    ///
    /// # Errors
    /// When a program is missing.
    pub async fn at(folder: &Path, app: &Path, server: &str, with_keyring: bool) -> Result<Self> {
        let folder = folder.to_owned();
        for part in ["bin", "data", "config", "cache"] {
            std::fs::create_dir_all(folder.join(part))?;
        }
        let runtime = folder.join("run");
        std::fs::create_dir_all(&runtime)?;
        std::fs::set_permissions(&runtime, std::fs::Permissions::from_mode(0o700))?;
        write_browser(&folder)?;
        let bus = folder.join("bus.conf");
        std::fs::write(&bus, BUS)?;
        let (screen, display) = start_screen()?;
        let port = free_port()?;
        let keyring = if with_keyring {
            "printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null;"
        } else {
            ""
        };
        let script = format!(
            "echo \"$DBUS_SESSION_BUS_ADDRESS\" > '{}/bus'; {keyring} exec WebKitWebDriver --port={port}",
            folder.display()
        );
        let mut desktop = Self {
            folder,
            display,
            app: app.to_owned(),
            server: server.to_owned(),
            port,
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
        Ok(desktop)
    }

    fn environment<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        let path = format!("{}/bin:{}", self.folder.display(), std::env::var("PATH").unwrap_or_default());
        command
            .env("PATH", path)
            .env("DISPLAY", &self.display)
            .env("XDG_DATA_HOME", self.folder.join("data"))
            .env("XDG_CONFIG_HOME", self.folder.join("config"))
            .env("XDG_CACHE_HOME", self.folder.join("cache"))
            .env("XDG_RUNTIME_DIR", self.folder.join("run"))
            .env("HAPPENING_SERVER_URL", &self.server)
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

    /// Starts the app by a link, as the system does when it does not run yet.
    ///
    /// # Errors
    /// When no window comes.
    pub async fn start_app_with(&mut self, link: &str) -> Result<()> {
        self.start_with(&[link]).await
    }

    /// Opens an address, in a program that is a browser.
    ///
    /// # Errors
    /// When it does not load.
    pub async fn open(&self, url: &str) -> Result<()> {
        Ok(self.driver()?.goto(url).await?)
    }

    /// Megabytes of the program with all its processes, each shared page counted in parts (PSS).
    ///
    /// # Errors
    /// When nothing runs.
    pub fn memory_mb(&self) -> Result<f64> {
        let script = "t=0; walk() { for c in $(pgrep -P $1); do k=$(awk '/^Pss:/{print $2}' /proc/$c/smaps_rollup 2>/dev/null || echo 0); case $(cat /proc/$c/comm) in WebKitWebDriver|dbus-daemon|gnome-keyring*) ;; *) t=$((t + ${k:-0}));; esac; walk $c; done; }; walk $0; echo $t";
        let kb = crate::stack::run(Command::new("sh").args(["-c", script, &self.session.id().to_string()]))?;
        Ok(kb.trim().parse::<f64>()? / 1024.0)
    }

    /// Starts the program with arguments.
    ///
    /// # Errors
    /// When no window comes.
    pub async fn start_with(&mut self, arguments: &[&str]) -> Result<()> {
        let capabilities = json!({ "webkitgtk:browserOptions": { "binary": self.app, "args": arguments } });
        let capabilities = capabilities.as_object().cloned().unwrap_or_default();
        let driver = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://127.0.0.1:{}", self.port))
            .await
            .context("the app shows no window")?;
        self.driver = Some(driver);
        Ok(())
    }

    /// Closes the app's window.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn close_app(&mut self) -> Result<()> {
        if let Some(driver) = self.driver.take() {
            driver.close().await?;
        }
        Ok(())
    }

    /// Waits until the app has ended by itself.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ended(&mut self) -> Result<()> {
        // a search that finds nothing fails
        wait_for("the end of the app", PATIENCE, || async { Ok(self.windows().is_err().then_some(())) }).await?;
        self.driver = None;
        Ok(())
    }

    fn driver(&self) -> Result<&WebDriver> {
        self.driver.as_ref().context("the app was not started")
    }

    /// Waits for an element and clicks it.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn click(&self, css: &str) -> Result<()> {
        wait_for(css, PATIENCE, || async {
            // an element can be drawn anew between finding and clicking it
            match self.driver()?.find(Locator::Css(css)).await {
                Ok(element) => Ok(element.click().await.ok()),
                Err(_) => Ok(None),
            }
        })
        .await
    }

    /// Waits for a button with that text and clicks it.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn click_text(&self, text: &str) -> Result<()> {
        self.click_text_of("button", text).await
    }

    /// Waits for an element of a kind with that text and clicks it.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn click_text_of(&self, tag: &str, text: &str) -> Result<()> {
        let path = format!("//{tag}[contains(normalize-space(.), \"{text}\") and not(@disabled)]");
        wait_for(text, PATIENCE, || async {
            match self.driver()?.find(Locator::XPath(&path)).await {
                Ok(element) => Ok(element.click().await.ok()),
                Err(_) => Ok(None),
            }
        })
        .await
    }

    /// Waits until the window shows a text.
    ///
    /// # Errors
    /// When it does not; the message has what is shown instead.
    pub async fn sees(&self, text: &str) -> Result<()> {
        let seen = wait_for(text, PATIENCE, || async { Ok(self.text().await?.contains(text).then_some(())) }).await;
        match seen {
            Ok(()) => Ok(()),
            Err(error) => {
                self.picture("missing-text").ok();
                bail!("{error}; the window shows:\n{}", self.text().await?)
            }
        }
    }

    /// Waits until the page holds a text, whether it is in sight or not.
    ///
    /// # Errors
    /// When it does not.
    pub async fn exists_text(&self, text: &str) -> Result<()> {
        let script = "return document.body.textContent + [...document.querySelectorAll('[placeholder]')].map(e => e.placeholder).join()";
        wait_for(text, PATIENCE, || async {
            Ok(self.script(script).await?.as_str().is_some_and(|all| all.contains(text)).then_some(()))
        })
        .await
    }

    /// Waits until the page holds an element.
    ///
    /// # Errors
    /// When it does not.
    pub async fn exists(&self, css: &str) -> Result<()> {
        let script = format!("return !!document.querySelector(`{css}`)");
        wait_for(css, PATIENCE, || async { Ok((self.script(&script).await? == true).then_some(())) }).await
    }

    /// Waits until the page holds no such element any more.
    ///
    /// # Errors
    /// When it stays.
    pub async fn exists_no_more(&self, css: &str) -> Result<()> {
        let script = format!("return !document.querySelector(`{css}`)");
        wait_for(css, PATIENCE, || async { Ok((self.script(&script).await? == true).then_some(())) }).await
    }

    /// Chooses an entry of a list by its value.
    ///
    /// # Errors
    /// When the list or the entry does not come.
    pub async fn choose(&self, css: &str, value: &str) -> Result<()> {
        let script = format!(
            "const list = document.querySelector(`{css}`);
            if (!list || ![...list.options].some(one => one.value === `{value}`)) return false;
            list.value = `{value}`;
            list.dispatchEvent(new Event('change', {{ bubbles: true }}));
            return true;"
        );
        wait_for(css, PATIENCE, || async { Ok((self.script(&script).await? == true).then_some(())) }).await
    }

    /// Waits until the window no longer shows a text.
    ///
    /// # Errors
    /// When it goes on showing it.
    pub async fn sees_no_more(&self, text: &str) -> Result<()> {
        wait_for(text, PATIENCE, || async { Ok((!self.text().await?.contains(text)).then_some(())) }).await
    }

    /// Everything that the window shows, as text.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn text(&self) -> Result<String> {
        let value = self.driver()?.execute("return document.body ? document.body.innerText : ''", Vec::new()).await?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// Runs a script in the window and answers what it returns.
    ///
    /// # Errors
    /// When it fails.
    pub async fn script(&self, script: &str) -> Result<serde_json::Value> {
        Ok(self.driver()?.execute(script, Vec::new()).await?)
    }

    /// Runs a script that calls its last argument when it is done, and answers what it was called with.
    ///
    /// # Errors
    /// When it fails.
    pub async fn script_async(&self, script: &str) -> Result<serde_json::Value> {
        Ok(self.driver()?.execute_async(script, Vec::new()).await?)
    }

    /// As [`Self::script_async`], with an argument for the script. It may take minutes.
    ///
    /// # Errors
    /// When it fails.
    pub async fn script_with(&self, script: &str, argument: serde_json::Value) -> Result<serde_json::Value> {
        let driver = self.driver()?;
        let minutes = Duration::from_secs(600);
        let timeouts = fantoccini::wd::TimeoutConfiguration::new(Some(minutes), Some(minutes), None);
        driver.update_timeouts(timeouts).await?;
        Ok(driver.execute_async(script, vec![argument]).await?)
    }

    /// How many windows the app shows.
    ///
    /// # Errors
    /// When there is none, or no xdotool.
    pub fn windows(&self) -> Result<usize> {
        let mut search = Command::new("xdotool");
        search.args(["search", "--onlyvisible", "--name", "^Happening$"]).env("DISPLAY", &self.display);
        Ok(crate::stack::run(&mut search)?.lines().count())
    }

    /// Starts a real service for notifications on this desktop.
    ///
    /// # Errors
    /// When `dunst` is missing.
    pub fn start_notifications(&mut self) -> Result<()> {
        let mut service = Command::new("dunst");
        self.on_the_bus(&mut service)?;
        self.notifier = Some(quiet(&mut service).spawn().context("cannot start dunst")?);
        Ok(())
    }

    /// Asks that service something, in the words of `dunstctl`.
    ///
    /// # Errors
    /// When it does not run.
    pub fn notifications(&self, words: &str) -> Result<String> {
        let mut control = Command::new("dunstctl");
        control.args(words.split(' '));
        self.on_the_bus(&mut control)?;
        crate::stack::run(&mut control)
    }

    fn on_the_bus(&self, command: &mut Command) -> Result<()> {
        let bus = std::fs::read_to_string(self.folder.join("bus"))?;
        self.environment(command).env("DBUS_SESSION_BUS_ADDRESS", bus.trim());
        Ok(())
    }

    /// How many files the app keeps of the server's answers.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn kept_answers(&self) -> Result<usize> {
        let cache = self.folder.join("cache").display().to_string();
        let found = crate::stack::run(Command::new("find").args([&cache, "-path", "*answers*", "-type", "f"]))?;
        Ok(found.lines().count())
    }

    /// Moves the pointer and presses keys as a hand would, in the words of `xdotool`.
    ///
    /// # Errors
    /// When it is missing or fails.
    pub fn xdotool(&self, words: &str) -> Result<String> {
        crate::stack::run(Command::new("xdotool").args(words.split(' ')).env("DISPLAY", &self.display))
    }

    /// Types a file's path into the system's dialog that asks where to save, and accepts it.
    ///
    /// # Errors
    /// When no dialog comes.
    pub async fn answer_save_dialog(&self, file: &Path) -> Result<()> {
        let path = file.display().to_string();
        let tool = |arguments: &[&str]| {
            crate::stack::run(Command::new("xdotool").args(arguments).env("DISPLAY", &self.display))
        };
        let window = wait_for("the dialog", PATIENCE, || async {
            let found = tool(&["search", "--onlyvisible", "--name", "Save"]).ok();
            Ok(found.and_then(|text| text.lines().last().map(str::to_owned)))
        })
        .await?;
        // there is no window manager that would give it the focus
        tool(&["windowfocus", "--sync", &window])?;
        tool(&["key", "--clearmodifiers", "ctrl+a"])?;
        tool(&["type", "--clearmodifiers", &path])?;
        tool(&["key", "--clearmodifiers", "Return"]).map(drop)
    }

    /// Signs in at Keycloak as the browser would, and follows the way back into the app.
    ///
    /// # Errors
    /// When the app opened no page, or Keycloak refuses.
    pub async fn sign_in(&self, people: &People, login: &str) -> Result<()> {
        self.click("#sign-in").await?;
        let page = self.opened_page().await?;
        self.follow(people.sign_in_at(&page, login).await?.as_str())
    }

    /// The page that the app opened in the browser last.
    ///
    /// # Errors
    /// When it opened none.
    pub async fn opened_page(&self) -> Result<Url> {
        let file = self.folder.join("opened");
        let text = wait_for("the browser", PATIENCE, || async { Ok(std::fs::read_to_string(&file).ok()) }).await?;
        std::fs::remove_file(&file)?;
        Ok(Url::parse(text.trim())?)
    }

    /// Opens a deep link: starts the app a second time with it, as the system does.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn follow(&self, link: &str) -> Result<()> {
        let mut command = Command::new(&self.app);
        self.on_the_bus(command.arg(link))?;
        let mut second = quiet(&mut command).spawn()?;
        // it hands the link over and ends
        std::thread::spawn(move || second.wait());
        Ok(())
    }

    /// Makes the window so many pixels wide and high.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        Ok(self.driver()?.set_window_rect(0, 0, width, height).await?)
    }

    /// Goes to a screen by its address within the app, such as `/events`.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn go(&self, route: &str) -> Result<()> {
        self.script(&format!("location.hash = '#{route}'")).await.map(drop)
    }

    /// Types into a field, in place of what it holds.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn fill(&self, css: &str, text: &str) -> Result<()> {
        wait_for(css, PATIENCE, || async {
            let Ok(element) = self.driver()?.find(Locator::Css(css)).await else { return Ok(None) };
            // it can be drawn anew between the steps; clearing it again starts over
            let typed = async {
                element.clear().await?;
                element.send_keys(text).await
            };
            Ok(typed.await.ok())
        })
        .await
    }

    /// Presses keys, wherever the focus is. Special keys are WebDriver's code points, as `\u{e004}` for Tab.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn press(&self, keys: &str) -> Result<()> {
        wait_for("an element with the focus", PATIENCE, || async {
            // it can be drawn anew between asking for it and typing
            match self.driver()?.active_element().await {
                Ok(element) => Ok(element.send_keys(keys).await.ok()),
                Err(_) => Ok(None),
            }
        })
        .await
    }

    /// Saves a picture of the screen under `target/pictures`.
    ///
    /// # Errors
    /// When ImageMagick is missing.
    pub fn picture(&self, name: &str) -> Result<()> {
        self.picture_at(&pictures_folder().join(format!("{name}.png")))
    }

    /// Saves a picture of the screen.
    ///
    /// # Errors
    /// When ImageMagick is missing.
    pub fn picture_at(&self, file: &Path) -> Result<()> {
        self.picture_of(file, "1280x800")
    }

    /// Saves a picture of the upper left part of the screen, of a size such as `1280x800`.
    ///
    /// # Errors
    /// When ImageMagick is missing.
    pub fn picture_of(&self, file: &Path, size: &str) -> Result<()> {
        std::fs::create_dir_all(file.parent().context("a folder")?)?;
        let crop = format!("{size}+0+0");
        let arguments = ["-display", &self.display, "-window", "root", "-crop", &crop, "+repage"];
        crate::stack::run(Command::new("import").args(arguments).arg(file)).map(drop)
    }
}

/// A virtual screen, and its name, which Xvfb chooses and tells when it is ready.
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

/// A browser that only notes what it is told to open.
fn write_browser(folder: &Path) -> Result<()> {
    let file = folder.join("bin/xdg-open");
    let note = folder.join("opened");
    // complete or not there: whoever reads it must not see half an address
    let script = format!("#!/bin/sh\nprintf '%s' \"$1\" > '{0}.part' && mv '{0}.part' '{0}'\n", note.display());
    std::fs::write(&file, script)?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

impl Drop for Desktop {
    fn drop(&mut self) {
        // the session's end takes bus, keyring, driver and app with it
        for child in self.notifier.iter_mut().chain([&mut self.session, &mut self.screen]) {
            let id = child.id().to_string();
            crate::stack::run(Command::new("pkill").args(["-KILL", "-P", &id])).ok();
            child.kill().ok();
            child.wait().ok();
        }
    }
}
