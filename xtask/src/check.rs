//! `check`: what needs no services.

use anyhow::Result;

pub(crate) fn check(_ask: bool) -> Result<()> {
    Ok(())
}
