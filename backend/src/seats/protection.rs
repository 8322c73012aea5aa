//! Protections of the seat writer. The simulation removes one at a time, and must notice each time. Outside of tests all are active.

/// A mechanism that keeps seats consistent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(test), expect(dead_code, reason = "some belong to the simulated database"))]
pub(super) enum Protection {
    /// A transaction locks the rows of its events.
    RowLock,
    /// Facts are read only after the events' rows are locked.
    FactsAfterLock,
    /// A command is first compared with what an earlier copy of it wrote.
    FoundFirst,
    /// A copy of a command in the same batch waits until the first one is committed.
    CopiesWait,
    /// A state that is older than its row catches up by the log.
    CatchUp,
    /// The first log row that is read must be the state's own version and head.
    OwnRowFirst,
    /// A state is loaded from one snapshot of the rows.
    OneSnapshot,
    /// The decisions of a failed transaction are undone in the state.
    Undo,
    /// Callers are answered after the commit.
    AnswerAfterCommit,
    /// After a lost reply to COMMIT, a command is tried again with the same id.
    SameIdAgain,
    /// Commands that were taken but not done go back to the front of their queue.
    FrontAgain,
    /// When a failed batch is halved, the first half is done first.
    LeftFirst,
    /// Commands of one part that could not be decided are not overtaken by the next part.
    PartsInOrder,
    /// A state is named by a random head in addition to its version.
    RandomHead,
    /// A process has at most one transaction at an event at a time.
    OneTransaction,
    /// Bookings of an event are ended only after it stopped taking new ones.
    ClosedFirst,
    /// New seats go to the waitlist before others can book them.
    WaitlistFirst,
    /// Seats are released in a statement before the one that takes seats.
    ReleasesFirst,
    /// A state must have the same counts as its row.
    CountsCompared,
    /// A transaction must change exactly as many rows as expected.
    RowsCounted,
}

#[cfg(test)]
thread_local! {
    static OUT: std::cell::Cell<Option<Protection>> = const { std::cell::Cell::new(None) };
}

/// Whether the protection is removed in this test.
#[cfg(test)]
pub(super) fn out(protection: Protection) -> bool {
    OUT.get() == Some(protection)
}

/// Outside of tests no protection can be removed.
#[cfg(not(test))]
pub(super) const fn out(_: Protection) -> bool {
    false
}

/// Removes a protection on this thread; `None` restores all.
#[cfg(test)]
pub(super) fn take_out(protection: Option<Protection>) {
    OUT.set(protection);
}
