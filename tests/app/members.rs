//! Organizations in the app: create, switch, roles, the last admin, invites, leaving, transferring an event, ending.

use anyhow::Result;
use happening_api::{CreatedInvite, Invite, InviteStatus, Member, Role};
use happening_tests::{World, WorldOptions};
use serde_json::json;

use crate::signed_in;

#[tokio::test]
async fn an_admin_changes_roles_and_removes_members() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let org = world.organization(&ada).await?;
    world.set_role(org.id, &barbara, Role::User).await?;
    let desktop = signed_in(&world, "ada").await?;
    desktop.choose(".org-switch select", "create").await?;
    desktop.fill("#organization-name", "Second hall").await?;
    desktop.click_text("Create organization").await?;
    desktop.sees("Second hall is there.").await?;
    desktop.click("a[href='#/members']").await?;
    desktop.sees("1 member: 1 admin").await?;
    desktop.click_text("Edit organization").await?;
    desktop.fill("#org-name", "The second hall").await?;
    desktop.fill("#org-days", "20").await?;
    desktop.click_text("Save changes").await?;
    desktop.exists(".wrong #org-days-note").await?;
    desktop.fill("#org-days", "90").await?;
    desktop.click_text("Save changes").await?;
    desktop.sees("Saved.").await?;
    desktop.exists_no_more("dialog[open]").await?;
    desktop.sees("The second hall").await?;

    // the organization switch decides which organization all screens show
    desktop.choose(".org-switch select", &org.id.to_string()).await?;
    desktop.sees("Barbara Liskov").await?;
    desktop.choose("select[aria-label='Role of Barbara Liskov']", "organizer").await?;
    desktop.sees("Barbara Liskov is now organizer.").await?;
    // the last admin cannot give up the role
    desktop.choose("select[aria-label='Role of Ada Lovelace']", "user").await?;
    desktop.sees("An organization needs an admin").await?;
    desktop.click_text("Show who changed what").await?;
    desktop.sees("Role changed").await?;
    desktop.click_text("Remove").await?;
    desktop.sees("Their access ends at once.").await?;
    desktop.click("#confirm").await?;
    desktop.sees("Barbara Liskov is no longer a member.").await?;
    // the focused button disappeared with its row, so the focus moves to the main part
    desktop.sees_no_more("Remove Barbara Liskov?").await?;
    desktop.becomes("return document.activeElement.id", "main").await?;
    let members: Vec<Member> = ada.get(&format!("/organizations/{}/members", org.id)).await?.expect(200).json();
    assert_eq!(members.len(), 1);
    world.audit()
}

#[tokio::test]
async fn invites_are_resent_and_revoked_and_organizations_ended() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let org = world.organization(&ada).await?;
    let invite = json!({ "org_id": org.id, "email": "dennis@happening.invalid", "role": "user" });
    let first: CreatedInvite = ada.post("/org-invites", invite).await?.expect(201).json();
    let token = |invite: &CreatedInvite| invite.url.rsplit('/').next().unwrap_or_default().to_owned();
    let desktop = signed_in(&world, "ada").await?;
    desktop.choose(".org-switch select", &org.id.to_string()).await?;
    desktop.go("/members").await?;
    desktop.click("button[aria-label='Send the invite to dennis@happening.invalid again']").await?;
    desktop.sees("The old link no longer works.").await?;
    let dennis = world.person("dennis").await?;
    dennis.get(&format!("/org-invites/{}", token(&first))).await?.refused(410, "invite_gone");
    desktop.click("button[aria-label='Revoke the invite to dennis@happening.invalid']").await?;
    desktop.sees("Its link stops working.").await?;
    desktop.click("#confirm").await?;
    desktop.sees("The invite no longer works.").await?;
    desktop.sees_no_more("dennis@happening.invalid").await?;
    // the focused button disappeared with its row, so the focus moves to the main part
    desktop.becomes("return document.activeElement.id", "main").await?;
    let left: Vec<Invite> = ada.get(&format!("/org-invites?org_id={}", org.id)).await?.expect(200).json();
    assert!(left.iter().all(|one| one.status != InviteStatus::Pending), "{left:?}");

    // to end an organization, a person must type its name
    desktop.click_text("End the organization").await?;
    desktop.fill("#end-name", "Something else").await?;
    let closed = desktop.script("return document.querySelector('#confirm').disabled").await?;
    assert_eq!(closed, true, "an organization can be ended without typing its name");
    desktop.fill("#end-name", &org.name).await?;
    desktop.click("#confirm").await?;
    desktop.sees(&format!("{} has ended.", org.name)).await?;
    ada.get(&format!("/organizations/{}", org.id)).await?.refused(404, "not_found");
    world.audit()
}

