//! Mails through a mail server: tried again while it refuses, set aside when it goes on refusing, put back by an operator;
//! each arrives once.

use std::time::Duration;

use anyhow::Result;
use happening_api::{Booking, Notification};
use happening_tests::mail_server::{MailServer, Received};
use happening_tests::world::wait_for;
use happening_tests::{Client, World, WorldOptions};

const PATIENCE: Duration = Duration::from_secs(30);
const ADA: &str = "ada@happening.invalid";

async fn world(server: &MailServer, retry_delays_ms: &str) -> Result<World> {
    let url = format!("smtp://127.0.0.1:{}", server.port);
    let env = [("SMTP_URL", url), ("RETRY_DELAYS_MS", retry_delays_ms.to_owned())].into();
    World::with(WorldOptions { backends: 1, worker: true, env, ..WorldOptions::default() }).await
}

async fn mail(server: &MailServer) -> Result<Received> {
    wait_for("the mail", PATIENCE, || async { Ok(server.mails_to(ADA).pop()) }).await
}

async fn feed(person: &Client) -> Result<Vec<Notification>> {
    Ok(person.get("/notifications").await?.expect(200).json())
}

async fn dead_letters(world: &World) -> Result<u32> {
    world.messages_in("notifications.dead").await
}

#[tokio::test]
async fn a_mail_that_is_refused_for_now_is_tried_again_and_arrives_once() -> Result<()> {
    let server = MailServer::start()?;
    server.refuse(true);
    let world = world(&server, "300,300,300,300,300,300,300,300,300,300,300,300,300,300").await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 3).await?;
    let booking: Booking = ada.book(event.id, 2).await?.expect(201).json();
    wait_for("a second try", PATIENCE, || async { Ok((server.refused() >= 2).then_some(())) }).await?;
    server.refuse(false);
    let mail = mail(&server).await?;
    let told = feed(&ada).await?;
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(mail.text.contains(&format!("Message-ID: <{}@", told[0].id)), "{}", mail.text);
    assert!(mail.text.contains("Test evening"), "{}", mail.text);
    assert_eq!(told[0].booking_id, Some(booking.id));

    // the next one comes as well, and the first not again
    ada.book(event.id, 1).await?.expect(201);
    wait_for("the next mail", PATIENCE, || async { Ok((server.mails_to(ADA).len() >= 2).then_some(())) }).await?;
    assert_eq!(server.mails_to(ADA).len(), 2);
    world.audit()
}

#[tokio::test]
async fn a_message_that_cannot_be_delivered_is_set_aside_until_an_operator_puts_it_back() -> Result<()> {
    let server = MailServer::start()?;
    server.refuse(true);
    let world = world(&server, "100").await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 3).await?;
    ada.book(event.id, 1).await?.expect(201);
    wait_for("a dead letter", PATIENCE, || async { Ok((dead_letters(&world).await? == 1).then_some(())) }).await?;
    assert_eq!(server.refused(), 2, "a first try and one more");
    assert_eq!(feed(&ada).await?.len(), 1, "the feed does not wait for the mail");

    // the server still refuses: it is set aside again, and not lost
    world.run(&["notifications", "redrive"])?;
    wait_for("a dead letter", PATIENCE, || async {
        Ok((server.refused() == 4 && dead_letters(&world).await? == 1).then_some(()))
    })
    .await?;
    server.refuse(false);
    let said = world.run(&["notifications", "redrive"])?;
    assert!(said.contains("1 message"), "{said}");
    mail(&server).await?;
    wait_for("no dead letter", PATIENCE, || async { Ok((dead_letters(&world).await? == 0).then_some(())) }).await?;
    assert_eq!((server.mails_to(ADA).len(), feed(&ada).await?.len()), (1, 1));
    world.audit()
}
