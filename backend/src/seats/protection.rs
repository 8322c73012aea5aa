//! Protections of the seat writer that the simulation takes out, one at a time, to see that it notices. Outside of tests all hold.

/// A protection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(test), expect(dead_code, reason = "some belong to the simulated database"))]
pub(super) enum Protection {
    /// A transaction holds its events' rows.
    RowLock,
    /// What the rows know is looked up after the rows were had.
    FactsAfterLock,
    /// What was done by a copy of a command is found before anything is decided.
    FoundFirst,
    /// A copy in the same batch waits to be found.
    CopiesWait,
    /// A state that is behind its row catches up.
    CatchUp,
    /// What is read of the log begins with the state's own row.
    OwnRowFirst,
    /// A state is loaded from one snapshot of the rows.
    OneSnapshot,
    /// A transaction that failed leaves no decision in the state.
    Undo,
    /// Callers are answered after the commit.
    AnswerAfterCommit,
    /// After a lost reply a command keeps its id.
    SameIdAgain,
    /// Commands that did not get their turn stand in front again.
    FrontAgain,
    /// Of a batch that failed, the first half is done first.
    LeftFirst,
    /// What could not be decided of a part stands before the next part.
    PartsInOrder,
    /// A state is named by chance, too, not only by a number.
    RandomHead,
    /// A process has one transaction at an event at a time.
    OneTransaction,
    /// Bookings end once their event takes no new ones.
    ClosedFirst,
    /// New seats go to the waitlist before others can book them.
    WaitlistFirst,
    /// Seats that are given back are so before others are taken.
    ReleasesFirst,
    /// A state must count what its row does.
    CountsCompared,
    /// A transaction must change as many rows as were expected.
    RowsCounted,
}

#[cfg(test)]
thread_local! {
    static OUT: std::cell::Cell<Option<Protection>> = const { std::cell::Cell::new(None) };
}

/// Whether the protection is taken out.
#[cfg(test)]
pub(super) fn out(protection: Protection) -> bool {
    OUT.get() == Some(protection)
}

/// Outside of tests every protection holds.
#[cfg(not(test))]
pub(super) const fn out(_: Protection) -> bool {
    false
}

/// Takes a protection out on this thread.
#[cfg(test)]
pub(super) fn take_out(protection: Option<Protection>) {
    OUT.set(protection);
}
