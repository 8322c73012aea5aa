//! Demo people and their tokens. They sign in at Keycloak as the app does: authorization code with PKCE.

#![expect(clippy::disallowed_methods, reason = "a sign-in has random values of its own")]

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use reqwest::header::{LOCATION, SET_COOKIE};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use url::Url;
use uuid::Uuid;

/// The address to which Keycloak redirects the browser after signing in.
pub const CALLBACK: &str = "happening://auth/callback";
const CLIENT: &str = "happening-desktop";
/// How long a token is reused. Tokens live five minutes, so a reused one stays valid for 100 s at least.
const TOKEN_KEPT: Duration = Duration::from_secs(200);

/// Signs people in and reuses their tokens until [`TOKEN_KEPT`] has passed.
pub struct People {
    issuer: String,
    http: reqwest::Client,
    tokens: Mutex<HashMap<String, (String, Instant)>>,
    /// Allows one sign-in at a time: Keycloak treats two simultaneous sign-ins of one person as an attack.
    turn: tokio::sync::Mutex<()>,
}

impl People {
    /// The people of a realm.
    pub fn of(issuer: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // tests share this client, and each test has its own runtime; a pooled connection would end with the
            // runtime that opened it
            .pool_max_idle_per_host(0)
            .build()
            .expect("a client without special needs");
        Self { issuer: issuer.to_owned(), http, tokens: Mutex::default(), turn: tokio::sync::Mutex::default() }
    }

    /// An access token of a demo person; the password is the login name.
    ///
    /// # Errors
    /// When Keycloak is away or does not know the person.
    pub async fn token(&self, login: &str) -> Result<String> {
        let _turn = self.turn.lock().await;
        let known = self.tokens.lock().expect("no panic while held").get(login).cloned();
        if let Some((token, _)) = known.filter(|(_, since)| since.elapsed() < TOKEN_KEPT) {
            return Ok(token);
        }
        let answer = self.sign_in(login).await?;
        let token = answer["access_token"].as_str().context("no access token")?.to_owned();
        self.tokens.lock().expect("no panic while held").insert(login.to_owned(), (token.clone(), Instant::now()));
        Ok(token)
    }

    /// Signs in again and answers the new access token.
    ///
    /// # Errors
    /// When Keycloak is away or does not know the person.
    pub async fn new_token(&self, login: &str) -> Result<String> {
        let _turn = self.turn.lock().await;
        let answer = self.sign_in(login).await?;
        Ok(answer["access_token"].as_str().context("no access token")?.to_owned())
    }

    /// Signs in again and answers the ID token, which tells who the person is and gives no access.
    ///
    /// # Errors
    /// When Keycloak is away or does not know the person.
    pub async fn id_token(&self, login: &str) -> Result<String> {
        let _turn = self.turn.lock().await;
        let answer = self.sign_in(login).await?;
        Ok(answer["id_token"].as_str().context("no ID token")?.to_owned())
    }

