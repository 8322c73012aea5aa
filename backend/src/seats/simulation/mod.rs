//! A simulation of the seat writer. It runs two or three processes with their queues and lanes, a database modelled by statements,
//! callers who repeat requests that were not answered, and readers. A random generator with a seed chooses which task makes the next
//! step, which statements and commits are lost, which process dies, and which state in memory is corrupted. After each commit the
//! rows, the log and the counts must agree. When all tasks have ended, every answer must be in the rows, and each state in memory
//! must be what the rows hold.
//!
//! `cargo xtask simulate` runs as many schedules as are asked for; a test runs some thousands. The seed of a failing schedule is
//! printed, and `--seed` repeats it.

mod callers;
mod database;
mod executor;
mod memory;
mod organizer;
mod tables;
mod viewer;

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use happening_api::EventId;

pub(super) use self::database::refused;

use self::callers::{Caller, Journal, Processes};
use self::database::{Database, World};
use self::executor::{Chance, Executor};
use self::organizer::{Diary, Organizer};
use self::tables::Tables;
use self::viewer::Viewer;
use super::protection::{Protection, take_out};
use super::queue::Queues;
use super::reading::Reader;
use super::{states, writer};

const LANES: usize = 2;
const CALLERS: usize = 6;
const VIEWERS: usize = 2;
/// More steps than any schedule needs: a schedule that takes more has lost a command.
const STEPS_MAX: usize = 60_000;

/// Starts the lanes of a process.
fn start(executor: &mut Executor, process: usize, database: &Database) -> Arc<Queues> {
    let queues = Queues::new(true, Duration::ZERO);
    for lane in 0..2 * LANES {
        let (queues, database, main) = (Arc::clone(&queues), database.clone(), lane < LANES);
        executor.spawn(Some(process), async move {
            loop {
                let notify = if main { &queues.main } else { &queues.side };
                let notified = notify.notified();
                let held = if main { queues.take_main() } else { queues.take_side().into_iter().collect() };
                if held.is_empty() {
                    notified.await;
                } else {
                    writer::work(&database, held, !main).await;
                }
            }
        });
    }
    queues
}

/// Creates up to three events, and a database that has them.
fn events_of(mut chance: Chance) -> (Vec<EventId>, usize, Database) {
    let count = 1 + chance.below(3);
    let events: Vec<EventId> = (0..count).map(|_| EventId(chance.id())).collect();
    let mut tables = Tables::default();
    for event in &events {
        let max = chance.one_in(2).then_some(4);
        tables.add_event(*event, 1 + chance.below(6) as i32, max);
    }
    let processes = 2 + chance.below(2);
    (events, processes, Database { world: Arc::new(Mutex::new(World::new(chance, tables))) })
}

/// Runs one schedule and returns the violations that it found.
fn run(seed: u64) -> Vec<String> {
    let (events, count, database) = events_of(Chance::new(seed));
    let mut executor = Executor::default();
    let processes = Processes::default();
    for process in 0..count {
        processes.set(process, start(&mut executor, process, &database));
    }
    let journal = Arc::new(Mutex::new(Journal::default()));
    for _ in 0..CALLERS {
        let caller = Caller::new(&events, &database, &processes, &journal);
        executor.spawn(None, caller.act());
    }
    let reader = Reader::new(database.clone());
    for _ in 0..VIEWERS {
        let viewer = Viewer { events: events.clone(), database: database.clone(), reader: reader.clone() };
        executor.spawn(None, viewer.act());
    }
    let mut wrong = BTreeSet::new();
    let diary = Diary::default();
    if let (true, Some(event)) = (database.lock_world().chance.one_in(2), events.first()) {
        let (database, processes, diary) = (database.clone(), processes.clone(), Arc::clone(&diary));
        executor.spawn(None, Organizer { event: *event, database, processes, diary }.act());
    }
    let mut steps = 0;
    while executor.callers() > 0 || !database.lock_world().is_quiet() {
        steps += 1;
        if steps > STEPS_MAX {
            return vec!["a command is neither done nor given up".to_owned()];
        }
        database.lock_world().pass();
        if steps % 8 == 0 {
            disturb(&mut executor, &processes, &database, &journal);
            wrong.extend(memory::spoil(&events, &processes, &database));
        }
        let stuck = !executor.step(|ready| database.lock_world().chance.below(ready));
        if stuck && executor.callers() > 0 && database.lock_world().is_quiet() {
            return vec!["no task can go on, and callers wait".to_owned()];
        }
        if !database.lock_world().violations.is_empty() {
            break;
        }
    }
    let mut found = std::mem::take(&mut database.lock_world().violations);
    if found.is_empty() {
        let failovers = database.lock_world().failovers;
        let tables = database.lock_world().tables.clone();
        organizer::check(&diary, &tables, failovers, &mut found);
        check_states(&events, &processes, &wrong, &tables, &mut found);
        journal.lock().expect("no task panics").check(&tables, &mut found);
    }
    found
}

