//! The server accepts only access tokens of its issuer, for its audience, from the app's client, signed with a
//! published key.

use std::process::Command;

use anyhow::{Context, Result};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use happening_stack::run;
use happening_tests::{World, WorldOptions};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

fn claims_of(token: &str) -> Result<Value> {
    let part = token.split('.').nth(1).context("a payload")?;
    Ok(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part)?)?)
}

async fn status(world: &World, token: Option<&str>) -> Result<u16> {
    let mut request = reqwest::Client::new().get(format!("{}/users/me", world.base(0)));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await?;
    let status = answer.status().as_u16();
    let body: Value = answer.json().await?;
    if status != 200 {
        assert_eq!(body["code"], "unauthenticated", "{body}");
    }
    Ok(status)
}

#[tokio::test]
async fn forged_and_foreign_tokens_are_refused() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, ..WorldOptions::default() }).await?;
    let good = world.people().token("ada").await?;
    assert_eq!(status(&world, Some(&good)).await?, 200);
    assert_eq!(status(&world, None).await?, 401);

    let key_file = world.folder.join("key.pem");
    run(Command::new("openssl").args(["genrsa", "-out"]).arg(&key_file).arg("2048"))?;
    let own_key = EncodingKey::from_rsa_pem(&std::fs::read(&key_file)?)?;
    let kid = jsonwebtoken::decode_header(&good)?.kid;
    let header = Header { kid: kid.clone(), ..Header::new(Algorithm::RS256) };
    let claims = claims_of(&good)?;
    let hmac = EncodingKey::from_secret(b"a published key is no secret");
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let (head, rest) = good.split_once('.').context("three parts")?;
    let (payload, signature) = rest.split_once('.').context("three parts")?;
    let mut changed = claims.clone();
    changed["sub"] = json!("somebody-else");
    let table = [
        ("nonsense", "nonsense".to_owned()),
        ("no signature", format!("{head}.{payload}.")),
        ("another payload", format!("{head}.{}.{signature}", part(&changed))),
        ("another key", jsonwebtoken::encode(&header, &claims, &own_key)?),
        (
            "unknown key id",
            jsonwebtoken::encode(&Header { kid: Some("unknown".into()), ..header.clone() }, &claims, &own_key)?,
        ),
        ("no key id", jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &own_key)?),
        ("HS256", jsonwebtoken::encode(&Header { kid: kid.clone(), ..Header::new(Algorithm::HS256) }, &claims, &hmac)?),
        ("alg none", format!("{}.{payload}.", part(&json!({ "alg": "none", "kid": kid })))),
        ("too long", format!("{good}{}", "A".repeat(9000))),
        ("ID token", world.people().id_token("ada").await?),
    ];
    for (what, token) in table {
        assert_eq!(status(&world, Some(&token)).await?, 401, "{what}");
    }
    assert_eq!(status(&world, Some(&good)).await?, 200);
    Ok(())
}
