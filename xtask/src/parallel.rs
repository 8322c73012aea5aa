//! Runs jobs at the same time.

use std::sync::{Mutex, PoisonError};

use anyhow::{Error, Result};
use happening_stack::progress::say;

use crate::build;

/// A part of a step, with its name for messages of failure.
pub(crate) type Job<'j> = (&'static str, Box<dyn FnOnce() -> Result<()> + Send + 'j>);

/// Runs all jobs at once and waits for them. When a job fails, the builds of the others are ended.
///
/// # Errors
/// When a job fails: its failure, the first one.
pub(crate) fn side_by_side(jobs: Vec<Job<'_>>) -> Result<()> {
    let failed: Mutex<Option<Error>> = Mutex::default();
    std::thread::scope(|scope| {
        for (name, job) in jobs {
            let failed = &failed;
            scope.spawn(move || {
                let Err(error) = job() else { return };
                let mut first = failed.lock().unwrap_or_else(PoisonError::into_inner);
                if first.is_none() {
                    say(&format!("{name} failed; what else goes on is ended"));
                    *first = Some(error);
                    build::end_all();
                }
            });
        }
    });
    failed.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}
