//! People whom a newly started server has not seen yet: members of one organization, with tokens that were signed
//! before.

use anyhow::{Result, anyhow, ensure};
use happening_api::{Event, OrgId};
use happening_tests::issuer::Issuer;
use happening_tests::{Client, World};
use serde_json::json;

use super::measured::Server;

pub(in crate::bench) const PEOPLE: usize = 10_000;
/// How long tokens are valid: longer than all measurements take.
const TOKENS_LAST_S: u64 = 3_600;
const NAME: &str = "stranger-";
const SEATS_PER_PERSON_MAX: i32 = 4;

pub(in crate::bench) struct Strangers {
    issuer: Issuer,
    pub(super) org: OrgId,
    pub(in crate::bench) tokens: Vec<String>,
}

impl Strangers {
    /// Creates the people by one call each to a server that is not measured, and makes them members.
    ///
    /// # Errors
    /// When a call is refused.
    pub(in crate::bench) async fn gather(world: &World, owner: &Client) -> Result<Self> {
        let issuer = Issuer::start(&world.stack.folder.join("issuer")).await?;
        let token = |n: usize| {
            let mut claims = issuer.claims(&format!("{NAME}{n}"));
            claims["exp"] = json!(claims["iat"].as_u64().unwrap_or_default() + TOKENS_LAST_S);
            issuer.sign(&claims)
        };
        let half = |from: usize| (from..from + PEOPLE / 2).map(token).collect::<Result<Vec<String>>>();
        let (first, second) = std::thread::scope(|scope| {
            let second = scope.spawn(|| half(PEOPLE / 2));
            (half(0), second.join())
        });
        let second = second.map_err(|_| anyhow!("signing tokens panicked"))??;
        let tokens = [first?, second].concat();
        let org = world.organization(owner).await?.id;
        let server = start(world, &issuer.url, "false").await?;
        let sign_in = |token: &String| ("/users".to_owned(), token.clone(), "{}".to_owned());
        ensure!(server.crowd(world, tokens.iter().map(sign_in), 0)?.all, "not everyone was signed in");
        server.stop()?;
        sqlx::query(
            "insert into organization_users (org_id, user_id, role) select $1, id, 'user' from users
            where name like 'stranger-%' on conflict do nothing",
        )
        .bind(org.0)
        .execute(&world.pool)
        .await?;
        Ok(Self { issuer, org, tokens })
    }

    /// Starts a server that accepts the tokens and has not seen any of the people.
    ///
    /// # Errors
    /// When the server does not start.
    pub(in crate::bench) async fn server(&self, world: &World) -> Result<Server> {
        start(world, &self.issuer.url, "true").await
    }

    /// Like [`Self::server`], with room for `at_once` connections per address and as many concurrent requests.
    ///
    /// # Errors
    /// When the server does not start.
    pub(in crate::bench) async fn server_for(&self, world: &World, at_once: u32) -> Result<Server> {
        let (issuer, at_once) = (self.issuer.url.as_str(), at_once.to_string());
        let env = [("CONNECTIONS_PER_ADDRESS_MAX", at_once.as_str()), ("CONCURRENT_REQUESTS_MAX", at_once.as_str())];
        let sign_in = [("OIDC_ISSUER_URL", issuer), ("OIDC_JWKS_URL", issuer), ("RELAY", "true")];
        Server::start(world, &[&env[..], &sign_in].concat()).await
    }

    /// The token of the person with that name.
    pub(in crate::bench) fn token_of(&self, name: &str) -> Option<&str> {
        let number: usize = name.strip_prefix(NAME)?.parse().ok()?;
        self.tokens.get(number).map(String::as_str)
    }

    /// An event for members only, with a limit of seats for each person.
    ///
    /// # Errors
    /// When the server refuses.
    pub(in crate::bench) async fn event(&self, world: &World, owner: &Client, seats: i32) -> Result<Event> {
        let event = world.event_in(owner, self.org, seats, Some(SEATS_PER_PERSON_MAX)).await?;
        let members = json!({ "visibility": "members" });
        Ok(owner.put(&format!("/events/{}", event.id), members).await?.expect(200).json())
    }
}

async fn start(world: &World, issuer: &str, relay: &str) -> Result<Server> {
    Server::start(world, &[("OIDC_ISSUER_URL", issuer), ("OIDC_JWKS_URL", issuer), ("RELAY", relay)]).await
}
