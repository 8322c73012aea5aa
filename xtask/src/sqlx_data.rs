//! The data in `.sqlx` that SQL is checked against when there is no database: written by the compiler itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use happening_tests::stack::{Stack, run};

use crate::{build, packages, root, say, step};

/// Writes `.sqlx` anew.
///
/// # Errors
/// When a query does not fit the schema.
pub(crate) async fn write(ask: bool) -> Result<()> {
    packages::ensure(ask, &[packages::SERVICES])?;
    let stack = Stack::at(&build::target().join("test-stack"))?;
    stack.start(&root(), &build::tools(), &say).await?;
    let made = make(&stack);
    stack.stop(&say).await?;
    let made = made?;
    let folder = root().join(".sqlx");
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder)?;
    for (name, text) in &made {
        std::fs::write(folder.join(name), text)?;
    }
    say(&format!("{} queries", made.len()));
    Ok(())
}

/// Whether `.sqlx` is what the compiler would write.
///
/// # Errors
/// When it is not.
pub(crate) async fn check(stack: &Stack) -> Result<()> {
    step("Comparing .sqlx with the schema");
    if make(stack)? == read(&root().join(".sqlx"))? {
        return Ok(());
    }
    bail!(".sqlx is stale; write it anew with: cargo xtask sqlx");
}

/// Compiles the server's queries against a database that has just been migrated.
fn make(stack: &Stack) -> Result<BTreeMap<String, String>> {
    let database = "sqlx_data";
    let psql = Stack::postgres_programs()?.join("psql");
    let admin = |sql: &str| run(Command::new(&psql).args([&stack.database_url("postgres"), "-qc", sql]));
    admin(&format!("drop database if exists {database}"))?;
    admin(&format!("create database {database}"))?;
    let url = stack.database_url(database);
    let mut files: Vec<_> =
        std::fs::read_dir(root().join("migrations"))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.retain(|file| file.to_string_lossy().ends_with(".up.sql"));
    files.sort();
    for file in &files {
        run(Command::new(&psql).args([&url, "-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(file))?;
    }
    let folder = build::target().join("sqlx-data");
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder)?;
    // the macros run when the package is compiled
    let main = root().join("backend/src/main.rs");
    std::fs::File::options().append(true).open(&main)?.set_modified(now())?;
    let out = folder.display().to_string();
    let arguments = ["check", "--quiet", "--package", "happening-backend", "--features", "switches"];
    build::cargo_with(&arguments, &[("DATABASE_URL", &url), ("SQLX_OFFLINE_DIR", &out)])?;
    read(&folder)
}

fn read(folder: &Path) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        files.insert(entry.file_name().to_string_lossy().into_owned(), std::fs::read_to_string(entry.path())?);
    }
    Ok(files)
}

#[expect(clippy::disallowed_methods, reason = "a task of development, not the product")]
fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}