/// Checks that each process' states in memory equal the rows, once they have caught up. States that were corrupted on purpose are
/// left out.
fn check_states(
    events: &[EventId],
    processes: &Processes,
    wrong: &BTreeSet<(usize, EventId)>,
    tables: &Tables,
    found: &mut Vec<String>,
) {
    let all = (0..processes.count()).flat_map(|process| events.iter().map(move |event| (process, *event)));
    for (process, event) in all.filter(|one| !wrong.contains(one)) {
        check_state(process, event, processes, tables, found);
    }
}

/// Checks that a process' state of an event equals the rows, once it has caught up.
fn check_state(process: usize, event: EventId, processes: &Processes, tables: &Tables, found: &mut Vec<String>) {
    let Some(known) = processes.get(process).1.known(event) else { return };
    let row = &tables.events[&event];
    let known = if row.is_of(&known) {
        Some(known)
    } else {
        let tail = tables.tail(event, known.version);
        // none: the state belongs to a history that a failover ended
        states::catch_up(HashMap::from([(event, (known, row.clone()))]), &tail).remove(&event)
    };
    if let Some(known) = known {
        tables.check_state(event, &known, "a state in memory", found);
    }
}

/// Sometimes kills and restarts a process, or fails the database over.
fn disturb(executor: &mut Executor, processes: &Processes, database: &Database, journal: &Arc<Mutex<Journal>>) {
    let mut world = database.lock_world();
    if !world.faults {
        return;
    }
    if world.chance.one_in(60) {
        let process = world.chance.below(processes.count());
        drop(world);
        executor.kill(process);
        processes.set(process, start(executor, process, database));
    } else if world.chance.one_in(200) {
        let lost = world.fail_over();
        drop(world);
        journal.lock().expect("no task panics").forget(lost);
    }
}

/// Runs schedules from a seed on. Returns how many of them show a violation, and the first violation with its seed.
fn search(first: u64, schedules: u64, protection: Option<Protection>) -> (u64, Option<(u64, String)>) {
    take_out(protection);
    let mut failed = 0;
    let mut example = None;
    for seed in first..first + schedules {
        let found = std::panic::catch_unwind(|| run(seed)).unwrap_or_else(|_| vec!["it panicked".to_owned()]);
        if let Some(what) = found.into_iter().next() {
            failed += 1;
            example = example.or(Some((seed, what)));
            if protection.is_some() {
                break;
            }
        }
    }
    take_out(None);
    (failed, example)
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

#[test]
fn no_schedule_breaks_an_invariant() {
    let (first, schedules) = (number("SIMULATION_SEED", 1), number("SIMULATION_SCHEDULES", 2_000));
    let threads = std::thread::available_parallelism().map_or(1, |count| count.get() as u64).min(schedules);
    let started = std::time::Instant::now();
    let share = schedules.div_ceil(threads);
    let found: Vec<_> = std::thread::scope(|scope| {
        let from = (0..threads).map(|n| first + n * share);
        let all: Vec<_> = from.map(|seed| scope.spawn(move || search(seed, share, None))).collect();
        all.into_iter().map(|one| one.join().expect("violations are collected")).collect()
    });
    let failed: u64 = found.iter().map(|(failed, _)| failed).sum();
    let seconds = started.elapsed().as_secs_f64();
    println!("{} schedules from seed {first} in {seconds:.1} s, {failed} failed", share * threads);
    let example = found.into_iter().find_map(|(_, example)| example);
    assert!(example.is_none(), "seed and violation: {example:?}");
}

/// Each protection with a seed from which on few schedules are needed to show that it is missing.
const CONTROLS: [(Protection, u64); 20] = [
    (Protection::RowLock, 1),
    (Protection::FactsAfterLock, 21),
    (Protection::FoundFirst, 2),
    (Protection::CopiesWait, 7),
    (Protection::CatchUp, 1),
    (Protection::OwnRowFirst, 11324),
    (Protection::OneSnapshot, 42),
    (Protection::Undo, 1049),
    (Protection::AnswerAfterCommit, 10),
    (Protection::SameIdAgain, 7),
    (Protection::FrontAgain, 66),
    (Protection::LeftFirst, 12164),
    (Protection::PartsInOrder, 12904),
    (Protection::RandomHead, 5644),
    (Protection::OneTransaction, 125),
    (Protection::ClosedFirst, 35),
    (Protection::WaitlistFirst, 32),
    (Protection::ReleasesFirst, 1),
    (Protection::CountsCompared, 5),
    (Protection::RowsCounted, 2120),
];

#[test]
fn each_protection_that_is_taken_out_is_noticed() {
    let schedules = number("SIMULATION_SCHEDULES", 4_000);
    // a broken state panics, which the writer catches; the hook keeps these expected panics out of the output
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut unnoticed = BTreeSet::new();
    for (protection, first) in CONTROLS {
        let (_, example) = search(first, schedules, Some(protection));
        println!("{protection:?}: {example:?}");
        if example.is_none() {
            unnoticed.insert(format!("{protection:?}"));
        }
    }
    std::panic::set_hook(hook);
    assert_eq!(unnoticed, BTreeSet::new());
}
