//! Organizations, members, roles and invites at the API.

mod former;
mod invites;
mod people;
mod retention;

use anyhow::Result;
use happening_api::{AuditEntry, CreatedInvite, Member, NotificationType, Organization, Role};
use happening_tests::world::{new_id, wait_for};
use happening_tests::{Client, World, WorldOptions};
use reqwest::Method;
use serde_json::{Value, json};

/// An organization of Ada's with Barbara as organizer and Edsger as user.
pub(crate) struct Cast {
    pub(crate) world: World,
    pub(crate) ada: Client,
    pub(crate) barbara: Client,
    pub(crate) edsger: Client,
    pub(crate) org: Organization,
}

pub(crate) async fn cast() -> Result<Cast> {
    let world = World::with(WorldOptions { worker: true, ..WorldOptions::default() }).await?;
    let (ada, barbara, edsger) =
        (world.person("ada").await?, world.person("barbara").await?, world.person("edsger").await?);
    let org = world.organization(&ada).await?;
    world.set_role(org.id, &barbara, Role::Organizer).await?;
    world.set_role(org.id, &edsger, Role::User).await?;
    Ok(Cast { world, ada, barbara, edsger, org })
}

pub(crate) async fn notified(person: &Client, kind: NotificationType) -> Result<String> {
    wait_for("a notification", std::time::Duration::from_secs(30), || async {
        let all: Vec<happening_api::Notification> = person.get("/notifications").await?.expect(200).json();
        Ok(all.into_iter().find(|one| one.kind == kind).map(|one| one.message))
    })
    .await
}

#[tokio::test]
async fn an_organization_is_listed_edited_and_ended() -> Result<()> {
    let Cast { world, ada, barbara, edsger, org } = cast().await?;
    let path = format!("/organizations/{}", org.id);
    let mine: Vec<Organization> = ada.get("/organizations").await?.expect(200).json();
    assert_eq!((mine.len(), mine[0].role, mine[0].member_count), (1, Role::OrgAdmin, 3));
    let theirs: Organization = barbara.get(&path).await?.expect(200).json();
    assert_eq!(theirs.role, Role::Organizer);

    let renamed: Organization = ada.put(&path, json!({ "name": " Lantern House " })).await?.expect(200).json();
    assert_eq!(renamed.name, "Lantern House");
    ada.put(&path, json!({ "name": "" })).await?.refused(400, "invalid");
    ada.put(&path, json!({ "name": null })).await?.refused(400, "invalid");
    ada.put(&path, json!({ "owner": 1 })).await?.refused(400, "invalid");
    // an array is not accepted in place of an object with named members
    ada.put(&path, json!(["Taken", 30])).await?.refused(400, "invalid");
    barbara.put(&path, json!({ "name": "Mine" })).await?.refused(403, "forbidden");
    edsger.delete(&path).await?.refused(403, "forbidden");

    let event = world.event_in(&barbara, org.id, 3, None).await?;
    let past = world.event_in(&barbara, org.id, 3, None).await?;
    ada.delete(&path).await?.refused(409, "organization_has_events");
    ada.post(&format!("/events/{}/cancel", event.id), json!({})).await?.expect(200);
    world.move_event(past.id, -60).await?;
    ada.delete(&path).await?.refused(409, "organization_has_events"); // an event of the organization has not ended yet
    world.move_event(past.id, -60 * 24 * 3).await?;
    edsger.get(&format!("/events/{}", past.id)).await?.expect(200);
    let open = json!({ "org_id": org.id, "email": "donald@happening.invalid", "role": "user" });
    let invite: CreatedInvite = ada.post("/org-invites", open).await?.expect(201).json();
    ada.delete(&path).await?.expect(204);
    let donald = world.person("donald").await?;
    donald.get(&format!("/org-invites/{}", invite.token)).await?.refused(410, "invite_gone");
    donald.post(&format!("/org-invites/{}/accept", invite.token), json!({})).await?.refused(410, "invite_gone");
    for person in [&ada, &barbara, &edsger] {
        person.get(&path).await?.refused(404, "not_found");
        assert_eq!(person.get("/organizations").await?.expect(200).body, json!([]));
        // when an organization ends, its public events disappear, too
        for event in [event.id, past.id] {
            person.get(&format!("/events/{event}")).await?.refused(404, "not_found");
        }
    }
    world.audit()
}

