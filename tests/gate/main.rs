//! The gate's scripts, one step after the other on a real Redis: what would lose a place, a seat or a unit asks for a rebuild,
//! and has changed nothing then.

use anyhow::Result;
use happening_tests::world::{new_id, stack};
use redis::Value;
use redis::aio::MultiplexedConnection;

const RESERVE: &str = include_str!("../../backend/src/gate/scripts/reserve.lua");
const CONFIRM: &str = include_str!("../../backend/src/gate/scripts/confirm.lua");
const RELEASE: &str = include_str!("../../backend/src/gate/scripts/release.lua");
const APPLY: &str = include_str!("../../backend/src/gate/scripts/apply.lua");
const LOAD: &str = include_str!("../../backend/src/gate/scripts/load.lua");

/// One event's gate.
struct Gate {
    redis: MultiplexedConnection,
    keys: [String; 5],
}

impl Gate {
    /// A gate of generation 1 in which these seats are taken.
    async fn with(total: u8, taken: &[u8]) -> Result<Self> {
        let url = stack()?.env()["REDIS_URL"].clone();
        let redis = redis::Client::open(url)?.get_multiplexed_async_connection().await?;
        let event = new_id();
        let keys = ["slots", "seats", "waitlist", "pending", "meta"].map(|part| format!("event:{{{event}}}:{part}"));
        let gate = Self { redis, keys };
        assert_eq!(gate.load(1, total, taken).await?, "loaded");
        Ok(gate)
    }

    async fn load(&self, generation: u8, total: u8, taken: &[u8]) -> Result<String> {
        assert!(total <= 8, "one byte is enough here");
        let bitmap = taken.iter().fold(0_u8, |bits, seat| bits | 0x80 >> (seat - 1));
        let free = usize::from(total) - taken.len();
        let script = redis::Script::new(LOAD);
        let mut call = script.prepare_invoke();
        for key in &self.keys {
            call.key(key);
        }
        call.arg(generation).arg(0).arg(total).arg(free).arg(&[bitmap][..]);
        Ok(words(&call.invoke_async::<Value>(&mut self.redis.clone()).await?).join(" "))
    }

    /// Runs a script; answers what it says, with spaces between.
    async fn run(&self, script: &str, arguments: &[&str]) -> Result<String> {
        let script = redis::Script::new(script);
        let mut call = script.prepare_invoke();
        for key in &self.keys {
            call.key(key);
        }
        for argument in arguments {
            call.arg(*argument);
        }
        Ok(words(&call.invoke_async::<Value>(&mut self.redis.clone()).await?).join(" "))
    }

    /// Everything that the gate knows.
    async fn all(&self) -> Result<Vec<String>> {
        let mut pipe = redis::pipe();
        let [slots, seats, waitlist, pending, meta] = &self.keys;
        pipe.cmd("GET").arg(slots).cmd("BITCOUNT").arg(seats).cmd("GETBIT").arg(seats).arg(0);
        pipe.cmd("ZRANGE").arg(waitlist).arg(0).arg(-1).arg("WITHSCORES");
        pipe.cmd("HGETALL").arg(pending).cmd("HGETALL").arg(meta);
        let all: Vec<Value> = pipe.query_async(&mut self.redis.clone()).await?;
        Ok(all.iter().map(|value| words(value).join(" ")).collect())
    }

    /// The script asks for this, and nothing is another than before.
    async fn changes_nothing(&self, script: &str, arguments: &[&str], said: &str) -> Result<()> {
        let before = self.all().await?;
        assert_eq!(self.run(script, arguments).await?, said, "{arguments:?}");
        assert_eq!(self.all().await?, before, "{arguments:?}");
        Ok(())
    }
}

fn words(value: &Value) -> Vec<String> {
    match value {
        Value::Array(all) => all.iter().flat_map(words).collect(),
        Value::Map(all) => all.iter().flat_map(|(name, value)| [words(name), words(value)].concat()).collect(),
        Value::BulkString(bytes) => vec![String::from_utf8_lossy(bytes).into_owned()],
        Value::SimpleString(text) => vec![text.clone()],
        Value::Int(number) => vec![number.to_string()],
        Value::Double(number) => vec![number.to_string()],
        Value::Nil => vec!["nil".to_owned()],
        other => vec![format!("{other:?}")],
    }
}

#[tokio::test]
async fn who_joined_although_seats_came_free_meanwhile_asks_for_a_rebuild() -> Result<()> {
    let gate = Gate::with(2, &[1, 2]).await?;
    assert_eq!(gate.run(RESERVE, &["joiner", "x", "lowest", "1", "1"]).await?, "join 1");
    assert_eq!(gate.run(APPLY, &["1", "1", "0", ""]).await?, "done");
    gate.changes_nothing(CONFIRM, &["1", "joiner", "join", "1|1", ""], "rebuild").await?;
    // with too few seats for it, it waits
    assert_eq!(gate.run(RESERVE, &["larger", "x", "lowest", "2", "1"]).await?, "join 1");
    assert_eq!(gate.run(CONFIRM, &["1", "larger", "join", "2|2", ""]).await?, "done");
    Ok(())
}

