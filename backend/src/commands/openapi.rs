//! `openapi`: prints the document that `/openapi.json` serves, for programs that read it from a file.

/// Prints the document.
///
/// # Errors
/// Never in practice, since the document consists of plain values.
pub(crate) fn run() -> anyhow::Result<()> {
    println!("{}", crate::http::router::document().to_pretty_json()?);
    Ok(())
}
