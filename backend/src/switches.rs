//! Switches that take a protection away, to prove that its test notices. Compiled in by the feature `switches` only.

/// Whether the switch of that name is on: `HAPPENING_SWITCHES` lists them, separated by commas.
#[cfg(feature = "switches")]
pub(crate) fn on(name: &str) -> bool {
    static ON: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
        std::env::var("HAPPENING_SWITCHES").unwrap_or_default().split(',').map(str::to_owned).collect()
    });
    ON.iter().any(|switch| switch == name)
}

/// Without the feature no switch exists.
#[cfg(not(feature = "switches"))]
pub(crate) const fn on(_: &str) -> bool {
    false
}
