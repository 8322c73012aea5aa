//! People. The first call of a person makes their row from the token.

pub(crate) mod http;
pub(crate) mod store;

use std::time::Duration;

use happening_api::UserId;
use moka::sync::Cache;

use crate::app::App;
use crate::auth::Claims;
use crate::http::ApiResult;

const KNOWN_MAX: u64 = 100_000;
const KNOWN_FOR: Duration = Duration::from_secs(30);

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

/// The person of a token; their row is made when it is missing.
///
/// # Errors
/// When the database fails.
pub(crate) async fn current(app: &App, claims: &Claims) -> ApiResult<KnownUser> {
    if let Some(known) = app.known_users.0.get(&claims.sub) {
        return Ok(known);
    }
    let (user, _) = store::find_or_create(&mut *app.pool.acquire().await?, claims, app.clock).await?;
    let known = KnownUser { id: user.id };
    app.known_users.0.insert(claims.sub.clone(), known.clone());
    Ok(known)
}