#[tokio::test]
async fn a_waiter_who_is_done_before_its_joining_is_known_asks_for_a_rebuild() -> Result<()> {
    let gate = Gate::with(3, &[2, 3]).await?;
    assert_eq!(gate.run(RESERVE, &["waiter", "x", "lowest", "2", "1"]).await?, "join 1");
    assert_eq!(gate.run(RESERVE, &["claim", "y", "up_to", "1", "0"]).await?, "seats 1 0 1");
    // a claim that completes it, and a cancellation: both would leave its joining behind as a ghost
    gate.changes_nothing(CONFIRM, &["1", "claim", "1", "", "waiter"], "rebuild").await?;
    gate.changes_nothing(APPLY, &["1", "", "0", "waiter"], "rebuild").await?;
    assert_eq!(gate.run(CONFIRM, &["1", "waiter", "join", "1|2", ""]).await?, "done");
    assert_eq!(gate.run(CONFIRM, &["1", "claim", "1", "", "waiter"]).await?, "done");
    let [slots, taken, first, waitlist, pending, meta] = &gate.all().await?[..] else { panic!("six answers") };
    assert_eq!([slots, taken, first, waitlist, pending].map(String::as_str), ["0", "3", "1", "", ""]);
    assert!(meta.contains("version 2"), "{meta}");
    Ok(())
}

#[tokio::test]
async fn seats_for_which_somebody_queued_up_since_are_not_freed() -> Result<()> {
    let gate = Gate::with(1, &[1]).await?;
    assert_eq!(gate.run(RESERVE, &["waiter", "x", "lowest", "1", "1"]).await?, "join 1");
    assert_eq!(gate.run(CONFIRM, &["1", "waiter", "join", "5|1", ""]).await?, "done");
    // the transaction of this cancellation saw nobody of a later order than 4
    gate.changes_nothing(APPLY, &["1", "1", "4", ""], "rebuild").await?;
    assert_eq!(gate.run(APPLY, &["1", "", "5", "waiter"]).await?, "done");
    assert_eq!(gate.all().await?[3], "", "the waiter is served");
    Ok(())
}

#[tokio::test]
async fn a_late_release_behind_a_joining_asks_for_a_rebuild_and_another_attempt_is_left_alone() -> Result<()> {
    let gate = Gate::with(1, &[]).await?;
    assert_eq!(gate.run(RESERVE, &["first", "x", "lowest", "1", "1"]).await?, "seats 1 0 1");
    gate.changes_nothing(RELEASE, &["first", "another"], "0").await?;
    gate.changes_nothing(RELEASE, &["nobody", "x"], "0").await?;
    assert_eq!(gate.run(RESERVE, &["waiter", "y", "lowest", "1", "1"]).await?, "join 1");
    assert_eq!(gate.run(CONFIRM, &["1", "waiter", "join", "1|1", ""]).await?, "done");
    gate.changes_nothing(RELEASE, &["first", "x"], "1").await?;

    let gate = Gate::with(1, &[]).await?;
    assert_eq!(gate.run(RESERVE, &["first", "x", "lowest", "1", "1"]).await?, "seats 1 0 1");
    assert_eq!(gate.run(RELEASE, &["first", "x"]).await?, "0");
    assert_eq!(gate.all().await?[..3], ["1", "0", "0"], "nobody waits: the seat is free");
    gate.changes_nothing(RELEASE, &["first", "x"], "0").await?;
    Ok(())
}

#[tokio::test]
async fn a_confirm_that_names_other_seats_counts_nothing() -> Result<()> {
    let gate = Gate::with(3, &[]).await?;
    assert_eq!(gate.run(RESERVE, &["first", "x", "exact", "2", "0", "1", "3"]).await?, "seats 1 0 1 3");
    gate.changes_nothing(RESERVE, &["first", "y", "lowest", "1", "1"], "in_flight 1").await?;
    gate.changes_nothing(RESERVE, &["other", "y", "exact", "2", "1", "2", "3"], "seats_taken 1 3").await?;
    gate.changes_nothing(RESERVE, &["other", "y", "lowest", "4", "1"], "out_of_range 1 1").await?;
    gate.changes_nothing(RESERVE, &["other", "y", "exact", "1", "1", "4"], "out_of_range 1 1").await?;
    gate.changes_nothing(CONFIRM, &["1", "first", "1,2", "", ""], "nothing").await?;
    gate.changes_nothing(CONFIRM, &["1", "other", "1,3", "", ""], "nothing").await?;
    assert_eq!(gate.run(CONFIRM, &["1", "first", "1,3", "", ""]).await?, "done");
    Ok(())
}

#[tokio::test]
async fn another_generation_or_none_does_nothing_and_an_older_image_replaces_nothing() -> Result<()> {
    let gate = Gate::with(2, &[]).await?;
    assert_eq!(gate.run(RESERVE, &["first", "x", "lowest", "1", "1"]).await?, "seats 1 0 1");
    gate.changes_nothing(CONFIRM, &["2", "first", "1", "", ""], "other_generation").await?;
    gate.changes_nothing(APPLY, &["2", "1", "0", ""], "other_generation").await?;
    let before = gate.all().await?;
    assert_eq!(gate.load(1, 2, &[]).await?, "kept");
    assert_eq!(gate.all().await?, before);
    assert_eq!(gate.load(2, 2, &[2]).await?, "loaded");
    let all = gate.all().await?;
    assert_eq!([all[0].as_str(), &all[1], &all[2], &all[4]], ["1", "1", "0", ""], "what was pending is gone");

    let empty = Gate { keys: gate.keys.clone().map(|key| key + ":none"), ..gate };
    empty.changes_nothing(RESERVE, &["first", "x", "lowest", "1", "1"], "not_loaded").await?;
    empty.changes_nothing(CONFIRM, &["1", "first", "1", "", ""], "not_loaded").await?;
    empty.changes_nothing(APPLY, &["1", "1", "0", ""], "not_loaded").await?;
    empty.changes_nothing(RELEASE, &["first", "x"], "0").await?;
    Ok(())
}
