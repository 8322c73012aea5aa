//! `token`: an access token through the real sign-in.

use anyhow::{Context, Result};
use happening_tests::People;

use crate::services;

/// Prints a token, and nothing else, on standard output.
///
/// # Errors
/// When the stack does not run or the person is unknown.
pub(crate) async fn token(name: &str) -> Result<()> {
    let issuer = services::stack()?
        .written("OIDC_ISSUER_URL")
        .context("nothing was started yet: start it with cargo xtask up")?;
    let token = People::of(&issuer)
        .token(name)
        .await
        .with_context(|| format!("{name} could not sign in; does the stack run (cargo xtask up)?"))?;
    println!("{token}");
    Ok(())
}
