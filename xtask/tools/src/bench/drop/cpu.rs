//! Processor time of processes, from `/proc` (proc_pid_stat(5)).

use anyhow::{Context, Result};
use happening_stack::{Stack, pid_of, postgres};

/// Linux counts processor time in hundredths of a second (`sysconf(_SC_CLK_TCK)`).
const TICKS_PER_S: f64 = 100.0;

/// The processor seconds that each part of a measurement has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cpu {
    pub(super) server: f64,
    pub(super) postgres: f64,
    pub(super) redis: f64,
    /// Of the crowd: this process's children that have ended.
    pub(super) load: f64,
}

impl Cpu {
    /// Reads the processor seconds of the server, if there is one, and of the stack's services.
    ///
    /// # Errors
    /// When Postgres, Redis or the server does not run.
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

    /// Microseconds per row that all parts together have used since `before`.
    pub(super) fn all_since(self, before: Self, rows: f64) -> f64 {
        let sum = |cpu: Self| cpu.server + cpu.postgres + cpu.redis + cpu.load;
        (sum(self) - sum(before)) * 1e6 / rows.max(1.0)
    }

    /// Microseconds per booking that each part has used since `before`.
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
    // the name, in parentheses, can contain any character
    let (_, rest) = text.rsplit_once(')').context("a name in parentheses")?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| words.get(at).and_then(|word| word.parse::<f64>().ok()).context("a number of ticks");
    Ok(Stat {
        parent: words.get(1).and_then(|word| word.parse().ok()).context("a parent")?,
        own_ticks: ticks(11)? + ticks(12)?,
        children_ticks: ticks(13)? + ticks(14)?,
    })
}

/// Processor seconds of a process, its children, and its children that have ended.
fn with_children(pid: u32) -> Result<f64> {
    let parent = stat(pid)?;
    let mut seconds = parent.seconds() + parent.children_ticks / TICKS_PER_S;
    for entry in std::fs::read_dir("/proc")? {
        let child = entry?.file_name().to_str().and_then(|name| name.parse().ok());
        // a child that has ended meanwhile is counted in the parent's `children_ticks` the next time
        if let Some(child) = child.and_then(|child| stat(child).ok()).filter(|child| child.parent == pid) {
            seconds += child.seconds();
        }
    }
    Ok(seconds)
}
