//! People. The first call of a person makes their row from the token.

mod delete;
pub(crate) mod http;
pub(crate) mod store;

pub(crate) use delete::cancel_late_bookings;

use std::sync::Arc;
use std::time::Duration;

use happening_api::UserId;
use moka::sync::Cache;

use crate::app::App;
use crate::auth::Claims;
use crate::problem::Problem;

const KNOWN_MAX: u64 = 100_000;
/// A deleted person is refused within this time on every replica.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// A person whose row exists.
#[derive(Clone, Debug)]
pub(crate) struct KnownUser {
    pub(crate) id: UserId,
}

/// People whose row was seen lately, by `sub`.
pub(crate) struct KnownUsers(Cache<String, KnownUser>);

impl Default for KnownUsers {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(KNOWN_MAX).time_to_live(KNOWN_FOR).build())
    }
}

impl KnownUsers {
    /// The next call looks at the rows.
    fn forget(&self, user: UserId) {
        let subs: Vec<Arc<String>> = self.0.iter().filter(|(_, known)| known.id == user).map(|(sub, _)| sub).collect();
        subs.iter().for_each(|sub| self.0.invalidate(sub.as_str()));
    }
}

/// The person of a token; their row is made when it is missing.
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
