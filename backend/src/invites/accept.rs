//! Shows and accepts an invite by its token.

use happening_api::{ErrorCode, InvitePreview, Organization, UserId};
use sqlx::{PgConnection, PgPool};

use super::create::{already_member, gone, used};
use super::store::{self, InviteRow};
use crate::audit_log::{self, Entry};
use crate::clock::Clock;
use crate::database;
use crate::idempotency::commit;
use crate::links::{Links, Token};
use crate::organizations::store as org_store;
use crate::problem::Problem;
use crate::users::store as user_store;

/// What the holder of an invite's link may see.
///
/// # Errors
/// 404 for a token that this server did not make, `invite_used`, `invite_gone`, 503.
pub(super) async fn preview(pool: &PgPool, links: &Links, token: &str) -> Result<InvitePreview, Problem> {
    let (invite, replaced) = find(&mut *database::conn(pool).await?, links, token, false).await?;
    check_open(&invite, replaced)?;
    Ok(InvitePreview {
        role: invite.role,
        organization: invite.organization,
        inviter: invite.inviter,
        email: masked(&invite.email),
        expires_at: invite.expires_at,
    })
}

/// Makes the caller a member of the organization. Their e-mail address is checked before the invite's status.
///
/// # Errors
/// 404, `email_not_verified`, `invite_for_other_address`, `invite_used`, `invite_gone`, `already_member`, 503.
pub(super) async fn accept(
    pool: &PgPool,
    links: &Links,
    clock: Clock,
    caller: UserId,
    token: &str,
) -> Result<Organization, Problem> {
    let mut tx = pool.begin().await?;
    // every change of invites locks the organization first, so that they cannot deadlock
    let (known, _) = find(&mut tx, links, token, false).await?;
    org_store::lock(&mut tx, known.org_id).await?;
    let (invite, replaced) = find(&mut tx, links, token, true).await?;
    let person = user_store::find(&mut tx, caller).await?.ok_or_else(Problem::unauthenticated)?;
    if !person.email_verified {
        let sentence = "Confirm your e-mail address first.";
        return Err(Problem::new(ErrorCode::EmailNotVerified, sentence));
    }
    if person.email.to_lowercase() != invite.email.to_lowercase() {
        let sentence = "This invite is for another address. Sign in with that one.";
        return Err(Problem::new(ErrorCode::InviteForOtherAddress, sentence));
    }
    check_open(&invite, replaced)?;
    if org_store::role(&mut tx, invite.org_id, caller).await?.is_some() {
        return Err(already_member());
    }
    if !org_store::insert_member(&mut tx, invite.org_id, caller, invite.role).await? {
        return Err(Problem::unauthenticated());
    }
    store::set_status(&mut tx, invite.id, "used").await?;
    let details = serde_json::json!({ "role": invite.role });
    let entry = Entry { action: "invite_accepted", subject_type: "invite", subject: invite.id.0, details };
    audit_log::write(&mut tx, invite.org_id, caller, &entry, clock).await?;
    let organization = org_store::find_for(&mut tx, caller, invite.org_id).await?.ok_or_else(Problem::not_found)?;
    commit(tx).await?;
    Ok(organization)
}

/// The invite of a valid token, and whether a newer token has replaced this one.
async fn find(conn: &mut PgConnection, links: &Links, text: &str, lock: bool) -> Result<(InviteRow, bool), Problem> {
    let token = Token::parse(text).ok_or_else(Problem::not_found)?;
    let invite = store::find(conn, token.id, lock).await?.ok_or_else(Problem::not_found)?;
    let key = &links.key;
    if token.is_of(key, &invite.nonce) {
        return Ok((invite, false));
    }
    if invite.old_nonces.iter().any(|nonce| token.is_of(key, nonce)) {
        return Ok((invite, true));
    }
    Err(Problem::not_found())
}

fn check_open(invite: &InviteRow, replaced: bool) -> Result<(), Problem> {
    match invite.status.as_str() {
        "used" => Err(used()),
        // an invite is also closed when its sender is no longer orgAdmin
        "pending" if !replaced && !invite.expired && invite.inviter_is_admin => Ok(()),
        _ => Err(gone()),
    }
}

/// Shows only the first letter and the domain of an address, so that a person can tell which of their addresses it is.
fn masked(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((name, domain)) => format!("{}…@{domain}", name.chars().take(1).collect::<String>()),
        None => "…".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn most_letters_of_an_address_are_hidden() {
        assert_eq!(masked("ada@happening.invalid"), "a…@happening.invalid");
        assert_eq!(masked("@x"), "…@x");
        assert_eq!(masked("none"), "…");
    }
}
