//! Signing in: authorization code with PKCE in the system's browser. This file uses nothing of Tauri.

use std::time::{Duration, Instant};

use happening_api::SignInFailure;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreProviderMetadata};
use openidconnect::{
    AuthorizationCode, ClientId, CsrfToken, HttpRequest, HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope, StandardErrorResponse, TokenResponse,
};
use url::Url;

use crate::deep_link::Code;
use crate::net;

const REDIRECT: &str = "happening://auth/callback";
/// How long the person may take to sign in.
pub(crate) const TIME_MAX: Duration = Duration::from_secs(300);

/// Largest answer of the sign-in service: its configuration, keys and tokens.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// The longest life of an access token that is believed.
const LIFE_MAX: Duration = Duration::from_secs(24 * 3600);

/// How far this machine's clock may run ahead.
const CLOCK_SKEW_MAX: Duration = Duration::from_secs(300);

/// The sign-in service and the app's client id there. The server tells the app both.
#[derive(Clone, Debug)]
pub(crate) struct Issuer {
    metadata: CoreProviderMetadata,
    client_id: ClientId,
    http: reqwest::Client,
}

/// A sign-in that waits for the browser. Used once.
pub(crate) struct Pending {
    pub(crate) url: Url,
    pub(crate) state: String,
    nonce: Nonce,
    verifier: PkceCodeVerifier,
    started: Instant,
}

/// Tokens of a session. No `Debug`.
#[derive(Clone)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
    /// When the access token should be replaced.
    pub(crate) refresh_at: Instant,
    /// When the access token expires.
    pub(crate) ends_at: Instant,
}

/// Why the sign-in service could not be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoginError {
    #[error("the sign-in service does not answer: {0}")]
    Away(String),
    #[error("the sign-in service refused: {0}")]
    Refused(String),
}

impl From<LoginError> for SignInFailure {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Away(_) => Self::ServiceAway,
            LoginError::Refused(_) => Self::Refused,
        }
    }
}

impl Pending {
    /// When the person's time is over.
    pub(crate) fn until(&self) -> Instant {
        self.started + TIME_MAX
    }
}

impl Issuer {
    /// Reads the OpenID configuration of the sign-in service.
    pub(crate) async fn discover(http: reqwest::Client, issuer: &str, client_id: &str) -> Result<Self, LoginError> {
        let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|error| LoginError::Refused(error.to_string()))?;
        if !net::is_allowed(issuer.url()) {
            return Err(LoginError::Refused("the sign-in service's address must begin with https://".to_owned()));
        }
        let metadata = CoreProviderMetadata::discover_async(issuer, &|request| send(http.clone(), request))
            .await
            .map_err(|error| LoginError::Away(error.to_string()))?;
        // the browser opens this address; `send` requests all others, and checks each of them
        if !net::is_allowed(metadata.authorization_endpoint().url()) {
            return Err(LoginError::Refused("the sign-in page's address must begin with https://".to_owned()));
        }
        Ok(Self { metadata, client_id: ClientId::new(client_id.to_owned()), http })
    }

    /// Begins a sign-in: state, nonce and PKCE are new each time.
    pub(crate) fn begin(&self) -> Result<Pending, LoginError> {
        let redirect = RedirectUrl::new(REDIRECT.to_owned()).map_err(|error| LoginError::Refused(error.to_string()))?;
        let client = CoreClient::from_provider_metadata(self.metadata.clone(), self.client_id.clone(), None)
            .set_redirect_uri(redirect);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (url, state, nonce) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        Ok(Pending { url, state: state.secret().clone(), nonce, verifier, started: Instant::now() })
    }

    /// Exchanges the code for tokens; the ID token must contain the nonce of this sign-in.
    pub(crate) async fn finish(&self, pending: Pending, code: Code) -> Result<Tokens, LoginError> {
        let redirect = RedirectUrl::new(REDIRECT.to_owned()).map_err(|error| LoginError::Refused(error.to_string()))?;
        let client = CoreClient::from_provider_metadata(self.metadata.clone(), self.client_id.clone(), None)
            .set_redirect_uri(redirect);
        let answer = client
            .exchange_code(AuthorizationCode::new(code.0))
            .map_err(|error| LoginError::Refused(error.to_string()))?
            .set_pkce_verifier(pending.verifier)
            .request_async(&|request| send(self.http.clone(), request))
            .await
            .map_err(as_login_error)?;
        let id_token = answer.id_token().ok_or_else(|| LoginError::Refused("no ID token".to_owned()))?;
        id_token
            .claims(&client.id_token_verifier().set_time_fn(lenient_now), &pending.nonce)
            .map_err(|error| LoginError::Refused(error.to_string()))?;
        Ok(tokens(&answer))
    }

    /// Exchanges a refresh token for new tokens; the old one cannot be used again.
    pub(crate) async fn refresh(&self, token: &str) -> Result<Tokens, LoginError> {
        let client = CoreClient::from_provider_metadata(self.metadata.clone(), self.client_id.clone(), None);
        let token = RefreshToken::new(token.to_owned());
        let answer = client
            .exchange_refresh_token(&token)
            .map_err(|error| LoginError::Refused(error.to_string()))?
            .request_async(&|request| send(self.http.clone(), request))
            .await
            .map_err(as_login_error)?;
        Ok(tokens(&answer))
    }

    /// Ends the session of the tokens at the sign-in service.
    pub(crate) async fn end(&self, tokens: &Tokens) {
        let Some(refresh_token) = &tokens.refresh else { return };
        let url = format!("{}/protocol/openid-connect/logout", self.metadata.issuer().as_str().trim_end_matches('/'));
        let form = format!(
            "client_id={}&refresh_token={}",
            url::form_urlencoded::byte_serialize(self.client_id.as_bytes()).collect::<String>(),
            url::form_urlencoded::byte_serialize(refresh_token.as_bytes()).collect::<String>()
        );
        let request = self.http.post(url).header("content-type", "application/x-www-form-urlencoded").body(form);
        if let Err(error) = request.send().await.and_then(reqwest::Response::error_for_status) {
            tracing::info!(error = %error.without_url(), "the sign-in service was not told of the sign-out");
        }
    }
}

