//! The seat writer on real services: behaviour that the simulation's model of Postgres does not show.

mod panics;
mod portions;
mod together;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use happening_api::{Booking, BookingStatus, Notification, NotificationType};
use happening_tests::world::{new_id, wait_for};
use happening_tests::{Client, World, WorldOptions};
use serde_json::json;

async fn one_server() -> Result<World> {
    World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await
}

/// Locks an event's row until the transaction is dropped.
async fn hold(world: &World, event: happening_api::EventId) -> Result<sqlx::Transaction<'static, sqlx::Postgres>> {
    let mut row = world.pool.begin().await?;
    sqlx::query("select 1 from events where id = $1 for update").bind(event.0).execute(&mut *row).await?;
    Ok(row)
}

#[tokio::test]
async fn a_locked_event_does_not_delay_others() -> Result<()> {
    let world = one_server().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let org = world.organization(&ada).await?;
    let held = world.event_in(&ada, org.id, 100, None).await?;
    let mut others = Vec::new();
    for _ in 0..4 {
        others.push(world.event_in(&ada, org.id, 100, None).await?);
    }
    for event in others.iter().chain([&held]) {
        ada.book(event.id, 1).await?.expect(201);
    }
    let row = hold(&world, held.id).await?;
    let done = AtomicBool::new(false);
    // eight callers try to book at the locked event until the bookings at the other events are done
    let waiting = try_join_all((0..8).map(|_| async {
        while !done.load(Ordering::SeqCst) {
            let reply = ada.book(held.id, 1).await?.refused(503, "unavailable");
            assert_eq!(reply.body["details"]["outcome"], "nothing", "{reply:?}");
        }
        anyhow::Ok(())
    }));
    let going_on = async {
        let started = Instant::now();
        for n in 0..40 {
            barbara.book(others[n % others.len()].id, 1).await?.expect(201);
        }
        done.store(true, Ordering::SeqCst);
        anyhow::Ok(started.elapsed())
    };
    let (refused, took) = tokio::join!(waiting, going_on);
    refused?;
    // a booking that waited behind the locked row would take 300 ms
    let took = took?;
    assert!(took < Duration::from_secs(4), "{took:?}");
    row.rollback().await?;
    ada.book(held.id, 1).await?.expect(201);
    world.audit()
}

/// The writer reads the seats, and whether the event has begun, only after it has locked the row.
#[tokio::test]
async fn a_booking_delayed_past_the_start_is_refused() -> Result<()> {
    let world = one_server().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 5).await?;
    ada.book(event.id, 1).await?.expect(201);
    // the event begins while the locking statement waits; by that statement's own start time, the event has not begun
    let mut row = hold(&world, event.id).await?;
    let (reply, begun) = tokio::join!(barbara.book(event.id, 1), async {
        world.held_up(1).await?;
        sqlx::query("update events set event_date = clock_timestamp(), ends_at = null where id = $1")
            .bind(event.id.0)
            .execute(&mut *row)
            .await?;
        row.commit().await?;
        anyhow::Ok(())
    });
    begun?;
    reply?.refused(409, "event_not_open");
    world.audit()
}

/// A server that freezes between writing and COMMIT keeps its event's row for two seconds at most.
#[tokio::test]
async fn a_frozen_server_loses_its_row_locks() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 5_000).await?;
    let there: Vec<Client> = (0..12).map(|_| ada.at(&world.base(1))).collect();
    let stop = AtomicBool::new(false);
    let crowd = async {
        while !stop.load(Ordering::SeqCst) {
            // a frozen server does not answer, so do not wait for it
            let calls =
                there.iter().map(|caller| tokio::time::timeout(Duration::from_millis(300), caller.book(event.id, 1)));
            futures_util::future::join_all(calls).await;
        }
    };
    let mut frozen_with_a_row = 0;
    let freezing = async {
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_millis(137)).await;
            world.freeze_backend(1)?;
            let held: bool = sqlx::query_scalar(
                "select exists (select from pg_stat_activity where datname = current_database()
                    and state = 'idle in transaction' and application_name = 'happening')",
            )
            .fetch_one(&world.pool)
            .await?;
            frozen_with_a_row += i32::from(held);
            let started = Instant::now();
            wait_for("the row", Duration::from_secs(4), || async {
                Ok((barbara.book(event.id, 1).await?.status == 201).then_some(()))
            })
            .await?;
            assert!(started.elapsed() < Duration::from_millis(3_500), "{:?}", started.elapsed());
            world.thaw_backend(1)?;
        }
        stop.store(true, Ordering::SeqCst);
        anyhow::Ok(())
    };
    let ((), frozen) = tokio::join!(crowd, freezing);
    frozen?;
    assert!(frozen_with_a_row > 0, "the server was never frozen in a transaction");
    wait_for("both servers", Duration::from_secs(10), || async {
        Ok((ada.at(&world.base(1)).book(event.id, 1).await?.status == 201).then_some(()))
    })
    .await?;
    world.audit()
}

