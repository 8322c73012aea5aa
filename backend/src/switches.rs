//! Switches that turn a protection off, or make something fail, so that a test can prove it notices. They exist only with the feature
//! `switches`.

/// A switch. The variable `HAPPENING_SWITCHES` lists the names of those that are on, separated by commas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    /// `no_pulse`: an unresponsive database is not noticed.
    NoPulse,
    /// `no_connection_check`: the pool hands out idle connections without checking that they still work.
    NoConnectionCheck,
    /// `promote_later`: the transaction that frees a seat does not give it to the waitlist.
    PromoteLater,
    /// `batches_of_one`: each transaction has only one command. A benchmark compares with this.
    BatchesOfOne,
    /// `lanes_panic`: every fifth transaction panics.
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

    /// True for every fifth call, if the switch is on.
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

/// Without the feature every switch is off.
#[cfg(not(feature = "switches"))]
impl Switch {
    pub(crate) const fn is_on(self) -> bool {
        false
    }

    pub(crate) const fn is_on_every_fifth_time(self) -> bool {
        false
    }
}
