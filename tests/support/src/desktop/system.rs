//! The desktop around the app: links, the browser, system dialogs, notifications, screenshots.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use url::Url;

use super::{Desktop, PATIENCE, pictures_folder, quiet};
use crate::People;
use crate::world::wait_for;

impl Desktop {
    /// How many windows the app shows.
    ///
    /// # Errors
    /// When the app shows no window, or `xdotool` is missing.
    pub fn windows(&self) -> Result<usize> {
        let mut search = Command::new("xdotool");
        search.args(["search", "--onlyvisible", "--name", "Happening$"]).env("DISPLAY", &self.display);
        Ok(happening_stack::run(&mut search)?.lines().count())
    }

    /// Kills the processes of the web engine that show the app's pages, as a fault of the engine does.
    ///
    /// # Errors
    /// When no such process runs.
    pub fn kill_web_process(&self) -> Result<()> {
        let script = "walk() { for c in $(pgrep -P $1); do walk $c; case $(cat /proc/$c/comm) in WebKitWebProces*) kill -KILL $c; found=1;; esac; done; }
            walk $0; test \"$found\"";
        happening_stack::run(Command::new("sh").args(["-c", script, &self.session.id().to_string()])).map(drop)
    }

    /// Starts a real notification service, `dunst`, on this desktop.
    ///
    /// # Errors
    /// When `dunst` is missing.
    pub fn start_notifications(&mut self) -> Result<()> {
        let mut service = Command::new("dunst");
        self.on_the_bus(&mut service)?;
        self.notifier = Some(quiet(&mut service).spawn().context("cannot start dunst")?);
        Ok(())
    }

    /// Starts the system's keyring, unlocks it, and waits until it answers.
    ///
    /// # Errors
    /// When `gnome-keyring-daemon` is missing or does not get ready.
    pub fn start_keyring(&self) -> Result<()> {
        // the daemon goes to the background before it answers: on a busy disk it takes seconds to write its first file
        let script = "printf pw | gnome-keyring-daemon --unlock --components=secrets >\"$0\" 2>&1 \
            && gdbus wait --session --timeout 60 org.freedesktop.secrets || { cat \"$0\" >&2; exit 1; }";
        let mut service = Command::new("sh");
        self.on_the_bus(service.args(["-c", script]).arg(self.folder.join("keyring.log")))?;
        happening_stack::run(&mut service).context("the keyring does not start").map(drop)
    }

    /// How many tokens of the app the system's keyring holds.
    ///
    /// # Errors
    /// When the keyring does not answer.
    pub fn kept_tokens(&self) -> Result<usize> {
        let mut search = Command::new("gdbus");
        search.args(["call", "--session", "--timeout", "20", "--dest", "org.freedesktop.secrets"]);
        search.args([
            "--object-path",
            "/org/freedesktop/secrets",
            "--method",
            "org.freedesktop.Secret.Service.SearchItems",
        ]);
        self.on_the_bus(search.arg("{'service': 'org.happening.desktop'}"))?;
        Ok(happening_stack::run(&mut search)?.matches("/collection/").count())
    }

    /// Sends the system's keyring a signal, such as `TERM` or `STOP`.
    ///
    /// # Errors
    /// When no keyring runs.
    pub fn signal_keyring(&self, signal: &str) -> Result<()> {
        let ask = "gdbus call --session --dest org.freedesktop.DBus --object-path / \
            --method org.freedesktop.DBus.GetConnectionUnixProcessID org.freedesktop.secrets";
        let mut end = Command::new("sh");
        self.on_the_bus(end.args(["-c", &format!("kill -{signal} $({ask} | tr -cd '0-9 ' | cut -d' ' -f2)")]))?;
        happening_stack::run(&mut end).map(drop)
    }

    /// Runs `dunstctl` with these arguments and answers its output.
    ///
    /// # Errors
    /// When `dunst` does not run.
    pub fn notifications(&self, words: &str) -> Result<String> {
        let mut control = Command::new("dunstctl");
        control.args(words.split(' '));
        self.on_the_bus(&mut control)?;
        happening_stack::run(&mut control)
    }

    fn on_the_bus(&self, command: &mut Command) -> Result<()> {
        let bus = std::fs::read_to_string(self.folder.join("bus"))?;
        self.environment(command).env("DBUS_SESSION_BUS_ADDRESS", bus.trim());
        Ok(())
    }

    /// How many answers of the server the app has cached in files.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn kept_answers(&self) -> Result<usize> {
        let cache = self.folder.join("cache").display().to_string();
        let found = happening_stack::run(Command::new("find").args([&cache, "-path", "*answers*", "-type", "f"]))?;
        Ok(found.lines().count())
    }

    /// All that the app wrote into its logs.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn logs(&self) -> Result<String> {
        let data = self.folder.join("data").display().to_string();
        happening_stack::run(Command::new("find").args([&data, "-name", "*.log", "-exec", "cat", "{}", "+"]))
    }

    /// Turns animations off in the desktop's settings, which the app reads when it starts.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn without_animations(&self) -> Result<()> {
        let folder = self.folder.join("config/gtk-3.0");
        std::fs::create_dir_all(&folder)?;
        Ok(std::fs::write(folder.join("settings.ini"), "[Settings]\ngtk-enable-animations=false\n")?)
    }

    /// Runs `xdotool` with these arguments, which moves the pointer or presses keys, and answers its output.
    ///
    /// # Errors
    /// When `xdotool` is missing or fails.
    pub fn xdotool(&self, words: &str) -> Result<String> {
        happening_stack::run(Command::new("xdotool").args(words.split(' ')).env("DISPLAY", &self.display))
    }

    /// Types a file's path into the system's dialog that asks where to save, and accepts it.
    ///
    /// # Errors
    /// When no dialog comes.
    pub async fn answer_save_dialog(&self, file: &Path) -> Result<()> {
        let path = file.display().to_string();
        let tool = |arguments: &[&str]| {
            happening_stack::run(Command::new("xdotool").args(arguments).env("DISPLAY", &self.display))
        };
        let window = wait_for("the dialog", PATIENCE, || async {
            let found = tool(&["search", "--onlyvisible", "--name", "Save"]).ok();
            Ok(found.and_then(|text| text.lines().last().map(str::to_owned)))
        })
        .await?;
        // this display has no window manager that would give the dialog the focus
        tool(&["windowfocus", "--sync", &window])?;
        tool(&["key", "--clearmodifiers", "ctrl+a"])?;
        tool(&["type", "--clearmodifiers", &path])?;
        tool(&["key", "--clearmodifiers", "Return"]).map(drop)
    }

    /// Signs in at Keycloak as the browser would, and opens the link of the callback in the app.
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
    /// When the app opened no page.
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
        // the second process hands the link to the running app and ends
        std::thread::spawn(move || second.wait());
        Ok(())
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
        happening_stack::run(Command::new("import").args(arguments).arg(file)).map(drop)
    }
}
