//! Keycloak is away or slow.

use std::time::{Duration, Instant};

use anyhow::Result;
use happening_tests::proxy::Proxy;
use happening_tests::world::{stack, wait_for};
use happening_tests::{World, WorldOptions};

#[tokio::test(flavor = "multi_thread")]
async fn known_keys_still_verify_while_keycloak_is_away() -> Result<()> {
    let base = stack()?;
    let proxy = Proxy::start(base.ports.keycloak).await?;
    let keys = format!("http://127.0.0.1:{}/realms/happening/protocol/openid-connect/certs", proxy.port);
    let mut world =
        World::with(WorldOptions { env: [("OIDC_JWKS_URL", keys)].into(), ..WorldOptions::default() }).await?;
    let a = world.person("ada").await?;
    proxy.cut();
    a.get("/users/me").await?.expect(200);
    world.kill_backend(1)?;
    world.start_backend(1).await?;
    let there = a.at(&world.base(1));
    there.get("/users/me").await?.refused(503, "unavailable");
    proxy.mend();
    wait_for("the keys", Duration::from_secs(10), || async {
        Ok((there.get("/users/me").await?.status == 200).then_some(()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_keycloak_does_not_delay_callers() -> Result<()> {
    let proxy = Proxy::start(stack()?.ports.keycloak).await?;
    let keys = format!("http://127.0.0.1:{}/realms/happening/protocol/openid-connect/certs", proxy.port);
    let options = WorldOptions { env: [("OIDC_JWKS_URL", keys)].into(), ..WorldOptions::default() };
    let mut world = World::with(options).await?;
    let ada = world.person("ada").await?;
    // the server's first read of the keys fails, so that a caller's request triggers the next one
    proxy.cut();
    world.kill_backend(1)?;
    world.start_backend(1).await?;
    proxy.slow(Duration::from_secs(3));
    proxy.mend();
    let there = ada.at(&world.base(1));
    let asked = Instant::now();
    there.get("/users/me").await?.refused(503, "unavailable");
    assert!(asked.elapsed() < Duration::from_secs(2), "a caller waited for {:?}", asked.elapsed());
    wait_for("the keys", Duration::from_secs(10), || async {
        Ok((there.get("/users/me").await?.status == 200).then_some(()))
    })
    .await
}
