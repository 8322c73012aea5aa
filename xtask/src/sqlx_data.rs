//! Writes and compares `.sqlx`, the data that SQL is checked against when there is no database. The SQL macros write it
//! while the server is compiled.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use happening_stack::progress::{self, say, step};
use happening_stack::project::{root, target};
use happening_stack::{Stack, postgres, run};

use crate::{build, packages};

const NAME: &str = "sqlx_data";

/// A database with the newest schema, and the folder that the SQL macros write to.
pub(crate) struct Database {
    url: String,
    learnt: PathBuf,
}

/// Writes `.sqlx` again.
///
/// # Errors
/// When a query does not fit the schema.
pub(crate) fn write(ask: bool) -> Result<()> {
    progress::begin(1);
    step("Compiling the server's queries against a database of the newest schema");
    packages::ensure(ask, &[packages::SERVICES])?;
    let stack = Stack::at(&target().join("test-stack"))?;
    postgres::start(&stack, &say)?;
    let made = Database::migrated(&stack).and_then(|database| {
        let arguments =
            ["check", "--workspace", "--bin", "happening-backend", "--features", "happening-backend/switches"];
        database.learn(|env| build::cargo_with(&arguments, env))?;
        read(&database.learnt)
    });
    if !stack.runs() {
        postgres::stop(&stack, &say)?;
    }
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

impl Database {
    /// Creates the database and runs all migrations.
    ///
    /// # Errors
    /// When a migration fails.
    pub(crate) fn migrated(stack: &Stack) -> Result<Self> {
        let psql = Stack::postgres_programs()?.join("psql");
        let admin = |sql: &str| run(Command::new(&psql).args([&stack.database_url("postgres"), "-qc", sql]));
        admin(&format!("drop database if exists {NAME} with (force)"))?;
        admin(&format!("create database {NAME}"))?;
        let url = stack.database_url(NAME);
        let mut files: Vec<_> =
            std::fs::read_dir(root().join("migrations"))?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        files.retain(|file| file.to_string_lossy().ends_with(".up.sql"));
        files.sort();
        for file in &files {
            run(Command::new(&psql).args([&url, "-q", "-v", "ON_ERROR_STOP=1", "-f"]).arg(file))?;
        }
        Ok(Self { url, learnt: target().join("sqlx-data") })
    }

    /// Runs `compile`, which must compile the server with this environment, and collects what the SQL macros write.
    ///
    /// # Errors
    /// When `compile` fails.
    pub(crate) fn learn(&self, compile: impl FnOnce(&[(&str, &str)]) -> Result<()>) -> Result<()> {
        std::fs::remove_dir_all(&self.learnt).ok();
        std::fs::create_dir_all(&self.learnt)?;
        // the macros run only when the package is compiled, so make a file look changed; its old time is restored
        // afterwards, so that later builds need not compile the package again
        let main = std::fs::File::options().append(true).open(root().join("backend/src/main.rs"))?;
        let changed = main.metadata()?.modified()?;
        main.set_modified(now())?;
        let learnt = self.learnt.display().to_string();
        // overrides the setting of a person who otherwise works without a database
        let online = ("SQLX_OFFLINE", "false");
        let compiled = compile(&[("DATABASE_URL", &self.url), ("SQLX_OFFLINE_DIR", &learnt), online]);
        main.set_modified(changed)?;
        compiled
    }

    /// Compares `.sqlx` with what the SQL macros wrote.
    ///
    /// # Errors
    /// When they differ.
    pub(crate) fn compare(&self) -> Result<()> {
        if read(&self.learnt)? == read(&root().join(".sqlx"))? {
            return Ok(());
        }
        bail!(".sqlx is stale; write it with: cargo xtask sqlx");
    }
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
