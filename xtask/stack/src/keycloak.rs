//! Installs and starts Keycloak, from its distribution on Maven Central, with the realm and theme of `docker/keycloak`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::http;
use crate::process::{Service, alive, run};
use crate::{Say, Stack};

const VERSION: &str = "26.4.5";

/// Fetches, unpacks and builds the distribution in `tools`, which all stacks share.
pub(crate) fn unpack(tools: &Path, say: Say<'_>) -> Result<PathBuf> {
    let home = tools.join(format!("keycloak-{VERSION}"));
    if home.join("built").exists() {
        return Ok(home);
    }
    std::fs::create_dir_all(tools)?;
    let archive = tools.join(format!("keycloak-quarkus-dist-{VERSION}.tar.gz"));
    if !archive.exists() {
        say("getting Keycloak (160 MB, once)");
        let artifact = format!("-Dartifact=org.keycloak:keycloak-quarkus-dist:{VERSION}:tar.gz");
        let output = format!("-DoutputDirectory={}", tools.display());
        run(Command::new("mvn").args(["-q", "-B", "dependency:copy", &artifact, &output]).current_dir(tools))
            .context("Keycloak could not be fetched with Maven; is there a network?")?;
    }
    say("building Keycloak (once)");
    std::fs::remove_dir_all(&home).ok();
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(tools))?;
    run(Command::new(home.join("bin/kc.sh")).args(["build", "--db=dev-file", "--health-enabled=true"]))
        .context("Keycloak cannot be built; Java 17 or newer is needed")?;
    std::fs::write(home.join("built"), "")?;
    Ok(home)
}

/// Creates a Keycloak home for one stack, so that stacks do not share data: it links to the distribution and has its
/// own data folder.
fn own_home(stack: &Stack, root: &Path, shared: &Path) -> Result<PathBuf> {
    let home = stack.folder.join("keycloak");
    std::fs::create_dir_all(home.join("data/import"))?;
    std::fs::create_dir_all(home.join("themes"))?;
    // the start script treats its parent folder as the home, so `bin` is copied; the rest is linked
    run(Command::new("cp").arg("-r").arg(shared.join("bin")).arg(&home))?;
    for part in ["conf", "lib", "providers", "version.txt"] {
        let link = home.join(part);
        std::fs::remove_file(&link).ok();
        std::os::unix::fs::symlink(shared.join(part), &link)?;
    }
    let (realm, imported) = (root.join("docker/keycloak/realm.json"), home.join("data/import/realm.json"));
    if std::fs::read(&realm)? != std::fs::read(&imported).unwrap_or_default() && !alive(&stack.pid_file("keycloak")) {
        // Keycloak imports a realm only when it has none of that name, so its database is removed; only sessions are
        // lost
        std::fs::remove_dir_all(home.join("data/h2")).ok();
        std::fs::copy(&realm, &imported)?;
    }
    let theme = home.join("themes/happening");
    std::fs::remove_file(&theme).ok();
    std::os::unix::fs::symlink(root.join("docker/keycloak/theme/happening"), &theme)?;
    Ok(home)
}

/// Starts Keycloak and waits until the realm answers.
pub(crate) fn start(stack: &Stack, root: &Path, shared: &Path, say: Say<'_>) -> Result<()> {
    let home = own_home(stack, root, shared)?;
    let (pid_file, log_file) = (stack.pid_file("keycloak"), stack.log_file("keycloak"));
    if !alive(&pid_file) {
        // Keycloak caches compressed copies of a theme's files here, and would serve outdated ones
        std::fs::remove_dir_all(home.join("data/tmp")).ok();
    }
    let service = Service { name: "Keycloak", pid_file: &pid_file, log_file: &log_file };
    let ports = &stack.ports;
    let mut command = Command::new(home.join("bin/kc.sh"));
    command
        .args(["start", "--optimized", "--import-realm", "--cache=local"])
        .args(["--http-enabled=true", "--hostname-strict=false", "--http-host=127.0.0.1"])
        .arg(format!("--http-port={}", ports.keycloak))
        .arg(format!("--http-management-port={}", ports.keycloak_management))
        .env("JAVA_OPTS_KC_HEAP", "-Xms64m -Xmx512m")
        .env("KC_BOOTSTRAP_ADMIN_USERNAME", "admin")
        .env("KC_BOOTSTRAP_ADMIN_PASSWORD", "admin")
        .current_dir(&home);
    if service.start(&mut command)? {
        say("starting Keycloak");
    }
    let url = format!("{}/.well-known/openid-configuration", stack.issuer());
    service.wait_until(Duration::from_secs(180), || http::answers(&url))
}
