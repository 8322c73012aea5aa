//! Processor time of processes, from `/proc` (proc_pid_stat(5)).

use anyhow::{Context, Result};
use happening_stack::{Stack, pid_of, postgres};

/// Linux counts in hundredths of a second (`sysconf(_SC_CLK_TCK)`).
const TICKS_PER_S: f64 = 100.0;

/// Processor seconds that the parts of a measurement have taken so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cpu {
    pub(super) server: f64,
    pub(super) postgres: f64,
    pub(super) redis: f64,
    /// Of this process's children that have ended: the crowd.
    pub(super) load: f64,
}

impl Cpu {
    /// Of a server, when there is one, and of its stack's services.
    ///
    /// # Errors
    /// When one of them does not run.
    pub(super) fn now(stack: &Stack, server: Option<u32>) -> Result<Self> {
        let postgres = postgres::pid(stack)?.context("Postgres does not run")?;
        let redis = pid_of(&stack.pid_file("redis")).context("Redis does not run")?;
        let own = stat(std::process::id())?;
        Ok(Self {
            server: server.map_or(Ok(0.0), |server| stat(server).map(|stat| stat.seconds()))?,
            postgres: with_children(postgres)?,
            redis: stat(redis)?.seconds(),
            load: own.children_ticks / TICKS_PER_S,
        })
    }

    /// Microseconds of all together since `before`, for one of so many rows.
    pub(super) fn all_since(self, before: Self, rows: f64) -> f64 {
        let sum = |cpu: Self| cpu.server + cpu.postgres + cpu.redis + cpu.load;
        (sum(self) - sum(before)) * 1e6 / rows.max(1.0)
    }

    /// Microseconds of each since `before`, for one of so many bookings.
    pub(super) fn since(self, before: Self, bookings: i64) -> serde_json::Value {
        let each = |now: f64, then: f64| ((now - then) * 1e6 / bookings.max(1) as f64).round();
        serde_json::json!({
            "server_us": each(self.server, before.server),
            "postgres_us": each(self.postgres, before.postgres),
            "redis_us": each(self.redis, before.redis),
            "load_us": each(self.load, before.load),
        })
    }
}

struct Stat {
    parent: u32,
    own_ticks: f64,
    children_ticks: f64,
}

impl Stat {
    fn seconds(&self) -> f64 {
        self.own_ticks / TICKS_PER_S
    }
}

fn stat(pid: u32) -> Result<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // the name, in parentheses, can hold anything
    let (_, rest) = text.rsplit_once(')').context("a name in parentheses")?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| words.get(at).and_then(|word| word.parse::<f64>().ok()).context("a number of ticks");
    Ok(Stat {
        parent: words.get(1).and_then(|word| word.parse().ok()).context("a parent")?,
        own_ticks: ticks(11)? + ticks(12)?,
        children_ticks: ticks(13)? + ticks(14)?,
    })
}

/// Of a process, its children, and those of them that have ended.
fn with_children(pid: u32) -> Result<f64> {
    let parent = stat(pid)?;
    let mut seconds = parent.seconds() + parent.children_ticks / TICKS_PER_S;
    for entry in std::fs::read_dir("/proc")? {
        let child = entry?.file_name().to_str().and_then(|name| name.parse().ok());
        // one that has ended since is counted as such the next time
        if let Some(child) = child.and_then(|child| stat(child).ok()).filter(|child| child.parent == pid) {
            seconds += child.seconds();
        }
    }
    Ok(seconds)
}
