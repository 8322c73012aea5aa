//! `check`: checks formatting, links in documents, layers, licences, unused dependencies, lints, and whether generated
//! files are up to date. It runs no tests. The only service that it needs is Postgres, which SQL is checked against.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use happening_stack::progress::{self, say, step};
use happening_stack::project::{root, target, tools};
use happening_stack::{Stack, postgres};

use crate::{build, doctor, layers, openapi, packages, sqlx_data, ui};

/// Tools and their versions, each installed once into `target/tools`.
const TOOLS: [(&str, &str); 2] = [("cargo-deny", "0.20.2"), ("cargo-machete", "0.9.2")];
const DOCUMENTS: [&str; 15] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "migrations/README.md",
    "docs/api.md",
    "docs/decisions/0001-seats.md",
    "docs/decisions/0002-database.md",
    "docs/decisions/0003-messages.md",
    "docs/decisions/0004-people.md",
    "docs/decisions/0005-app.md",
    "docs/decisions/0006-api.md",
    "docs/decisions/0007-connections.md",
    "docs/decisions/0008-tasks.md",
    "docs/guide.md",
    "docs/runbooks.md",
];

/// Runs all checks, the fastest first.
///
/// # Errors
/// When a check fails.
pub(crate) fn check(ask: bool) -> Result<()> {
    progress::begin(6);
    step("Formatting, links and layers");
    build::cargo(&["fmt", "--all", "--check"])?;
    documents()?;
    layers::check()?;
    step("Looking at this machine");
    doctor::before_building()?;
    packages::ensure(ask, &[packages::SHELL, packages::SERVICES])?;
    step("Licences and unused dependencies");
    for (name, version) in TOOLS {
        install(name, version)?;
    }
    tool("cargo-machete", &["."])?;
    tool("cargo-deny", &["--all-features", "check", "bans", "licenses", "sources"])?;
    step("Lints, and SQL against the schema");
    let stack = Stack::at(&target().join("test-stack"))?;
    postgres::start(&stack, &say)?;
    let linted = lint(&stack);
    if !stack.runs() {
        postgres::stop(&stack, &say)?; // only the Postgres of this task; the tests have their own
    }
    linted?;
    step("Lints of the screens, and of the seating core as wasm");
    ui::ensure_target()?;
    let packages = ["--package", "happening-ui", "--package", "happening-seating"];
    let wasm = ["--target", "wasm32-unknown-unknown", "--", "-D", "warnings"];
    build::cargo(&[&["clippy"][..], &packages, &wasm].concat())?;
    step("The API's document");
    openapi::check()
}

/// Lints everything. Meanwhile the SQL macros query the database and write a description of each query, which is then
/// compared with `.sqlx`.
fn lint(stack: &Stack) -> Result<()> {
    ui::ensure_dist()?; // the app's build reads `ui/dist`
    let database = sqlx_data::Database::migrated(stack)?;
    let all =
        ["clippy", "--workspace", "--all-targets", "--features", "happening-backend/switches", "--", "-D", "warnings"];
    database.learn(|env| build::cargo_with(&all, env))?;
    database.compare()?;
    build::cargo(&["clippy", "--workspace", "--bin", "happening-backend", "--", "-D", "warnings"])
}

fn install(name: &str, version: &str) -> Result<()> {
    let tools = tools();
    if tools.join("bin").join(name).exists() {
        return Ok(());
    }
    say(&format!("installing {name} {version} into target/tools (once)"));
    let tools = tools.display().to_string();
    // unoptimized, since each tool runs for seconds but takes minutes to compile optimized
    build::cargo(&["install", "--quiet", "--locked", "--debug", "--root", &tools, "--version", version, name])
        .with_context(|| format!("{name} cannot be installed: is there a network?"))
}

fn tool(name: &str, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new(tools().join("bin").join(name));
    if !build::shown(command.args(arguments).current_dir(root()))? {
        bail!("{name} found something");
    }
    Ok(())
}

/// Checks that every file that a document links to exists.
fn documents() -> Result<()> {
    let mut missing = Vec::new();
    for document in DOCUMENTS {
        let path = root().join(document);
        let text = std::fs::read_to_string(&path)?;
        let folder = path.parent().map(Path::to_owned).unwrap_or_default();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            if !file.is_empty() && !file.contains("://") && !folder.join(file).exists() {
                missing.push(format!("{document}: {target}"));
            }
        }
    }
    if !missing.is_empty() {
        bail!("links that lead nowhere: {}", missing.join(", "));
    }
    Ok(())
}
