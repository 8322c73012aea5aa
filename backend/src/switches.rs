//! Switches that take a protection away, or make something fail, to prove that its test notices. Compiled in by the feature `switches` only.

/// A switch. `HAPPENING_SWITCHES` has the names of those that are on, separated by commas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    /// `no_pulse`: a database that stands still is not noticed.
    NoPulse,
    /// `no_connection_check`: connections that ended while they lay idle are handed out.
    NoConnectionCheck,
    /// `promote_later`: the transaction that frees a seat does not give it to the waitlist.
    PromoteLater,
    /// `batches_of_one`: a transaction has one command. The reference of a benchmark.
    BatchesOfOne,
    /// `lanes_panic`: each fifth transaction panics.
    LanesPanic,
    /// `thirteen_panics`: the decision on a booking of thirteen seats panics.
    ThirteenPanics,
}

#[cfg(feature = "switches")]
impl Switch {
    const NAMES: [(&str, Self); 6] = [
        ("no_pulse", Self::NoPulse),
        ("no_connection_check", Self::NoConnectionCheck),
        ("promote_later", Self::PromoteLater),
        ("batches_of_one", Self::BatchesOfOne),
        ("lanes_panic", Self::LanesPanic),
        ("thirteen_panics", Self::ThirteenPanics),
    ];

    pub(crate) fn is_on(self) -> bool {
        static ON: std::sync::LazyLock<Vec<Switch>> = std::sync::LazyLock::new(Switch::read);
        ON.contains(&self)
    }

    /// Whether it is on, each fifth time that this is asked.
    pub(crate) fn is_on_every_fifth_time(self) -> bool {
        static TIMES: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        self.is_on() && TIMES.fetch_add(1, std::sync::atomic::Ordering::Relaxed) % 5 == 4
    }

    fn read() -> Vec<Self> {
        let names = std::env::var("HAPPENING_SWITCHES").unwrap_or_default();
        let of = |name: &str| Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, switch)| *switch);
        let switches: Option<_> = names.split(',').filter(|name| !name.is_empty()).map(of).collect();
        switches.expect("tests and benchmarks name only switches of the list")
    }
}

/// Without the feature no switch is ever on.
#[cfg(not(feature = "switches"))]
impl Switch {
    pub(crate) const fn is_on(self) -> bool {
        false
    }

    pub(crate) const fn is_on_every_fifth_time(self) -> bool {
        false
    }
}