    /// Signs in. Answers the token endpoint's response.
    async fn sign_in(&self, login: &str) -> Result<serde_json::Value> {
        let verifier = URL_SAFE_NO_PAD.encode([Uuid::now_v7().into_bytes(), Uuid::now_v7().into_bytes()].concat());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        let authorize = Url::parse_with_params(
            &format!("{}/protocol/openid-connect/auth", self.issuer),
            [
                ("response_type", "code"),
                ("client_id", CLIENT),
                ("redirect_uri", CALLBACK),
                ("scope", "openid email profile"),
                ("state", "state"),
                ("nonce", "nonce"),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ],
        )?;
        let callback = self.type_password(&authorize, login).await?;
        let code =
            callback.query_pairs().find(|(name, _)| name == "code").context("no code in the callback")?.1.into_owned();
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT),
            ("redirect_uri", CALLBACK),
            ("code", &code),
            ("code_verifier", &verifier),
        ];
        let request = self.http.post(format!("{}/protocol/openid-connect/token", self.issuer)).form(&form);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }

    /// Ends every session of a person at Keycloak, as its administrator does. `id` is the `sub` of the person's tokens.
    ///
    /// # Errors
    /// When Keycloak refuses.
    pub async fn end_sessions(&self, id: &str) -> Result<()> {
        self.administer(Method::POST, &format!("users/{id}/logout"), None).await.map(drop)
    }

    /// How many sessions a person has at Keycloak. `id` is the `sub` of the person's tokens.
    ///
    /// # Errors
    /// When Keycloak refuses.
    pub async fn sessions(&self, id: &str) -> Result<usize> {
        let sessions = self.administer(Method::GET, &format!("users/{id}/sessions"), None).await?;
        Ok(sessions.as_array().context("a list of sessions")?.len())
    }

    /// Registers a client like the desktop app's whose access tokens live `seconds`. Answers the client's id.
    ///
    /// # Errors
    /// When Keycloak refuses.
    pub async fn client_with_brief_tokens(&self, seconds: u32) -> Result<String> {
        let found = self.administer(Method::GET, &format!("clients?clientId={CLIENT}"), None).await?;
        let mut client = found.get(0).context("the client of the desktop app")?.clone();
        let name = format!("{CLIENT}-{}", Uuid::now_v7());
        client["clientId"] = json!(name);
        client["attributes"]["access.token.lifespan"] = json!(seconds.to_string());
        let fields = client.as_object_mut().context("a client")?;
        fields.remove("id");
        if let Some(mappers) = fields.get_mut("protocolMappers").and_then(Value::as_array_mut) {
            mappers.iter_mut().filter_map(Value::as_object_mut).for_each(|mapper| drop(mapper.remove("id")));
        }
        self.administer(Method::POST, "clients", Some(client)).await?;
        Ok(name)
    }

    /// Sends a request to Keycloak's admin API as the administrator of the realm.
    async fn administer(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let (base, realm) = self.issuer.split_once("/realms/").context("the address of a realm")?;
        let http = reqwest::Client::new();
        let form =
            [("grant_type", "password"), ("client_id", "admin-cli"), ("username", "admin"), ("password", "admin")];
        let answer =
            http.post(format!("{base}/realms/master/protocol/openid-connect/token")).form(&form).send().await?;
        let token: Value = answer.error_for_status()?.json().await?;
        let token = token["access_token"].as_str().context("no token of the administrator")?;
        let mut request = http.request(method, format!("{base}/admin/realms/{realm}/{path}")).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let text = request.send().await?.error_for_status()?.text().await?;
        Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
    }

    /// Signs in as a person does in the browser: opens the page, then types name and password. Answers where Keycloak
    /// redirects the browser.
    ///
    /// # Errors
    /// When the page does not ask for a password or refuses it.
    pub async fn sign_in_at(&self, authorize: &Url, login: &str) -> Result<Url> {
        let _turn = self.turn.lock().await;
        self.type_password(authorize, login).await
    }

    async fn type_password(&self, authorize: &Url, login: &str) -> Result<Url> {
        let page = self.http.get(authorize.clone()).send().await?.error_for_status()?;
        // Keycloak marks its cookies as secure although this connection is plain HTTP, so a cookie jar would not send
        // them
        let cookies: Vec<String> = page
            .headers()
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok()?.split(';').next().map(str::to_owned))
            .collect();
        let html = page.text().await?;
        let action = html
            .split("action=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .context("the page has no form")?
            .replace("&amp;", "&");
        let answer = self
            .http
            .post(action)
            .header("Cookie", cookies.join("; "))
            .form(&[("username", login), ("password", login)])
            .send()
            .await?;
        let location = answer.headers().get(LOCATION).with_context(|| format!("Keycloak did not let {login} in"))?;
        Ok(Url::parse(location.to_str()?)?)
    }
}