#[tokio::test]
async fn role_changes_act_at_once_and_are_logged() -> Result<()> {
    let Cast { world, ada, barbara, edsger, org } = cast().await?;
    let member = |person: &Client| format!("/organizations/{}/members/{}", org.id, person.user.id);
    let there = edsger.at(&world.base(1));
    let event = json!({ "org_id": org.id, "name": "Evening", "event_date": "2099-01-01T20:00:00Z", "total_slots": 3 });
    there.post("/events", event.clone()).await?.refused(403, "forbidden");
    let changed: Member = ada.patch(&member(&edsger), json!({ "role": "organizer" })).await?.expect(200).json();
    assert_eq!(changed.role, Role::Organizer);
    there.post("/events", event.clone()).await?.expect(201);
    assert!(notified(&edsger, NotificationType::RoleChanged).await?.contains("an organizer of Test hall"));

    barbara.patch(&member(&edsger), json!({ "role": "user" })).await?.refused(403, "forbidden");
    barbara.delete(&member(&edsger)).await?.refused(403, "forbidden");
    ada.patch(&member(&edsger), json!({ "role": "king" })).await?.refused(400, "invalid");
    let nobody = format!("/organizations/{}/members/{}", org.id, new_id());
    ada.patch(&nobody, json!({ "role": "user" })).await?.refused(404, "not_found");

    ada.delete(&member(&edsger)).await?.expect(204);
    there.get(&format!("/organizations/{}", org.id)).await?.refused(404, "not_found");
    there.post("/events", event).await?.refused(404, "not_found");
    barbara.delete(&member(&barbara)).await?.expect(204);
    barbara.get(&format!("/organizations/{}/members", org.id)).await?.refused(404, "not_found");

    let log: Vec<AuditEntry> = ada.get(&format!("/organizations/{}/audit", org.id)).await?.expect(200).json();
    let actions: Vec<&str> = log.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["member_left", "member_removed", "event_created", "role_changed", "organization_created"]);
    assert_eq!(log[3].details, json!({ "from": "user", "to": "organizer" }));
    assert_eq!((log[3].actor_id, log[3].subject_id), (Some(ada.user.id), edsger.user.id.0));
    edsger.get(&format!("/organizations/{}/audit", org.id)).await?.refused(404, "not_found");
    for sql in ["update audit_log set action = 'nothing'", "delete from audit_log", "truncate audit_log"] {
        let refused = sqlx::query(sql).execute(&world.pool).await.expect_err("the log was changed");
        assert!(refused.to_string().contains("only ever added to"), "{refused}");
    }
    world.audit()
}

#[tokio::test]
async fn an_organization_always_has_an_admin() -> Result<()> {
    let Cast { world, ada, barbara, org, .. } = cast().await?;
    let member = |person: &Client| format!("/organizations/{}/members/{}", org.id, person.user.id);
    ada.delete(&member(&ada)).await?.refused(409, "last_admin");
    ada.patch(&member(&ada), json!({ "role": "user" })).await?.refused(409, "last_admin");
    ada.delete("/users/me").await?.refused(409, "last_admin");
    // a person without the right gets 403, whether or not the change would be possible
    barbara.delete(&member(&ada)).await?.refused(403, "forbidden");
    for round in 0..10 {
        // two admins demote each other at the same time, on two servers
        world.set_role(org.id, &ada, Role::OrgAdmin).await?;
        world.set_role(org.id, &barbara, Role::OrgAdmin).await?;
        let (demote, there) = (json!({ "role": "user" }), barbara.at(&world.base(1)));
        let (ada_path, barbara_path) = (member(&ada), member(&barbara));
        let (a, b) = tokio::join!(ada.patch(&barbara_path, demote.clone()), there.patch(&ada_path, demote.clone()));
        let mut statuses = [a?.status.as_u16(), b?.status.as_u16()];
        statuses.sort_unstable();
        // the second request may come when its caller is no admin any more
        assert!(matches!(statuses, [200, 403 | 409]), "round {round}: {statuses:?}");
        let admins: i64 =
            sqlx::query_scalar("select count(*) from organization_users where org_id = $1 and role = 'orgAdmin'")
                .bind(org.id.0)
                .fetch_one(&world.pool)
                .await?;
        assert_eq!(admins, 1, "round {round}");
    }
    world.audit()
}

