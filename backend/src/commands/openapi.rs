//! `openapi`: the document that `/openapi.json` serves, for programs that read it from a file.

/// Prints it.
///
/// # Errors
/// Never in practice: it consists of plain values.
pub(crate) fn run() -> anyhow::Result<()> {
    println!("{}", crate::http::router::document().to_pretty_json()?);
    Ok(())
}
