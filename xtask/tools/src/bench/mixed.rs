//! `bench mixed`: sends all kinds of changes at once, at several events and two servers, at a steady rate. No request
//! may be answered 503, and the audit must find no violation.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use happening_api::{Booking, Event, EventId};
use happening_stack::Stack;
use happening_stack::progress::{say, step};
use happening_stack::project::{root, target, tools};
use happening_tests::{Client, World, WorldOptions};
use serde_json::json;
use tokio::sync::Mutex;

use super::report_as;

const EVENTS: usize = 3;
const SEATS: i32 = 300;
/// Tasks that send requests; each waits for its answer before the next.
const CALLERS: usize = 128;
/// One of so many requests changes a capacity.
const RESIZES: u32 = 100;

/// How often each kind of request was answered with each status, and how long each answer took.
#[derive(Default)]
struct Answers {
    counts: BTreeMap<(&'static str, u16), u64>,
    times_ms: Vec<f64>,
}

/// Runs the benchmark.
///
/// # Errors
/// When a request is answered 503, or the audit finds a violation.
pub(super) async fn run(rate: u32, seconds: u32) -> Result<()> {
    let stack = Stack::at(&target().join("bench-stack"))?;
    let result = match stack.start(&root(), &tools(), &say).and_then(|()| stack.drop_test_databases()) {
        Ok(()) => mixed_on(&stack, rate, seconds).await,
        Err(error) => Err(error),
    };
    stack.stop(&say)?;
    result
}

async fn mixed_on(stack: &Stack, rate: u32, seconds: u32) -> Result<()> {
    let program = target().join("release/happening-backend");
    let world = World::on(stack.clone(), &program, WorldOptions::default()).await?;
    let owner = world.person("ada").await?;
    let mut people = Vec::new();
    for name in ["grace", "alan", "barbara", "edsger", "frances", "donald", "margaret"] {
        people.push(world.person(name).await?);
    }
    let mut events = Vec::new();
    for _ in 0..EVENTS {
        events.push(world.event(&owner, SEATS).await?);
    }
    step(&format!("{rate} requests a second for {seconds} s, {EVENTS} events, {} servers", world.backends()));
    let answers = Arc::new(Mutex::new(Answers::default()));
    let end = Instant::now() + Duration::from_secs(seconds.into());
    let every = Duration::from_secs_f64(CALLERS as f64 / f64::from(rate));
    let callers: Vec<_> = (0..CALLERS)
        .map(|n| {
            let base = world.base(n % world.backends());
            let caller = Caller {
                owner: owner.at(&base),
                person: people[n % people.len()].at(&base),
                events: events.clone(),
                bookings: Vec::new(),
                seed: n as u64 + 1,
                answers: Arc::clone(&answers),
            };
            let first = every.mul_f64(n as f64 / CALLERS as f64);
            tokio::spawn(caller.call(end, every, first))
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    let answers = Arc::into_inner(answers).context("all callers have ended")?.into_inner();
    step("Auditing");
    world.audit().context("the audit after the load")?;
    report(answers, rate, seconds)
}

struct Caller {
    owner: Client,
    person: Client,
    events: Vec<Event>,
    bookings: Vec<Booking>,
    seed: u64,
    answers: Arc<Mutex<Answers>>,
}

impl Caller {
    async fn call(mut self, end: Instant, every: Duration, first: Duration) -> Result<()> {
        tokio::time::sleep(first).await;
        let mut ticks = tokio::time::interval(every);
        while Instant::now() < end {
            ticks.tick().await;
            let started = Instant::now();
            let (kind, status) = self.one().await?;
            let mut answers = self.answers.lock().await;
            *answers.counts.entry((kind, status)).or_default() += 1;
            answers.times_ms.push(started.elapsed().as_secs_f64() * 1e3);
        }
        Ok(())
    }

    /// A pseudorandom number below `end` by xorshift (Marsaglia, 2003), so that each run sends the same requests.
    fn below(&mut self, end: u32) -> u32 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 32) as u32 % end
    }

    fn event(&mut self) -> EventId {
        let at = self.below(EVENTS as u32) as usize;
        self.events[at].id
    }

    async fn one(&mut self) -> Result<(&'static str, u16)> {
        let choice = self.below(RESIZES);
        if choice == 0 {
            let event = self.event();
            let total = SEATS + self.below(200) as i32;
            let reply = self.owner.put(&format!("/events/{event}"), json!({ "total_slots": total })).await?;
            return Ok(("resize", reply.status.as_u16()));
        }
        if choice > 50 && !self.bookings.is_empty() {
            let at = self.below(self.bookings.len() as u32) as usize;
            let booking = self.bookings.swap_remove(at);
            if choice > 80 && booking.waiting_seats > 0 {
                let reply = self.person.post(&format!("/bookings/{}/claim", booking.id), json!({})).await?;
                self.bookings.push(booking);
                return Ok(("claim", reply.status.as_u16()));
            }
            let reply = self.person.post(&format!("/bookings/{}/cancel", booking.id), json!({})).await?;
            return Ok(("cancel", reply.status.as_u16()));
        }
        let event = self.event();
        let seats = 1 + self.below(4) as i32;
        let reply = self.person.book(event, seats).await?;
        let status = reply.status.as_u16();
        if status == 201 {
            self.bookings.push(reply.json());
        }
        Ok(("book", status))
    }
}

fn report(mut answers: Answers, rate: u32, seconds: u32) -> Result<()> {
    answers.times_ms.sort_by(f64::total_cmp);
    let at = |share: f64| answers.times_ms[((answers.times_ms.len() - 1) as f64 * share) as usize];
    let all: u64 = answers.counts.values().sum();
    for ((kind, status), count) in &answers.counts {
        println!("{kind:<8} {status}: {count}");
    }
    println!(
        "{all} answers; half within {:.1} ms, 99 % within {:.1} ms, all within {:.1} ms",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    let counts: BTreeMap<String, u64> =
        answers.counts.iter().map(|((kind, status), count)| (format!("{kind} {status}"), *count)).collect();
    let figures = json!({ "rate": rate, "seconds": seconds, "answers": counts, "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0) });
    report_as("mixed", &figures)?;
    let refused: u64 = answers.counts.iter().filter(|((_, status), _)| *status >= 500).map(|(_, count)| count).sum();
    ensure!(refused == 0, "{refused} of {all} requests were refused");
    Ok(())
}
