//! Switches that take a protection away, to prove that its test notices. Compiled in by the feature `switches` only.

/// Whether the switch of that name is on: `HAPPENING_SWITCHES` lists them, separated by commas.
#[cfg(feature = "switches")]
pub(crate) fn on(name: &str) -> bool {
    static ON: std::sync::LazyLock<Vec<String>> = std::sync::LazyLock::new(|| {
        std::env::var("HAPPENING_SWITCHES").unwrap_or_default().split(',').map(str::to_owned).collect()
    });
    ON.iter().any(|switch| switch == name)
}

/// Whether the switch is on, each fifth time that this is asked.
#[cfg(feature = "switches")]
pub(crate) fn on_every_fifth_time(name: &str) -> bool {
    static TIMES: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    on(name) && TIMES.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 5 == 4
}

/// Without the feature no switch exists.
#[cfg(not(feature = "switches"))]
pub(crate) const fn on(_: &str) -> bool {
    false
}

/// Without the feature no switch exists.
#[cfg(not(feature = "switches"))]
pub(crate) const fn on_every_fifth_time(_: &str) -> bool {
    false
}