#[tokio::test]
async fn a_member_can_leave_an_organization() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (ada, donald) = (world.person("ada").await?, world.person("donald").await?);
    let org = world.organization(&ada).await?;
    world.set_role(org.id, &donald, Role::User).await?;
    let desktop = signed_in(&world, "donald").await?;
    desktop.go("/members").await?;
    desktop.click_text("Leave").await?;
    desktop.sees("Your bookings stay, and you can still cancel them.").await?;
    desktop.click("#confirm").await?;
    desktop.sees(&format!("You left {}.", org.name)).await?;
    desktop.sees("You belong to no organization").await?;
    let members: Vec<Member> = ada.get(&format!("/organizations/{}/members", org.id)).await?.expect(200).json();
    assert_eq!(members.len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_admin_transfers_an_event_to_an_organizer() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (ada, grace) = (world.person("ada").await?, world.person("grace").await?);
    let org = world.organization(&ada).await?;
    world.set_role(org.id, &grace, Role::Organizer).await?;
    let event = world.event_in(&ada, org.id, 5, None).await?;
    let desktop = signed_in(&world, "ada").await?;
    desktop.go(&format!("/organize/{}/edit", event.id)).await?;
    desktop.choose("#owner", &grace.user.id.to_string()).await?;
    desktop.click("#save").await?;
    desktop.sees("Saved.").await?;
    assert_eq!(ada.event(event.id).await?.owner_id, grace.user.id);
    Ok(())
}

#[tokio::test]
async fn the_organization_switch_filters_bookings() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let (owner, person) = (world.person("edsger").await?, world.person("donald").await?);
    let (one, other) = (world.organization(&owner).await?, world.organization(&owner).await?);
    for (org, name) in [(one.id, "First evening"), (other.id, "Second evening")] {
        world.set_role(org, &person, Role::User).await?;
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

#[tokio::test]
async fn member_search_covers_more_than_one_page() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let org = world.organization(&ada).await?;
    world.add_many_members(org.id, 1_200).await?;
    let desktop = signed_in(&world, "ada").await?;
    desktop.choose(".org-switch select", &org.id.to_string()).await?;
    desktop.go("/members").await?;
    desktop.sees("25 of 1,201 shown").await?;
    desktop.click_text("Show all").await?;
    desktop.sees("1,000 of 1,201 shown").await?;
    desktop.fill("#member-search", "member 1200").await?;
    desktop.sees("1 of 1,201 shown").await?;
    desktop.exists("select[aria-label='Role of Member 1200']").await?;
    desktop.fill("#member-search", "nobody at all").await?;
    desktop.sees("Nobody has that name.").await
}

#[tokio::test]
async fn a_refused_invite_keeps_those_sent_before() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let org = world.organization(&ada).await?;
    let desktop = signed_in(&world, "ada").await?;
    desktop.choose(".org-switch select", &org.id.to_string()).await?;
    desktop.go("/members").await?;
    desktop.click("#invite").await?;
    desktop.fill("#invite-email", "dennis@happening.invalid; not-an-address, ken@happening.invalid").await?;
    desktop.sees("Send 3 invites").await?;
    desktop.click("#send-invite").await?;
    // the first invite was sent; the input keeps the refused address and those after it
    desktop.sees("not-an-address: It").await?;
    desktop.sees("It stopped at not-an-address, with 1 more after it.").await?;
    desktop.exists("button[aria-label='Copy the link for dennis@happening.invalid']").await?;
    let left = "return document.querySelector('#invite-email').value";
    desktop.becomes(left, "not-an-address, ken@happening.invalid").await?;
    desktop.fill("#invite-email", "ken@happening.invalid, KEN@happening.invalid").await?;
    desktop.sees("Send the invite").await?;
    desktop.click("#send-invite").await?;
    desktop.sees("Invited ken@happening.invalid. The mail is on its way.").await?;
    // the address of a present member is named, too
    desktop.fill("#invite-email", "ada@happening.invalid").await?;
    desktop.click("#send-invite").await?;
    desktop.sees("It stopped at ada@happening.invalid.").await?;
    let invites: Vec<Invite> = ada.get(&format!("/org-invites?org_id={}", org.id)).await?.expect(200).json();
    let mut emails: Vec<&str> = invites.iter().map(|one| one.email.as_str()).collect();
    emails.sort_unstable();
    assert_eq!(emails, ["dennis@happening.invalid", "ken@happening.invalid"]);
    Ok(())
}
