//! The commands of the README, run as a person runs them: in their own target folder, beside the stack of the tests.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};
use happening_stack::ports::free_port;
use happening_stack::{Service, Stack, TEST_STACK, alive, run};
use happening_tests::People;
use happening_tests::own::OwnRedis;
use happening_tests::world::{World, WorldOptions, answers, stack, wait_for};

/// A target folder that has the build's results, but neither a stack nor tools.
struct Target(PathBuf);

impl Target {
    fn new(name: &str) -> Result<Self> {
        let built = built()?;
        let folder = built.join("commands").join(name);
        std::fs::remove_dir_all(&folder).ok();
        std::fs::create_dir_all(&folder)?;
        for part in ["debug", "wasm32-unknown-unknown"] {
            symlink(built.join(part), folder.join(part))?;
        }
        Ok(Self(folder))
    }

    fn with_tools(name: &str) -> Result<Self> {
        let target = Self::new(name)?;
        symlink(built()?.join("tools"), target.0.join("tools"))?;
        Ok(target)
    }

    /// A command `cargo xtask` with these arguments. It compiles nothing, because everything was built before the tests
    /// began. It finds no terminal, no screen and no Docker engine.
    fn xtask(&self, words: &str) -> Command {
        let mut command = Command::new(xtask());
        command.args(words.split(' ')).env("CARGO_TARGET_DIR", &self.0).env("CARGO", "true");
        command.env("DOCKER_HOST", "unix:///nowhere/docker.sock");
        for name in ["CI", "DISPLAY", "WAYLAND_DISPLAY", "DATABASE_URL", "REDIS_URL", "RABBITMQ_URL", "OIDC_ISSUER_URL"]
        {
            command.env_remove(name);
        }
        command
    }

    /// Runs `cargo xtask` with these arguments. Answers its output.
    fn done(&self, words: &str) -> Result<String> {
        done(&mut self.xtask(words))
    }

    fn stack(&self) -> Result<Stack> {
        Stack::at(&self.0.join("stack"))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        self.done("down").ok();
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// Fills a folder with links to programs, which a command then finds as its only ones.
fn links(folder: &Path, programs: &[&str]) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    for program in programs {
        let found = run(Command::new("sh").args(["-c", &format!("command -v {program}")]))?;
        symlink(found.trim(), folder.join(program))?;
    }
    Ok(())
}

fn built() -> Result<PathBuf> {
    let stack = PathBuf::from(std::env::var_os(TEST_STACK).context("run this with `cargo xtask test`")?);
    Ok(stack.parent().context("a folder")?.to_owned())
}

/// Checks that all services listen on the loopback address only, and that only their owner can read files with secrets.
fn nothing_is_open_to_others(stack: &Stack) -> Result<()> {
    let text = std::fs::read_to_string(stack.folder.join("ports"))?;
    let ports: Vec<u16> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let mut listening = BTreeSet::new();
    // 127.0.0.1, ::1, and 127.0.0.1 as an IPv6 socket writes it
    let loopback = ["0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"];
    for file in ["/proc/net/tcp", "/proc/net/tcp6"] {
        // proc_pid_net(5): the second field is the local address in hexadecimal digits, the fourth is 0A for a
        // listening socket
        for line in std::fs::read_to_string(file).unwrap_or_default().lines().skip(1) {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let Some((address, port)) = fields[1].split_once(':') else { continue };
            let port = u16::from_str_radix(port, 16)?;
            if fields[3] == "0A" && ports.contains(&port) {
                assert!(loopback.contains(&address), "port {port} is open to others: {address}");
                listening.insert(port);
            }
        }
    }
    assert_eq!(listening.len(), ports.len(), "{listening:?} of {ports:?}");
    for name in ["server_key", "stack.env"] {
        let mode = std::fs::metadata(stack.folder.join(name))?.permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} can be read by others");
    }
    Ok(())
}

