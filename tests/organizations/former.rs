//! People who left an organization keep their bookings and get no new ones.

use anyhow::Result;
use happening_api::{Booking, BookingStatus, Member};
use happening_tests::Client;
use happening_tests::world::wait_for;
use serde_json::json;

use crate::{Cast, cast};

#[tokio::test]
async fn former_members_keep_bookings_and_make_none() -> Result<()> {
    let Cast { world, ada, barbara, edsger, org } = cast().await?;
    let event = world.event_in(&barbara, org.id, 5, None).await?;
    let path = format!("/events/{}", event.id);
    barbara.put(&path, json!({ "visibility": "members" })).await?.expect(200);
    let held: Booking = edsger.book(event.id, 2).await?.expect(201).json();
    let other: Booking = ada.book(event.id, 2).await?.expect(201).json();
    let waiting: Booking = edsger.book(event.id, 3).await?.expect(201).json();
    assert_eq!(waiting.status, BookingStatus::Waiting);
    ada.delete(&format!("/organizations/{}/members/{}", org.id, edsger.user.id)).await?.expect(204);

    let there = edsger.at(&world.base(1));
    wait_for("the other server", std::time::Duration::from_secs(2), || async {
        Ok((there.book(event.id, 1).await?.status == 403).then_some(()))
    })
    .await?;
    // one seat is free, but former members cannot take it
    edsger.book(event.id, 1).await?.refused(403, "forbidden");
    edsger.post(&format!("/bookings/{}/claim", waiting.id), json!({})).await?.refused(403, "forbidden");
    // a person who holds seats sees their event
    for path in
        [path.clone(), format!("{path}/seats"), format!("{path}/calendar.ics"), format!("/bookings/{}", held.id)]
    {
        edsger.get(&path).await?.expect(200);
    }
    ada.post(&format!("/bookings/{}/cancel", other.id), json!({})).await?.expect(200);
    let promoted = edsger.booking(waiting.id).await?;
    assert_eq!((promoted.status, promoted.seat_numbers.len()), (BookingStatus::Confirmed, 2));
    for booking in [held.id, waiting.id] {
        edsger.post(&format!("/bookings/{booking}/cancel"), json!({})).await?.expect(200);
    }
    edsger.get(&format!("{path}/seats")).await?.refused(404, "not_found");
    world.audit()
}

#[tokio::test]
async fn members_do_not_see_each_others_addresses() -> Result<()> {
    let Cast { world, ada, barbara, edsger, org } = cast().await?;
    let path = format!("/organizations/{}/members", org.id);
    let addresses = |body: serde_json::Value| body.to_string().matches("@happening.invalid").count();
    assert_eq!(addresses(ada.get(&path).await?.expect(200).body), 3);
    for person in [&barbara, &edsger] {
        assert_eq!(addresses(person.get(&path).await?.expect(200).body), 0);
    }
    world.audit()
}

#[tokio::test]
async fn only_admins_find_members_by_address() -> Result<()> {
    let Cast { world, ada, barbara, org, .. } = cast().await?;
    let find = async |person: &Client, q: &str| -> Result<Vec<String>> {
        let path = format!("/organizations/{}/members?q={q}", org.id);
        let answer = person.get(&path).await?.expect(200);
        let found: Vec<Member> = answer.json();
        assert_eq!(answer.headers["x-total-count"], found.len().to_string());
        Ok(found.into_iter().map(|one| one.name).collect())
    };
    assert_eq!(find(&barbara, "lisk").await?, ["Barbara Liskov"]);
    assert_eq!(find(&ada, "edsger%40happening").await?, ["Edsger Dijkstra"]);
    assert!(find(&barbara, "edsger%40happening").await?.is_empty(), "a search reveals an address");
    assert!(find(&ada, "%25").await?.is_empty(), "the search treats % as a pattern");
    assert_eq!(find(&ada, "%20").await?.len(), 3);
    let too_long = format!("/organizations/{}/members?q={}", org.id, "a".repeat(201));
    ada.get(&too_long).await?.refused(400, "invalid");
    world.audit()
}
