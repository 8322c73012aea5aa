//! `token`: an access token through the real sign-in.

use anyhow::{Context, Result};
use happening_tests::People;

use crate::services;

/// Prints a token, and nothing else, on standard output.
///
/// # Errors
/// When the stack does not run or the person is unknown.
pub(crate) async fn token(name: &str) -> Result<()> {
    let stack = services::stack()?;
    let token = People::of(&stack.issuer())
        .token(name)
        .await
        .with_context(|| format!("{name} could not sign in; does the stack run (cargo xtask up)?"))?;
    println!("{token}");
    Ok(())
}