/// The program behind `cargo xtask`.
fn xtask() -> PathBuf {
    std::env::var_os("HAPPENING_XTASK").map(PathBuf::from).expect("cargo xtask test names itself")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn done(command: &mut Command) -> Result<String> {
    let output = command.stdin(std::process::Stdio::null()).output()?;
    if !output.status.success() {
        bail!("{command:?} failed: {}", said(&output));
    }
    Ok(said(&output))
}

/// Checks that a command fails and that its message contains the sentence.
fn fails(command: &mut Command, sentence: &str) -> Result<()> {
    let output = command.stdin(std::process::Stdio::null()).output()?;
    let said = said(&output);
    assert!(!output.status.success(), "{said}");
    let last = said.split("This did not work: ").nth(1).context(said.clone())?;
    assert!(last.contains(sentence), "{last}");
    Ok(())
}

#[test]
fn missing_programs_are_named_with_a_remedy() -> Result<()> {
    let target = Target::new("missing")?;
    let (nothing, compilers) = (target.0.join("nothing"), target.0.join("compilers"));
    std::fs::create_dir_all(&nothing)?;
    links(&compilers, &["rustc", "cc", "cmake", "df"])?;
    fails(&mut target.xtask("token ada"), "start it with cargo xtask up")?;
    // without a compiler, each missing program is named with its remedy
    fails(target.xtask("up").env("PATH", &nothing), "something is missing on this machine")?;
    let told = said(&target.xtask("doctor").env("PATH", &nothing).output()?);
    for words in ["https://rustup.rs", "apt-get install build-essential", "apt-get install cmake"] {
        assert!(told.contains(words), "{words}: {told}");
    }
    // without Debian's packages and without Docker
    fails(target.xtask("up").env("PATH", &compilers), "no Docker engine answers: start it")?;
    fails(&mut target.xtask("up --docker"), "no Docker engine answers: start it")?;
    // without installed packages, and without a person who could agree to install them
    let no_packages = "nothing was installed; install these packages yourself";
    fails(target.xtask("up").env("DPKG_ADMINDIR", &nothing), no_packages)?;
    let output = target.xtask("up").env("DPKG_ADMINDIR", &nothing).output()?;
    assert!(said(&output).contains("these system packages are missing: postgresql redis-server rabbitmq-server"));
    assert!(said(&output).contains("--yes agrees"));
    Ok(())
}

#[test]
fn without_a_network_the_failed_download_is_named() -> Result<()> {
    let target = Target::new("offline")?;
    // Maven with an empty repository and set to offline
    let settings = target.0.join(".m2");
    std::fs::create_dir_all(&settings)?;
    std::fs::write(settings.join("settings.xml"), "<settings><offline>true</offline></settings>")?;
    let offline = format!("-Duser.home={}", target.0.display());
    fails(
        target.xtask("up").env("MAVEN_OPTS", offline),
        "Keycloak could not be fetched with Maven; is there a network?",
    )
}

#[tokio::test]
async fn run_starts_everything_and_down_stops_it() -> Result<()> {
    let target = Target::with_tools("all")?;
    // another program listens on a port of an earlier start
    let taken = TcpListener::bind(("127.0.0.1", free_port()?))?;
    let ports: Vec<u16> = (0..8).map(|_| free_port()).collect::<Result<_>>()?;
    let ports = ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    std::fs::create_dir_all(target.0.join("stack"))?;
    std::fs::write(target.0.join("stack/ports"), format!("{} {ports}", taken.local_addr()?.port()))?;

    let told = target.done("run")?;
    assert!(told.contains("no window can be shown") && told.contains("--virtual-display"), "{told}");
    let stack = target.stack()?;
    let services = ["redis", "rabbitmq", "keycloak", "backend", "worker"].map(|name| stack.pid_file(name));
    assert!(services.iter().all(|file| alive(file)), "{told}");
    let server = stack.written("BACKEND_URL").context("no address of the server")?;
    nothing_is_open_to_others(&stack)?;
    let token = target.done("token barbara")?;
    let events = reqwest::Client::new().get(format!("{server}/events")).bearer_auth(token.trim()).send().await?;
    assert!(!events.json::<Vec<serde_json::Value>>().await?.is_empty(), "there is no demo data");
    fails(&mut target.xtask("token nobody"), "nobody could not sign in")?;

    // a second `up` does not restart services
    let redis = std::fs::read_to_string(stack.pid_file("redis"))?;
    target.done("up")?;
    assert_eq!(std::fs::read_to_string(stack.pid_file("redis"))?, redis);
    // after a crash, `run` starts the missing processes again
    for name in ["redis", "backend"] {
        let text = std::fs::read_to_string(stack.pid_file(name))?;
        run(Command::new("kill").args(["-KILL", text.lines().next().unwrap_or_default()]))?;
    }
    let told = target.done("run --virtual-display")?;
    assert!(told.contains("app.png"), "{told}");
    let colours = run(Command::new("identify").args(["-format", "%k"]).arg(target.0.join("app.png")))?;
    assert!(colours.trim().parse::<u32>()? > 100, "a window with {colours} colours");
    assert!(answers(&format!("{server}/health/ready")).await);

    assert!(target.done("down")?.contains("nothing runs any more"));
    assert!(!services.iter().any(|file| alive(file)));
    for port in
        [stack.ports.postgres, stack.ports.redis, stack.ports.rabbitmq, stack.ports.keycloak, stack.ports.backend]
    {
        TcpListener::bind(("127.0.0.1", port)).with_context(|| format!("port {port} is still taken"))?;
    }
    Ok(())
}

#[tokio::test]
async fn services_of_the_environment_are_used_and_left_running() -> Result<()> {
    // demo data has the same ids in each database, so this test uses its own Redis
    let redis = OwnRedis::start(&stack()?, "given").await?;
    let env = [("REDIS_URL", redis.url())].into();
    let world = World::with(WorldOptions { backends: 0, env, ..WorldOptions::default() }).await?;
    let target = Target::with_tools("given")?;
    let with_services = |words: &str| {
        let mut command = target.xtask(words);
        for (name, value) in world.command(&[]).get_envs() {
            let given = ["DATABASE_URL", "REDIS_URL", "RABBITMQ_URL", "OIDC_ISSUER_URL"].iter().any(|one| name == *one);
            if let Some(value) = value.filter(|_| given) {
                command.env(name, value);
            }
        }
        command
    };
    fails(&mut with_services("up"), "nothing was changed; unset DATABASE_URL")?;
    let told = done(&mut with_services("up --yes"))?;
    assert!(told.contains("Using the services that the environment names"), "{told}");
    let stack = target.stack()?;
    assert_eq!(stack.written("DATABASE_URL").as_ref(), Some(&world.database_url));
    assert!(!alive(&stack.pid_file("redis")), "a private service was started beside the given ones");
    let server = stack.written("BACKEND_URL").context("no address of the server")?;
    assert!(answers(&format!("{server}/health/ready")).await);
    assert!(!target.done("token ada")?.trim().is_empty());
    let events: i64 = sqlx::query_scalar("select count(*) from events").fetch_one(&world.pool).await?;
    assert!(events > 0, "the given database has no demo data");
    target.done("down")?;
    assert!(!alive(&stack.pid_file("backend")));
    People::of(&world.stack.issuer()).new_token("ada").await.context("the given services were stopped")?;
    Ok(())
}

#[tokio::test]
async fn processes_of_an_aborted_test_are_ended() -> Result<()> {
    let target = Target::new("aborted")?;
    let stack = target.0.join("test-stack");
    std::fs::create_dir_all(&stack)?;
    let start = |name: &str, of: &Path| -> Result<PathBuf> {
        let (pid_file, log_file) = (target.0.join(format!("{name}.pid")), target.0.join(format!("{name}.log")));
        let service = Service { name, pid_file: &pid_file, log_file: &log_file };
        service.start(Command::new("sleep").arg("600").env(TEST_STACK, of))?;
        Ok(pid_file)
    };
    let (left, other) = (start("left", &stack)?, start("other", &target.0.join("elsewhere"))?);
    // a Redis, which overwrites its environment
    let (folder, port) = (stack.join("redis-left"), free_port()?);
    std::fs::create_dir_all(&folder)?;
    let mut redis = Command::new("redis-server");
    let mut redis =
        redis.args(["--port", &port.to_string(), "--dir"]).arg(&folder).stdout(std::process::Stdio::null()).spawn()?;
    wait_for("Redis", std::time::Duration::from_secs(5), || async {
        Ok(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(()))
    })
    .await?;
    let told = target.done("down")?;
    assert!(told.contains("ending 2 processes that tests left"), "{told}");
    redis.wait()?;
    wait_for("the end of the left process", std::time::Duration::from_secs(5), || async {
        Ok((!alive(&left)).then_some(()))
    })
    .await?;
    assert!(alive(&other), "a process outside of the stack was ended");
    happening_stack::stop_pid_file(&other, &happening_stack::quiet)
}
