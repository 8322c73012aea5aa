//! People's own settings, the export of their data, and deleting their account.

use anyhow::Result;
use happening_api::{Booking, CreatedInvite, NotificationType, Role, User};
use happening_tests::world::wait_for;
use serde_json::json;

use crate::{Cast, cast, notified};

#[tokio::test]
async fn people_choose_their_name_language_zone_and_mails() -> Result<()> {
    let Cast { world, ada, barbara, .. } = cast().await?;
    let body = json!({ "name": "Ada L.", "locale": "de-CH", "time_zone": "Europe/Zurich",
        "channels": { "booking_confirmed": { "email": false } } });
    let me: User = barbara.patch("/users/me", body).await?.expect(200).json();
    assert_eq!(
        (me.name.as_str(), me.locale.as_deref(), me.time_zone.as_deref()),
        ("Ada L.", Some("de-CH"), Some("Europe/Zurich"))
    );
    let me: User = barbara.patch("/users/me", json!({ "locale": null })).await?.expect(200).json();
    assert_eq!((me.locale, me.time_zone.as_deref()), (None, Some("Europe/Zurich")));
    for bad in [
        json!({ "name": "" }),
        json!({ "name": null }),
        json!({ "locale": "not a tag" }),
        json!({ "time_zone": "Mars/Base" }),
        json!({ "email": "x@y" }),
        json!({ "channels": { "carrier_pigeon": { "email": true } } }),
        json!({ "channels": { "role_changed": { "sms": true } } }),
    ] {
        barbara.patch("/users/me", bad).await?.refused(400, "invalid");
    }
    // an orgAdmin sees a person's name, but not their settings
    let seen = ada.get(&format!("/users?keycloak_id={}", barbara.user.keycloak_id)).await?.expect(200);
    assert_eq!(
        (seen.body["name"].as_str(), &seen.body["time_zone"], &seen.body["channels"]),
        (Some("Ada L."), &json!(null), &json!({}))
    );

    let event = world.event(&ada, 5).await?;
    barbara.book(event.id, 1).await?.expect(201);
    ada.book(event.id, 1).await?.expect(201);
    notified(&barbara, NotificationType::BookingConfirmed).await?;
    notified(&ada, NotificationType::BookingConfirmed).await?;
    let to = |login: &str| {
        let login = login.to_owned();
        std::fs::read_dir(world.folder.join("mail"))
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|file| std::fs::read_to_string(file.path()).ok())
            .find(move |mail| mail.contains(&format!("To: {login}@happening.invalid")))
    };
    let mail = wait_for("a mail", std::time::Duration::from_secs(20), || async { Ok(to("ada")) }).await?;
    assert!(mail.contains("text/calendar") && mail.contains("/open/event/"), "{mail}");
    // Barbara's mail would have been sent before Ada's
    assert!(to("barbara").is_none(), "a mail was sent although the person had turned it off");
    world.audit()
}

#[tokio::test]
async fn bookings_racing_with_account_deletion_end_cancelled() -> Result<()> {
    let Cast { world, ada, edsger, org, .. } = cast().await?;
    let event = world.event_in(&ada, org.id, 50, None).await?;
    let calls = (0..40).map(|n| {
        let caller = edsger.at(&world.base(n % 2));
        async move { caller.book(event.id, 1).await }
    });
    let delete = async {
        wait_for("a deletion", std::time::Duration::from_secs(20), || async {
            Ok((edsger.delete("/users/me").await?.status == 204).then_some(()))
        })
        .await
    };
    let (replies, deleted) = tokio::join!(futures_util::future::try_join_all(calls), delete);
    deleted?;
    for reply in replies? {
        assert!(matches!(reply.status.as_u16(), 201 | 401 | 404 | 503), "{reply:?}");
    }
    wait_for("no booking", std::time::Duration::from_secs(15), || async {
        let query = "select count(*) from bookings where user_id = $1 and status <> 'cancelled'";
        let active: i64 = sqlx::query_scalar(query).bind(edsger.user.id.0).fetch_one(&world.pool).await?;
        Ok((active == 0).then_some(()))
    })
    .await?;
    world.audit()
}

#[tokio::test]
async fn bookings_of_deleted_people_are_cancelled() -> Result<()> {
    let Cast { world, ada, barbara, edsger, org } = cast().await?;
    let event = world.event_in(&ada, org.id, 2, None).await?;
    edsger.book(event.id, 2).await?.expect(201);
    let waiting: Booking = barbara.book(event.id, 1).await?.expect(201).json();
    // as if the booking had been in a batch while its person was deleted
    sqlx::query("update users set deleted_at = now() where id = $1")
        .bind(edsger.user.id.0)
        .execute(&world.pool)
        .await?;
    wait_for("the seat", std::time::Duration::from_secs(20), || async {
        Ok((barbara.booking(waiting.id).await?.seat_numbers == [1]).then_some(()))
    })
    .await?;
    world.audit()
}