/// A server that is killed during a long statement of an edit keeps the event's row only until Postgres notices the
/// closed connection.
#[tokio::test]
async fn a_killed_server_loses_its_row_locks() -> Result<()> {
    let mut world = World::new().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 20).await?;
    let slow =
        "create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(30); return new; end $$;
        create trigger slow before update of name on events for each row execute function slow()";
    sqlx::raw_sql(slow).execute(&world.pool).await?;
    let (at_other, path) = (ada.at(&world.base(1)), format!("/events/{}", event.id));
    let edit = tokio::spawn(async move { at_other.put(&path, json!({ "name": "Slow" })).await });
    let asleep =
        "select exists (select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep')";
    wait_for("the edit's statement", Duration::from_secs(10), || async {
        Ok(sqlx::query_scalar::<_, bool>(asleep).fetch_one(&world.pool).await?.then_some(()))
    })
    .await?;
    barbara.book(event.id, 1).await?.refused(503, "unavailable");
    world.kill_backend(1)?;
    assert!(edit.await?.is_err(), "a server that was killed answered");
    // the edit's statement itself would run for longer than this
    let freed = wait_for("the event's row", Duration::from_secs(15), || async {
        Ok((barbara.book(event.id, 1).await?.status == 201).then_some(()))
    });
    tokio::time::timeout(Duration::from_secs(15), freed).await??;
    sqlx::raw_sql("drop trigger slow on events; drop function slow").execute(&world.pool).await?;
    assert_eq!(ada.event(event.id).await?.name, "Test evening");
    world.audit()
}

#[tokio::test]
async fn two_thousand_cancellations_succeed_while_others_book() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 1_000).await?;
    let mut bookings = Vec::new();
    for _ in 0..20 {
        let replies = try_join_all((0..100).map(|_| ada.book(event.id, 1))).await?;
        bookings.extend(replies.into_iter().map(|reply| reply.expect(201).json::<Booking>()));
    }
    let waiting = bookings.iter().filter(|booking| booking.status == BookingStatus::Waiting).count();
    assert_eq!(waiting, 1_000);
    let cancels = bookings.iter().enumerate().map(|(n, booking)| {
        let caller = ada.at(&world.base(n % 2));
        async move {
            let path = format!("/bookings/{}/cancel", booking.id);
            caller.post(&path, json!({})).await?.expect(200);
            anyhow::Ok(())
        }
    });
    let books = async {
        for _ in 0..60 {
            barbara.book(event.id, 1).await?.expect(201);
        }
        anyhow::Ok(())
    };
    // 100 requests at a time: a debug build answers so many within a second, also on a busy machine
    let cancels = stream::iter(cancels).buffer_unordered(100).try_collect::<Vec<()>>();
    let (cancelled, booked) = tokio::join!(cancels, books);
    cancelled?;
    booked?;
    assert_eq!(ada.event(event.id).await?.available_slots, 940);
    world.audit()
}

/// A person's notifications of a type.
async fn told(person: &Client, kind: NotificationType) -> Result<Vec<Notification>> {
    let all: Vec<Notification> = person.get("/notifications").await?.expect(200).json();
    Ok(all.into_iter().filter(|one| one.kind == kind).collect())
}

#[tokio::test]
async fn the_waitlist_ends_at_the_start_with_one_notification() -> Result<()> {
    let world = World::with(WorldOptions { worker: true, ..WorldOptions::default() }).await?;
    let (ada, barbara, edsger) =
        (world.person("ada").await?, world.person("barbara").await?, world.person("edsger").await?);
    let event = world.event(&ada, 3).await?;
    let held: Booking = ada.book(event.id, 2).await?.expect(201).json();
    let waits: Booking = barbara.book(event.id, 2).await?.expect(201).json();
    let waits_for_more: Booking = edsger.book(event.id, 3).await?.expect(201).json();
    edsger.post(&format!("/bookings/{}/claim", waits_for_more.id), json!({})).await?.expect(200);
    world.move_event(event.id, -1).await?;
    let ended = wait_for("the end of the wait", Duration::from_secs(20), || async {
        let now = barbara.booking(waits.id).await?;
        Ok((now.status == BookingStatus::Cancelled).then_some(now))
    })
    .await?;
    assert_eq!((ended.position, ended.waiting_seats), (None, 0));
    // a booking that holds seats keeps them and no longer waits for more
    let kept = edsger.booking(waits_for_more.id).await?;
    assert_eq!(
        (kept.status, kept.seat_numbers.len(), kept.waiting_seats, kept.seats),
        (BookingStatus::Confirmed, 1, 0, 1)
    );
    let now = ada.event(event.id).await?;
    assert_eq!((now.waiting_bookings, now.waiting_seats), (0, 0));
    for (person, words) in [(&barbara, "none of the 2 seats"), (&edsger, "you keep seat 3")] {
        let messages = wait_for("the message", Duration::from_secs(20), || async {
            Ok(Some(told(person, NotificationType::WaitlistEnded).await?).filter(|all| !all.is_empty()))
        })
        .await?;
        assert!(messages[0].message.contains(words), "{messages:?}");
    }
    // both servers check every two seconds; no person may be notified twice, and no other people
    tokio::time::sleep(Duration::from_secs(5)).await;
    for (person, count) in [(&ada, 0), (&barbara, 1), (&edsger, 1)] {
        assert_eq!(told(person, NotificationType::WaitlistEnded).await?.len(), count);
    }
    // after the start only the event's staff may give seats back, and no booking is promoted
    edsger.post(&format!("/bookings/{}/cancel", kept.id), json!({})).await?.refused(409, "event_started");
    let reason = json!({ "seat_numbers": [3], "reason": "did not come" });
    ada.post(&format!("/bookings/{}/cancel-seats", kept.id), reason).await?.expect(200);
    ada.post(&format!("/bookings/{}/cancel", held.id), json!({})).await?.refused(409, "event_started");
    world.audit()
}

