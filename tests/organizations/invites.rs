//! The lifecycle of an invite.

use anyhow::{Context, Result};
use happening_api::{AuditEntry, CreatedInvite, Invite, InvitePreview, NotificationType, Organization, Role};
use happening_tests::world::wait_for;
use happening_tests::{Client, World, WorldOptions};
use serde_json::json;

use crate::{Cast, cast};

fn body(org: &Organization, email: &str) -> serde_json::Value {
    json!({ "org_id": org.id, "email": email, "role": "organizer" })
}

/// The mails in the world's folder that contain a text.
fn mails_with(world: &World, text: &str) -> Vec<String> {
    let files = std::fs::read_dir(world.folder.join("mail")).into_iter().flatten().flatten();
    files
        .filter(|file| file.path().extension().is_some_and(|kind| kind == "eml"))
        .filter_map(|file| std::fs::read_to_string(file.path()).ok())
        // undo the line breaks of quoted-printable
        .map(|mail| mail.replace("=\r\n", ""))
        .filter(|mail| mail.contains(text))
        .collect()
}

#[tokio::test]
async fn an_invite_is_mailed_previewed_and_accepted_once() -> Result<()> {
    let Cast { world, ada, barbara, edsger, org } = cast().await?;
    let frances = world.person("frances").await?;
    let invite = ada.post("/org-invites", body(&org, "FRANCES@happening.invalid")).await?.expect(201);
    let created: CreatedInvite = invite.json();
    assert_eq!(invite.location(), Some(format!("/org-invites/{}", created.invite.id)));
    assert!(created.url.ends_with(&format!("/open/invite/{}", created.token)), "{}", created.url);
    let mail = wait_for("the mail", std::time::Duration::from_secs(20), || async {
        Ok(mails_with(&world, &created.token).pop())
    })
    .await?;
    assert!(mail.contains("FRANCES@happening.invalid") && mail.contains("invites you to Test hall"), "{mail}");

    // a person who is not signed in gets a preview, and a page that opens the app
    let preview = reqwest::get(format!("{}/org-invites/{}", world.base(0), created.token)).await?;
    let preview: InvitePreview = preview.error_for_status()?.json().await?;
    assert_eq!((preview.organization.as_str(), preview.role), ("Test hall", Role::Organizer));
    assert_eq!(preview.email, "F…@happening.invalid");
    let page = reqwest::get(format!("{}/open/invite/{}", world.base(0), created.token)).await?.error_for_status()?;
    assert!(page.headers().contains_key("content-security-policy"));
    assert!(page.text().await?.contains(&format!("happening://invite/{}", created.token)));

    let accept = format!("/org-invites/{}/accept", created.token);
    barbara.post(&accept, json!({})).await?.refused(403, "invite_for_other_address");
    frances.get(&format!("/organizations/{}", org.id)).await?.refused(404, "not_found");
    let (one, two) = (frances.at(&world.base(0)), frances.at(&world.base(1)));
    let (a, b) = tokio::join!(one.post(&accept, json!({})), two.post(&accept, json!({})));
    let mut statuses = [a?.status.as_u16(), b?.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let joined: Organization = frances.get(&format!("/organizations/{}", org.id)).await?.expect(200).json();
    assert_eq!(joined.role, Role::Organizer);
    frances.post(&accept, json!({})).await?.refused(409, "invite_used");
    barbara.post(&accept, json!({})).await?.refused(403, "invite_for_other_address");
    ada.post("/org-invites", body(&org, "Frances@Happening.invalid")).await?.refused(409, "already_member");
    ada.delete(&format!("/org-invites/{}", created.invite.id)).await?.refused(409, "invite_used");
    drop(edsger);
    // the audit log is never deleted, so it must not contain addresses
    let log = ada.get(&format!("/organizations/{}/audit", org.id)).await?.expect(200);
    assert!(!log.body.to_string().to_lowercase().contains("frances@"), "{log:?}");
    world.audit()
}

#[tokio::test]
async fn resent_replaced_revoked_and_expired_invites_are_gone() -> Result<()> {
    let Cast { world, ada, org, .. } = cast().await?;
    let grace = world.person("grace").await?;
    let preview = |token: &str| format!("/org-invites/{token}");
    let first: CreatedInvite =
        ada.post("/org-invites", body(&org, "grace@happening.invalid")).await?.expect(201).json();
    let resend = format!("/org-invites/{}/resend", first.invite.id);
    let second: CreatedInvite = ada.post(&resend, json!({})).await?.expect(200).json();
    assert_eq!(second.invite.id, first.invite.id);
    assert_ne!(second.token, first.token);
    grace.get(&preview(&first.token)).await?.refused(410, "invite_gone");
    grace.get(&preview(&second.token)).await?.expect(200);

    // a second invite to the same address replaces the first
    let third: CreatedInvite =
        ada.post("/org-invites", body(&org, "Grace@happening.invalid")).await?.expect(201).json();
    grace.post(&format!("{}/accept", preview(&second.token)), json!({})).await?.refused(410, "invite_gone");
    let pending = ada.get(&format!("/org-invites?org_id={}", org.id)).await?.expect(200);
    let invites: Vec<Invite> = pending.json();
    assert_eq!(invites.iter().map(|invite| invite.id).collect::<Vec<_>>(), [third.invite.id]);
    assert!(!pending.body.to_string().contains("token"), "the list of invites shows a token");

    sqlx::query("update organization_invites set expires_at = now() where id = $1")
        .bind(third.invite.id.0)
        .execute(&world.pool)
        .await?;
    grace.post(&format!("{}/accept", preview(&third.token)), json!({})).await?.refused(410, "invite_gone");
    let renewed: CreatedInvite =
        ada.post(&format!("/org-invites/{}/resend", third.invite.id), json!({})).await?.expect(200).json();
    ada.delete(&format!("/org-invites/{}", third.invite.id)).await?.expect(204);
    grace.post(&format!("{}/accept", preview(&renewed.token)), json!({})).await?.refused(410, "invite_gone");
    ada.delete(&format!("/org-invites/{}", third.invite.id)).await?.refused(410, "invite_gone");
    grace.get(&format!("/organizations/{}", org.id)).await?.refused(404, "not_found");
    world.audit()
}

#[tokio::test]
async fn forged_tokens_and_unverified_people_are_refused() -> Result<()> {
    let Cast { world, ada, barbara, org, .. } = cast().await?;
    let made: CreatedInvite = ada.post("/org-invites", body(&org, "grace@happening.invalid")).await?.expect(201).json();
    let mut forged = made.token.clone();
    let last = forged.pop().context("a token has letters")?;
    forged.push(if last == 'A' { 'Q' } else { 'A' });
    for token in [forged.as_str(), "x", "%00", "%FF", &"a".repeat(300), &made.invite.id.to_string()] {
        ada.get(&format!("/org-invites/{token}")).await?.refused(404, "not_found");
    }
    barbara.post("/org-invites", body(&org, "x@happening.invalid")).await?.refused(403, "forbidden");
    barbara.get(&format!("/org-invites?org_id={}", org.id)).await?.refused(403, "forbidden");
    barbara.post(&format!("/org-invites/{}/resend", made.invite.id), json!({})).await?.refused(403, "forbidden");
    let donald = world.person("donald").await?;
    donald.post("/org-invites", body(&org, "x@happening.invalid")).await?.refused(404, "not_found");
    donald.get(&format!("/org-invites?org_id={}", org.id)).await?.refused(404, "not_found");
    donald.delete(&format!("/org-invites/{}", made.invite.id)).await?.refused(404, "not_found");
    for email in ["", "no-address", "a@b c", &format!("{}@happening.invalid", "a".repeat(300))] {
        ada.post("/org-invites", body(&org, email)).await?.refused(400, "invalid");
    }
    ada.get("/org-invites").await?.refused(400, "invalid");

    let niklaus: CreatedInvite =
        ada.post("/org-invites", body(&org, "niklaus@happening.invalid")).await?.expect(201).json();
    let unverified = world.person("niklaus").await?;
    let accept = format!("/org-invites/{}/accept", niklaus.token);
    unverified.post(&accept, json!({})).await?.refused(403, "email_not_verified");
    world.audit()
}

#[tokio::test]
async fn invite_tokens_are_not_logged() -> Result<()> {
    let env = [("LOG", "debug".to_owned())].into();
    let world = World::with(WorldOptions { backends: 1, worker: true, env, ..WorldOptions::default() }).await?;
    let (ada, frances) = (world.person("ada").await?, world.person("frances").await?);
    let org = world.organization(&ada).await?;
    let made: CreatedInvite =
        ada.post("/org-invites", body(&org, "frances@happening.invalid")).await?.expect(201).json();
    wait_for("the mail", std::time::Duration::from_secs(20), || async { Ok(mails_with(&world, &made.token).pop()) })
        .await?;
    // the person with that address is notified in the app, too
    let told = crate::notified(&frances, NotificationType::OrgInvite).await?;
    assert!(told.contains("Test hall"), "{told}");
    for path in [format!("/org-invites/{}", made.token), format!("/open/invite/{}", made.token)] {
        reqwest::get(format!("{}{path}", world.base(0))).await?.error_for_status()?;
    }
    frances.post(&format!("/org-invites/{}/accept", made.token), json!({})).await?.expect(200);
    for file in ["backend0.log", "worker.log"] {
        let log = std::fs::read_to_string(world.folder.join(file))?;
        assert!(log.contains("DEBUG") && !log.contains(&made.token), "{file} has the token of an invite");
    }
    world.audit()
}

/// Creates an invite that Grace sends as an admin of Ada's organization.
async fn invited_by_grace(world: &World, ada: &Client, org: &Organization) -> Result<(Client, CreatedInvite)> {
    let grace = world.person("grace").await?;
    world.set_role(org.id, &grace, Role::OrgAdmin).await?;
    let invite = json!({ "org_id": org.id, "email": "frances@happening.invalid", "role": "orgAdmin" });
    let created: CreatedInvite = grace.post("/org-invites", invite).await?.expect(201).json();
    let waiting: Vec<Invite> = ada.get(&format!("/org-invites?org_id={}", org.id)).await?.expect(200).json();
    assert_eq!(waiting.len(), 1);
    Ok((grace, created))
}

/// Checks that the invite cannot be used any more, and that the audit log records its revocation.
async fn is_gone(world: &World, ada: &Client, org: &Organization, invite: &CreatedInvite) -> Result<()> {
    let frances = world.person("frances").await?;
    frances.get(&format!("/org-invites/{}", invite.token)).await?.refused(410, "invite_gone");
    let accept = format!("/org-invites/{}/accept", invite.token);
    frances.post(&accept, json!({})).await?.refused(410, "invite_gone");
    let waiting: Vec<Invite> = ada.get(&format!("/org-invites?org_id={}", org.id)).await?.expect(200).json();
    assert!(waiting.is_empty(), "{waiting:?}");
    let log: Vec<AuditEntry> = ada.get(&format!("/organizations/{}/audit", org.id)).await?.expect(200).json();
    assert!(log.iter().any(|entry| entry.action == "invite_revoked" && entry.subject_id == invite.invite.id.0));
    world.audit()
}

#[tokio::test]
async fn a_removed_admins_invites_are_gone() -> Result<()> {
    let Cast { world, ada, org, .. } = cast().await?;
    let (grace, invite) = invited_by_grace(&world, &ada, &org).await?;
    ada.delete(&format!("/organizations/{}/members/{}", org.id, grace.user.id)).await?.expect(204);
    is_gone(&world, &ada, &org, &invite).await
}

#[tokio::test]
async fn a_demoted_admins_invites_are_gone() -> Result<()> {
    let Cast { world, ada, org, .. } = cast().await?;
    let (grace, invite) = invited_by_grace(&world, &ada, &org).await?;
    let member = format!("/organizations/{}/members/{}", org.id, grace.user.id);
    ada.patch(&member, json!({ "role": "organizer" })).await?.expect(200);
    is_gone(&world, &ada, &org, &invite).await?;
    // restoring the role does not restore the invite
    ada.patch(&member, json!({ "role": "orgAdmin" })).await?.expect(200);
    is_gone(&world, &ada, &org, &invite).await
}

#[tokio::test]
async fn a_deleted_admins_invites_are_gone() -> Result<()> {
    let Cast { world, ada, org, .. } = cast().await?;
    let (grace, invite) = invited_by_grace(&world, &ada, &org).await?;
    grace.delete("/users/me").await?.expect(204);
    is_gone(&world, &ada, &org, &invite).await
}

#[tokio::test]
async fn accepting_checks_the_inviters_role() -> Result<()> {
    let Cast { world, ada, org, .. } = cast().await?;
    let (grace, invite) = invited_by_grace(&world, &ada, &org).await?;
    // change the role in the database directly, so that no rule revokes the invite
    world.set_role(org.id, &grace, Role::Organizer).await?;
    let frances = world.person("frances").await?;
    let accept = format!("/org-invites/{}/accept", invite.token);
    frances.post(&accept, json!({})).await?.refused(410, "invite_gone");
    // when another admin resends the invite, that admin becomes its inviter
    let resent: CreatedInvite =
        ada.post(&format!("/org-invites/{}/resend", invite.invite.id), json!({})).await?.expect(200).json();
    assert_eq!(resent.invite.invited_by, ada.user.id);
    frances.post(&format!("/org-invites/{}/accept", resent.token), json!({})).await?.expect(200);
    world.audit()
}