#[tokio::test]
async fn deleted_people_cannot_create_organizations() -> Result<()> {
    let Cast { world, edsger, .. } = cast().await?;
    let mut deletion = world.pool.begin().await?;
    // lock and change the row as deleting an account does
    sqlx::query("select 1 from users where id = $1 for update").bind(edsger.user.id.0).execute(&mut *deletion).await?;
    sqlx::query("update users set deleted_at = now() where id = $1")
        .bind(edsger.user.id.0)
        .execute(&mut *deletion)
        .await?;
    let deleted = async {
        world.held_up(1).await?;
        anyhow::Ok(deletion.commit().await?)
    };
    let (reply, deleted) = tokio::join!(edsger.post("/organizations", json!({ "name": "Late" })), deleted);
    deleted?;
    reply?.refused(401, "unauthenticated");
    let made: i64 =
        sqlx::query_scalar("select count(*) from organizations where name = 'Late'").fetch_one(&world.pool).await?;
    assert_eq!(made, 0);
    world.audit()
}

#[tokio::test]
async fn deleting_an_account_frees_seats_and_removes_names() -> Result<()> {
    let Cast { world, ada, barbara, edsger, org } = cast().await?;
    let member = format!("/organizations/{}/members/{}", org.id, edsger.user.id);
    world.set_role(org.id, &edsger, Role::Organizer).await?;
    let event = world.event_in(&edsger, org.id, 2, None).await?;
    ada.put(&format!("/events/{}", event.id), json!({ "owner_id": ada.user.id })).await?.expect(200);
    ada.patch(&member, json!({ "role": "user" })).await?.expect(200);
    let elsewhere = world.organization(&barbara).await?;
    let invite = json!({ "org_id": elsewhere.id, "email": "Edsger@happening.invalid", "role": "user" });
    barbara.post("/org-invites", invite).await?.expect(201);
    let held: Booking = edsger.book(event.id, 2).await?.expect(201).json();
    let waiting: Booking = barbara.book(event.id, 1).await?.expect(201).json();
    let export = edsger.get("/users/me/export").await?.expect(200);
    assert_eq!(export.body["user"]["email"], "edsger@happening.invalid");
    assert_eq!(export.body["bookings"][0]["seat_numbers"], json!([1, 2]));
    assert_eq!(export.body["memberships"][0]["role"], "user");
    assert_eq!(export.body["invites_received"][0]["status"], "pending");
    assert_eq!(export.body["changes_to_you"][0]["details"], json!({ "from": "organizer", "to": "user" }));
    assert_eq!(export.body["events_created"][0]["name"], "Test evening");
    assert_eq!(export.body["events_owned"], json!([]));
    assert!(!export.body.to_string().contains(&ada.user.id.to_string()), "the export names another person");
    assert!(!export.body.to_string().contains("request_hash"));

    edsger.delete("/users/me").await?.expect(204);
    // the token was issued before the deletion: every server must refuse it, and it must not create a new person
    let there = edsger.at(&world.base(1));
    wait_for("the other server", std::time::Duration::from_secs(2), || async {
        Ok((there.get("/users/me").await?.status == 401).then_some(()))
    })
    .await?;
    edsger.get("/users/me").await?.refused(401, "unauthenticated");
    edsger.post("/users", json!({})).await?.refused(401, "unauthenticated");

    assert_eq!(barbara.booking(waiting.id).await?.seat_numbers, [1]);
    let gone: Booking = ada.booking(held.id).await?;
    assert!(gone.seat_numbers.is_empty());
    let board = ada.get(&format!("/events/{}/bookings", event.id)).await?.expect(200);
    assert!(
        board.body.to_string().contains("Deleted person") && !board.body.to_string().contains("edsger"),
        "{board:?}"
    );
    let rows: Vec<String> = sqlx::query_scalar(
        "select to_jsonb(u)::text from users u where deleted_at is not null and keycloak_id <> 'deleted:nobody'",
    )
    .fetch_all(&world.pool)
    .await?;
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].to_lowercase().contains("edsger") && !rows[0].contains(&edsger.user.keycloak_id), "{rows:?}");

    // a later sign-in creates a new person; an invite still belongs to the address
    let invite: CreatedInvite = ada
        .post("/org-invites", json!({ "org_id": org.id, "email": "edsger@happening.invalid", "role": "user" }))
        .await?
        .expect(201)
        .json();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await; // tokens have times in whole seconds
    let again = world.person_with_new_sign_in("edsger").await?;
    assert_ne!(again.user.id, edsger.user.id);
    again.post(&format!("/org-invites/{}/accept", invite.token), json!({})).await?.expect(200);
    again.get(&format!("/bookings/{}", held.id)).await?.refused(404, "not_found");
    world.audit()
}