#[tokio::test]
async fn a_long_waitlist_ends_in_portions() -> Result<()> {
    let world = World::new().await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 1).await?;
    for _ in 0..12 {
        let replies = try_join_all((0..100).map(|_| ada.book(event.id, 1))).await?;
        replies.into_iter().for_each(|reply| drop(reply.expect(201)));
    }
    world.move_event(event.id, -1).await?;
    wait_for("the end of the wait", Duration::from_secs(30), || async {
        Ok((ada.event(event.id).await?.waiting_bookings == 0).then_some(()))
    })
    .await?;
    let told: i64 = sqlx::query_scalar("select count(*) from outbox where payload->>'type' = 'waitlist_ended'")
        .fetch_one(&world.pool)
        .await?;
    assert_eq!(told, 1_199);
    let largest: i64 = sqlx::query_scalar(
        "select max(count) from (select count(*) from booking_history where action = 'waitlist_ended' group by xmin) as one",
    )
    .fetch_one(&world.pool)
    .await?;
    assert!(largest <= 500, "{largest} bookings left the waitlist in one transaction");
    world.audit()
}

/// A hidden event is answered 404, also when the key was used for another event before.
#[tokio::test]
async fn a_used_key_does_not_reveal_hidden_events() -> Result<()> {
    let world = one_server().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let (open, hidden) = (world.event(&ada, 5).await?, world.event(&ada, 5).await?);
    ada.put(&format!("/events/{}", hidden.id), json!({ "visibility": "members" })).await?.expect(200);
    barbara.book_with_key(open.id, 1, "used").await?.expect(201);
    barbara.book_with_key(hidden.id, 1, "used").await?.refused(404, "not_found");
    barbara.book_with_key(new_id().into(), 1, "used").await?.refused(404, "not_found");
    world.audit()
}

/// A server that was just started has no state in memory.
#[tokio::test]
async fn a_new_server_loads_many_events_together() -> Result<()> {
    const EVENTS: usize = 120;
    let mut world = one_server().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let org = world.organization(&ada).await?;
    let mut events = Vec::new();
    for n in 0..EVENTS {
        let event = world.event_in(&ada, org.id, 3, None).await?;
        // some events have a booking that holds seats and one that waits
        if n % 3 == 0 {
            ada.book(event.id, 2).await?.expect(201);
            ada.book(event.id, 2).await?.expect(201);
        }
        events.push(event.id);
    }
    world.stop_backend(0)?;
    world.start_backend(0).await?;
    let there = barbara.at(&world.base(0));
    let replies = try_join_all(events.iter().map(|event| there.book(*event, 1))).await?;
    let transactions = "select count(distinct created_at) from booking_history where actor_id = $1";
    let transactions: i64 = sqlx::query_scalar(transactions).bind(barbara.user.id.0).fetch_one(&world.pool).await?;
    for (n, reply) in replies.into_iter().enumerate() {
        let booking: Booking = reply.expect(201).json();
        let wanted = if n % 3 == 0 { (vec![3], 0) } else { (vec![1], 0) };
        assert_eq!((booking.seat_numbers, booking.waiting_seats), wanted);
    }
    assert!(transactions < EVENTS as i64 / 2, "{transactions} transactions: each event was loaded by itself");
    world.audit()
}

/// A server without the event's state in memory reads from the rows whose booking it is.
#[tokio::test]
async fn a_former_member_can_cancel_at_a_new_server() -> Result<()> {
    let mut world = one_server().await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 5).await?;
    world.set_role(event.org_id, &barbara, happening_api::Role::User).await?;
    ada.put(&format!("/events/{}", event.id), json!({ "visibility": "members" })).await?.expect(200);
    let booking: Booking = barbara.book(event.id, 2).await?.expect(201).json();
    let member = format!("/organizations/{}/members/{}", event.org_id, barbara.user.id);
    ada.delete(&member).await?.expect(204);
    for code in [200, 409] {
        world.stop_backend(0)?;
        world.start_backend(0).await?;
        let there = barbara.at(&world.base(0));
        there.post(&format!("/bookings/{}/cancel", booking.id), json!({})).await?.expect(code);
    }
    barbara.at(&world.base(0)).book(event.id, 1).await?.refused(404, "not_found");
    world.audit()
}