/// The time of this machine's clock, moved back by [`CLOCK_SKEW_MAX`], so that a person can sign in although their
/// clock runs ahead (OpenID Connect Core 1.0, 3.1.3.7, step 9, allows a few minutes).
#[expect(clippy::disallowed_methods, reason = "an ID token tells its end in the time of the world")]
fn lenient_now() -> chrono::DateTime<chrono::Utc> {
    chrono::Utc::now() - CLOCK_SKEW_MAX
}

fn tokens(answer: &openidconnect::core::CoreTokenResponse) -> Tokens {
    let lives = answer.expires_in().unwrap_or(Duration::from_secs(60)).min(LIFE_MAX);
    Tokens {
        access: answer.access_token().secret().clone(),
        refresh: answer.refresh_token().map(|token| token.secret().clone()),
        // well before the token expires, so that it does not expire while a call is under way
        refresh_at: Instant::now() + lives.mul_f32(0.7),
        ends_at: Instant::now() + lives,
    }
}

fn as_login_error<E: std::error::Error + 'static>(
    error: openidconnect::RequestTokenError<E, StandardErrorResponse<CoreErrorResponseType>>,
) -> LoginError {
    match error {
        // only these errors mean that the code or token is invalid; a proxy's error page, or a service that is still
        // starting, does not mean that
        openidconnect::RequestTokenError::ServerResponse(answer)
            if matches!(
                answer.error(),
                CoreErrorResponseType::InvalidGrant
                    | CoreErrorResponseType::InvalidClient
                    | CoreErrorResponseType::UnauthorizedClient
            ) =>
        {
            LoginError::Refused(answer.error().to_string())
        }
        other => LoginError::Away(other.to_string()),
    }
}

/// A failure of the HTTP client, without the address, which can hold secrets.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct HttpFailure(String);

async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, HttpFailure> {
    let failed = |error: reqwest::Error| HttpFailure(error.without_url().to_string());
    let request: reqwest::Request = request.try_into().map_err(failed)?;
    if !net::is_allowed(request.url()) {
        return Err(HttpFailure("the address must begin with https://".to_owned()));
    }
    let answer = http.execute(request).await.map_err(failed)?;
    let mut response = HttpResponse::new(Vec::new());
    *response.status_mut() = answer.status();
    *response.headers_mut() = answer.headers().clone();
    *response.body_mut() = net::read(answer, ANSWER_BYTES_MAX).await.map_err(|error| HttpFailure(error.to_string()))?;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answering;

    async fn discovered(page: &'static str) -> anyhow::Result<Result<Issuer, LoginError>> {
        let base = answering::start(move |base, path| match path {
            "/realm/.well-known/openid-configuration" => answering::description(base, page),
            "/realm/keys" => r#"{"keys":[]}"#.to_owned(),
            _ => String::new(),
        })?;
        Ok(Issuer::discover(reqwest::Client::new(), &format!("{base}/realm"), "app").await)
    }

    #[tokio::test]
    async fn a_sign_in_page_without_https_is_refused() -> anyhow::Result<()> {
        assert!(discovered("https://login.example/auth").await?.is_ok());
        for page in ["http://login.example/auth", "file:///etc/passwd", "ms-settings:privacy", "javascript:alert(1)"] {
            assert!(matches!(discovered(page).await?, Err(LoginError::Refused(_))), "{page}");
        }
        Ok(())
    }

    #[tokio::test]
    async fn an_issuer_over_plain_http_is_refused() {
        let issuer = Issuer::discover(reqwest::Client::new(), "http://login.example/realm", "app").await;
        assert!(matches!(issuer, Err(LoginError::Refused(_))));
    }

    #[tokio::test]
    async fn an_address_without_https_is_not_requested() -> anyhow::Result<()> {
        let request = openidconnect::http::Request::get("http://login.example/keys").body(Vec::new())?;
        assert!(send(reqwest::Client::new(), request).await.is_err_and(|error| error.0.contains("https://")));
        Ok(())
    }
}
