//! People. The first call of a person creates their user row from the token.

mod delete;
pub(crate) mod http;
pub(crate) mod known;
pub(crate) mod store;

pub(crate) use delete::{Parts, cancel_late_bookings};

use sqlx::PgPool;

use self::known::{KnownUser, KnownUsers};
use crate::auth::Claims;
use crate::clock::Clock;
use crate::database;
use crate::database::lookup::Lookup;
use crate::problem::Problem;

/// The person of a token; their user row is created if it does not exist. `identity` is the pool for access checks.
///
/// # Errors
/// When the database fails.
pub(crate) async fn current(
    identity: &PgPool,
    clock: Clock,
    known_users: &KnownUsers,
    callers: &Lookup<store::Unchanged>,
    claims: &Claims,
) -> Result<KnownUser, Problem> {
    if let Some(known) = known_users.0.get(&claims.sub) {
        return Ok(known);
    }
    if let Some(id) = callers.find(store::Unchanged::of(claims)).await? {
        let known = KnownUser { id };
        known_users.0.insert(claims.sub.clone(), known.clone());
        return Ok(known);
    }
    let known = match store::find_or_create(&mut *database::conn(identity).await?, claims, clock).await? {
        store::Found::Person { user, .. } => KnownUser { id: user.id },
        store::Found::Ended => return Err(Problem::unauthenticated()),
    };
    known_users.0.insert(claims.sub.clone(), known.clone());
    Ok(known)
}
