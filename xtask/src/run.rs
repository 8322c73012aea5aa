//! `run`: the whole stack, then the app's window.

use anyhow::Result;

pub(crate) async fn run(_ask: bool, _virtual_display: bool, _docker: bool) -> Result<()> {
    Ok(())
}
