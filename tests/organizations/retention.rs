//! After the organization's retention time, past events no longer name their people.

use anyhow::Result;
use happening_api::{AuditEntry, Booking};
use happening_tests::world::wait_for;
use happening_tests::{World, WorldOptions};
use serde_json::json;

#[tokio::test]
async fn past_events_no_longer_name_their_people() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let org = world.organization(&ada).await?;
    let path = format!("/organizations/{}", org.id);
    for bad in [json!(29), json!(3651), json!("long")] {
        ada.put(&path, json!({ "retention_days": bad })).await?.refused(400, "invalid");
    }
    let kept = ada.put(&path, json!({ "retention_days": 60 })).await?.expect(200);
    assert_eq!(kept.body["retention_days"], 60);
    let old = world.event_in(&ada, org.id, 3, None).await?;
    let young = world.event_in(&ada, org.id, 3, None).await?;
    let mut bookings = Vec::new();
    for event in [&old, &young] {
        let booking: Booking = barbara.book(event.id, 2).await?.expect(201).json();
        bookings.push(booking);
    }
    world.move_event(old.id, -61 * 24 * 60).await?;
    world.move_event(young.id, -59 * 24 * 60).await?;
    let mut worker = world.command(&["worker"]).spawn()?;
    let log = wait_for("the worker", std::time::Duration::from_secs(30), || async {
        let log: Vec<AuditEntry> = ada.get(&format!("{path}/audit")).await?.expect(200).json();
        Ok((log[0].action == "people_removed").then_some(log))
    })
    .await?;
    // a notification that is delivered after the people were removed leaves no trace either
    wait_for("every message", std::time::Duration::from_secs(30), || async {
        let sql = "select not exists (select from outbox o where not exists (select from deliveries d where d.message_id = o.id))";
        Ok(sqlx::query_scalar::<_, bool>(sql).fetch_one(&world.pool).await?.then_some(()))
    })
    .await?;
    worker.kill()?;
    worker.wait()?;
    assert_eq!((log[0].actor_id, log[0].subject_id, &log[0].details), (None, old.id.0, &json!({ "bookings": 1 })));
    barbara.get(&format!("/bookings/{}", bookings[0].id)).await?.refused(404, "not_found");
    assert_eq!(barbara.booking(bookings[1].id).await?.seat_numbers, [1, 2]);
    let board: Vec<Booking> = ada.get(&format!("/events/{}/bookings", old.id)).await?.expect(200).json();
    assert_eq!(
        (board[0].user.as_ref().map(|user| user.name.as_str()), &board[0].seat_numbers),
        (Some("Somebody"), &vec![1, 2])
    );
    for table in ["bookings", "booking_seats", "booking_history", "notifications"] {
        let sql =
            format!("select count(*) from {table} x where event_id = $1 and to_jsonb(x)::text like '%' || $2 || '%'");
        let left: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(old.id.0)
            .bind(barbara.user.id.to_string())
            .fetch_one(&world.pool)
            .await?;
        assert_eq!(left, 0, "{table} still names the person");
    }
    world.audit()
}
