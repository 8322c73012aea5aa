//! People. The first call of a person creates their user row from the token.

mod delete;
pub(crate) mod http;
pub(crate) mod known;
pub(crate) mod store;

pub(crate) use delete::cancel_late_bookings;

use self::known::KnownUser;
use crate::app::App;
use crate::auth::Claims;
use crate::problem::Problem;

/// The person of a token; their user row is created if it does not exist.
///
/// # Errors
/// When the database fails.
pub(crate) async fn current(app: &App, claims: &Claims) -> Result<KnownUser, Problem> {
    if let Some(known) = app.known_users.0.get(&claims.sub) {
        return Ok(known);
    }
    if let Some(id) = app.callers.find(store::Unchanged::of(claims)).await? {
        let known = KnownUser { id };
        app.known_users.0.insert(claims.sub.clone(), known.clone());
        return Ok(known);
    }
    let known = match store::find_or_create(&mut *app.identity_conn().await?, claims, app.clock).await? {
        store::Found::Person { user, .. } => KnownUser { id: user.id },
        store::Found::Ended => return Err(Problem::unauthenticated()),
    };
    app.known_users.0.insert(claims.sub.clone(), known.clone());
    Ok(known)
}
