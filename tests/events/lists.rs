//! Lists, filters, search and pagination of events.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use happening_api::{Event, Role};
use happening_tests::world::new_id;
use happening_tests::{Client, Reply, World};
use reqwest::Method;
use serde_json::{Value, json};

async fn make(owner: &Client, org: happening_api::OrgId, change: Value) -> Result<Event> {
    let mut body = json!({ "org_id": org, "name": "Evening", "event_date": "2099-01-01T20:00:00Z", "total_slots": 3, "visibility": "public" });
    let body = body.as_object_mut().map(|object| {
        object.extend(change.as_object().cloned().unwrap_or_default());
        Value::Object(object.clone())
    });
    Ok(owner.post("/events", body.unwrap_or_default()).await?.expect(201).json())
}

fn names(reply: &Reply) -> Vec<&str> {
    reply.body.as_array().into_iter().flatten().filter_map(|event| event["name"].as_str()).collect()
}

#[tokio::test]
async fn events_are_found_by_words_category_time_and_owner() -> Result<()> {
    let world = World::new().await?;
    let (ada, barbara, donald) =
        (world.person("ada").await?, world.person("barbara").await?, world.person("donald").await?);
    let org = world.organization(&ada).await?;
    world.set_role(org.id, &barbara, Role::Organizer).await?;
    make(&ada, org.id, json!({ "name": "Brass at night", "category": "concert", "place": "River stage" })).await?;
    make(
        &barbara,
        org.id,
        json!({ "name": "Gates and locks", "category": "webinar", "description": "100% of brass, half_price",
        "event_date": "2099-02-01T20:00:00Z" }),
    )
    .await?;
    make(
        &ada,
        org.id,
        json!({ "name": "Members only", "visibility": "members", "event_date": "2099-03-01T20:00:00Z" }),
    )
    .await?;
    let over = make(&ada, org.id, json!({ "name": "Over", "event_date": "2099-04-01T20:00:00Z" })).await?;
    world.move_event(over.id, -60 * 48).await?;
    let find = |person: &Client, query: &str| {
        let (person, path) = (person.clone(), format!("/events?{query}"));
        async move { person.get(&path).await }
    };
    for (person, query, expected) in [
        (&ada, "", vec!["Brass at night", "Gates and locks", "Members only"]),
        (&donald, "", vec!["Brass at night", "Gates and locks"]),
        (&donald, "q=BRASS", vec!["Brass at night", "Gates and locks"]),
        (&donald, "q=river", vec!["Brass at night"]),
        (&donald, "q=100%25", vec!["Gates and locks"]),
        (&donald, "q=f_p", vec!["Gates and locks"]),
        (&donald, "q=_", vec!["Gates and locks"]),
        (&donald, "category=webinar", vec!["Gates and locks"]),
        (&donald, "status=completed", vec!["Over"]),
        (&donald, "from=2099-01-01T20:00:00Z&to=2099-01-01T20:00:00Z", vec!["Brass at night"]),
        (&barbara, "mine=true", vec!["Gates and locks"]),
        (&barbara, "mine=false", vec!["Brass at night", "Gates and locks", "Members only"]),
        (&ada, &format!("org_id={}", new_id()), vec![]),
    ] {
        let reply = find(person, query).await?.expect(200);
        assert_eq!(names(&reply), expected, "{query}");
        assert_eq!(reply.headers["x-total-count"], expected.len().to_string(), "{query}");
    }
    world.audit()
}

#[tokio::test]
async fn invalid_search_parameters_are_refused() -> Result<()> {
    let world = World::new().await?;
    let ada = world.person("ada").await?;
    let org = world.organization(&ada).await?;
    world.set_role(org.id, &world.person("barbara").await?, Role::User).await?;
    let find = async |query: &str| ada.get(&format!("/events?{query}")).await;
    for bad in [
        "limit=0",
        "limit=201",
        "limit=x",
        "cursor=x",
        "category=party",
        "status=soon",
        "from=yesterday",
        "mine=maybe",
        "colour=red",
        "org_id=1",
        "q=%00",
    ] {
        find(bad).await?.refused(400, "invalid");
    }
    // the cursor of another kind of list is not valid here
    let page = ada.get(&format!("/organizations/{}/members?limit=1", org.id)).await?.expect(200);
    let next = page.next_page().context("a second page")?;
    let cursor = next.split("cursor=").nth(1).unwrap_or_default();
    ada.get(&format!("/organizations/{}/members?cursor={cursor}", org.id)).await?.expect(200);
    find(&format!("cursor={cursor}")).await?.refused(400, "invalid");
    Ok(())
}

#[tokio::test]
async fn pages_show_every_event_once() -> Result<()> {
    let world = World::new().await?;
    let ada = world.person("ada").await?;
    let org = world.organization(&ada).await?;
    for n in 0..7 {
        make(
            &ada,
            org.id,
            json!({ "name": format!("Evening {n}"), "event_date": format!("2099-01-0{}T20:00:00Z", 1 + n / 3) }),
        )
        .await?;
    }
    let mut path = format!("/events?limit=3&org_id={}", org.id);
    let (mut seen, mut pages) = (BTreeSet::new(), 0);
    loop {
        let reply = ada.call(Method::GET, &path, None, &[]).await?.expect(200);
        assert_eq!(reply.headers["x-total-count"], "7");
        for name in names(&reply) {
            assert!(seen.insert(name.to_owned()), "{name} is listed twice");
        }
        pages += 1;
        let Some(next) = reply.next_page() else { break };
        path = next;
    }
    assert_eq!((seen.len(), pages), (7, 3));
    Ok(())
}

#[tokio::test]
async fn search_and_order_handle_non_ascii_letters() -> Result<()> {
    let world = World::new().await?;
    let ada = world.person("ada").await?;
    let org = world.organization(&ada).await?;
    make(&ada, org.id, json!({ "name": "Ärzteball", "place": "ΑΘΗΝΑ", "event_date": "2099-01-01T20:00:00Z" })).await?;
    for words in ["ärzteball", "ÄRZTE", "rzteba", "αθηνα"] {
        let encoded: String = url::form_urlencoded::byte_serialize(words.as_bytes()).collect();
        let reply = ada.get(&format!("/events?org_id={}&q={encoded}", org.id)).await?.expect(200);
        assert_eq!(names(&reply), ["Ärzteball"], "{words}");
    }
    // the search and order of members follow the same rules, whatever the database's locale is
    sqlx::query("update users set name = 'Émile' where id = $1").bind(ada.user.id.0).execute(&world.pool).await?;
    for (login, name) in [("barbara", "zoe"), ("edsger", "Zadie"), ("frances", "Elena")] {
        let person = world.person(login).await?;
        world.set_role(org.id, &person, Role::User).await?;
        let query = sqlx::query("update users set name = $2 where id = $1").bind(person.user.id.0).bind(name);
        query.execute(&world.pool).await?;
    }
    let members = format!("/organizations/{}/members", org.id);
    let sorted = ada.get(&members).await?.expect(200);
    assert_eq!(names(&sorted), ["Elena", "Émile", "Zadie", "zoe"]);
    let found = ada.get(&format!("{members}?q=%C3%A9MILE")).await?.expect(200);
    assert_eq!(names(&found), ["Émile"]);
    // pages have the same order as the whole list
    let first = ada.get(&format!("{members}?limit=2")).await?.expect(200);
    let next = first.next_page().context("a second page")?;
    assert_eq!(names(&ada.get(&next).await?.expect(200)), ["Zadie", "zoe"]);
    world.audit()
}
