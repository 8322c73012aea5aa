//! Organizations in the app: create, switch, roles, the last admin, leaving.

use anyhow::Result;
use happening_api::{Member, Role};
use happening_tests::{World, WorldOptions};
use serde_json::json;

use crate::signed_in;

#[tokio::test]
async fn an_admin_looks_after_an_organization() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let org = world.organization(&ada).await?;
    world.add_member(org.id, &barbara, Role::User).await?;
    let desktop = signed_in(&world, "ada").await?;
    desktop.choose(".org-switch select", "create").await?;
    desktop.fill("#organization-name", "Second hall").await?;
    desktop.click_text("Create organization").await?;
    desktop.sees("Second hall is there.").await?;
    desktop.click("a[href='#/members']").await?;
    desktop.sees("1 member: 1 admin").await?;

    // the switch changes what every screen is about
    desktop.choose(".org-switch select", &org.id.to_string()).await?;
    desktop.sees("Barbara Liskov").await?;
    desktop.choose("select[aria-label='Role of Barbara Liskov']", "organizer").await?;
    desktop.sees("Barbara Liskov is now organizer.").await?;
    // the last admin stays
    desktop.choose("select[aria-label='Role of Ada Lovelace']", "user").await?;
    desktop.sees("An organization needs an admin").await?;
    desktop.click_text("Show who changed what").await?;
    desktop.sees("Role changed").await?;
    desktop.click_text("Remove").await?;
    desktop.sees("Their access ends at once.").await?;
    desktop.click("#confirm").await?;
    desktop.sees("Barbara Liskov is no longer a member.").await?;
    let members: Vec<Member> = ada.get(&format!("/organizations/{}/members", org.id)).await?.expect(200).json();
    assert_eq!(members.len(), 1);
    world.audit()
}

#[tokio::test]
async fn the_switch_chooses_whose_bookings_are_shown() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (owner, person) = (world.person("edsger").await?, world.person("donald").await?);
    let (one, other) = (world.organization(&owner).await?, world.organization(&owner).await?);
    for (org, name) in [(one.id, "First evening"), (other.id, "Second evening")] {
        world.add_member(org, &person, Role::User).await?;
        let event = world.event_in(&owner, org, 5, None).await?;
        owner.put(&format!("/events/{}", event.id), json!({ "name": name })).await?.expect(200);
        person.book(event.id, 1).await?.expect(201);
    }
    let desktop = signed_in(&world, "donald").await?;
    desktop.go("/bookings").await?;
    desktop.sees("First evening").await?;
    desktop.sees("Second evening").await?;
    desktop.choose(".org-switch select", &other.id.to_string()).await?;
    desktop.sees_no_more("First evening").await?;
    desktop.sees("Second evening").await?;
    desktop.go("/").await?;
    desktop.sees("You have 1 seat").await?;
    desktop.choose(".org-switch select", "").await?;
    desktop.sees("You have 2 seats").await
}