#[tokio::test]
async fn two_admins_cannot_demote_each_other() -> Result<()> {
    let Cast { world, ada, barbara, org, .. } = cast().await?;
    world.set_role(org.id, &barbara, Role::OrgAdmin).await?;
    // both passed the check of their roles and wait for the organization's row
    let mut holder = world.pool.begin().await?;
    sqlx::query("select 1 from organizations where id = $1 for update").bind(org.id.0).execute(&mut *holder).await?;
    let there = barbara.at(&world.base(1));
    let demote = async |who: &Client, whom: &Client| {
        let path = format!("/organizations/{}/members/{}", org.id, whom.user.id);
        who.patch(&path, json!({ "role": "user" })).await
    };
    let release = async {
        world.held_up(2).await?;
        anyhow::Ok(holder.commit().await?)
    };
    let (one, other, released) = tokio::join!(demote(&ada, &barbara), demote(&there, &ada), release);
    released?;
    let (one, other) = (one?, other?);
    let (done, refused) = if one.status == 200 { (one, other) } else { (other, one) };
    done.expect(200);
    refused.refused(409, "last_admin");
    world.audit()
}

#[tokio::test]
async fn creating_with_a_repeated_key_acts_once() -> Result<()> {
    let Cast { world, ada, org, .. } = cast().await?;
    let event = json!({ "org_id": org.id, "name": "Evening", "event_date": "2099-01-01T20:00:00Z", "total_slots": 3 });
    let created = ada.post("/events", event.clone()).await?.expect(201);
    let id = created.body["id"].as_str().unwrap_or_default().to_owned();
    let calls: [(String, Value, &str); 4] = [
        ("/organizations".to_owned(), json!({ "name": "Once" }), "organizations"),
        ("/events".to_owned(), event, "events"),
        (format!("/events/{id}/duplicate"), json!({ "event_date": "2099-02-01T20:00:00Z" }), "events"),
        (
            "/org-invites".to_owned(),
            json!({ "org_id": org.id, "email": "new@happening.invalid", "role": "user" }),
            "organization_invites",
        ),
    ];
    for (n, (path, body, table)) in calls.into_iter().enumerate() {
        let count = format!("select count(*) from {table}");
        let count = || async {
            anyhow::Ok(sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(count.clone())).fetch_one(&world.pool).await?)
        };
        let (before, key) = (count().await?, format!("once-{n}"));
        let copies = (0..12).map(|copy| {
            let (caller, key, path, body) = (ada.at(&world.base(copy % 2)), key.clone(), path.clone(), body.clone());
            async move { caller.call(Method::POST, &path, Some(&body), &[("Idempotency-Key", &key)]).await }
        });
        let replies: Vec<_> = futures_util::future::try_join_all(copies).await?;
        let first = replies.iter().find(|reply| !reply.headers.contains_key("idempotency-replayed"));
        let first = first.map(|reply| reply.body.clone()).unwrap_or_default();
        for reply in &replies {
            assert_eq!((reply.status.as_u16(), &reply.body), (201, &first), "{path}: {reply:?}");
            assert!(reply.headers.contains_key("location"));
        }
        assert_eq!(count().await?, before + 1, "{path}");
        let mut other = body.clone();
        other["event_date"] = json!("2098-03-01T20:00:00Z");
        if path == "/organizations" || path == "/org-invites" {
            other = json!({ "name": "Another", "org_id": org.id, "email": "other@happening.invalid", "role": "user" });
            let fields: &[&str] = if path == "/organizations" { &["name"] } else { &["org_id", "email", "role"] };
            other.as_object_mut().expect("an object").retain(|name, _| fields.contains(&name.as_str()));
        }
        ada.call(Method::POST, &path, Some(&other), &[("Idempotency-Key", &key)]).await?.refused(422, "key_reused");
    }
    // a key whose request was refused can be used again
    let bad = json!({ "org_id": org.id, "name": "Late", "event_date": "2001-01-01T20:00:00Z", "total_slots": 3 });
    ada.call(Method::POST, "/events", Some(&bad), &[("Idempotency-Key", "again")]).await?.refused(400, "invalid");
    let good = json!({ "org_id": org.id, "name": "Late", "event_date": "2099-01-01T20:00:00Z", "total_slots": 3 });
    ada.call(Method::POST, "/events", Some(&good), &[("Idempotency-Key", "again")]).await?.expect(201);
    // the table of keys stores no tokens
    let kept: i64 = sqlx::query_scalar("select count(*) from idempotency_keys where answer like '%token%'")
        .fetch_one(&world.pool)
        .await?;
    assert_eq!(kept, 0);
    world.audit()
}
