//! Prints a task's progress: numbered steps, lines about them, and a sign of life when nothing else was printed for a
//! while.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// After so long without output, a person may think that the task hangs.
const SILENCE_MAX: Duration = Duration::from_secs(15);
const LOOK_EVERY: Duration = Duration::from_secs(1);

static PROGRESS: Mutex<Progress> =
    Mutex::new(Progress { steps: 0, at: 0, name: String::new(), since: None, said: None });

struct Progress {
    /// How many steps the task has.
    steps: usize,
    at: usize,
    name: String,
    /// When the step began.
    since: Option<Instant>,
    /// When a line was last printed.
    said: Option<Instant>,
}

/// Sets the number of steps, and starts the thread that prints signs of life.
pub fn begin(steps: usize) {
    let mut progress = PROGRESS.lock().unwrap_or_else(PoisonError::into_inner);
    let first = progress.said.is_none();
    *progress = Progress { steps, at: 0, name: String::new(), since: None, said: Some(Instant::now()) };
    if first {
        std::thread::spawn(give_signs_of_life);
    }
}

/// Begins the next step and prints its name. Steps beyond the announced number are printed without a number.
pub fn step(name: &str) {
    let mut progress = PROGRESS.lock().unwrap_or_else(PoisonError::into_inner);
    progress.at += 1;
    name.clone_into(&mut progress.name);
    (progress.since, progress.said) = (Some(Instant::now()), Some(Instant::now()));
    if progress.at <= progress.steps {
        eprintln!("==> [{}/{}] {name}", progress.at, progress.steps);
    } else {
        eprintln!("==> {name}");
    }
}

/// Prints a line about what the task is doing.
pub fn say(text: &str) {
    eprintln!("    {text}");
    spoke();
}

/// Notes that a line was printed.
pub fn spoke() {
    PROGRESS.lock().unwrap_or_else(PoisonError::into_inner).said = Some(Instant::now());
}

fn give_signs_of_life() {
    loop {
        std::thread::sleep(LOOK_EVERY);
        let mut progress = PROGRESS.lock().unwrap_or_else(PoisonError::into_inner);
        let silent = progress.said.is_none_or(|said| said.elapsed() >= SILENCE_MAX);
        if let Some(since) = progress.since.filter(|_| silent) {
            eprintln!("    still at it: {} ({})", progress.name, duration(since.elapsed()));
            progress.said = Some(Instant::now());
        }
    }
}

/// A duration for people to read, such as `1 min 20 s`.
pub fn duration(time: Duration) -> String {
    match (time.as_secs() / 60, time.as_secs() % 60) {
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    }
}

/// Stops the signs of life, because a person decides how long the next part takes.
pub fn quiet() {
    PROGRESS.lock().unwrap_or_else(PoisonError::into_inner).since = None;
}
