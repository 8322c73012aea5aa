//! Mails through a mail server: retried while it refuses them, dead-lettered when it refuses for too long, redriven by
//! an operator; each arrives once.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use anyhow::Result;
use happening_api::{Booking, Notification, NotificationStatus, NotificationType};
use happening_tests::mail_server::{MailServer, Received};
use happening_tests::world::wait_for;
use happening_tests::{Client, World, WorldOptions};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(30);
const ADA: &str = "ada@happening.invalid";
const BARBARA: &str = "barbara@happening.invalid";

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
async fn a_temporarily_refused_mail_arrives_once() -> Result<()> {
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

    // the next mail arrives, and the first is not sent again
    ada.book(event.id, 1).await?.expect(201);
    wait_for("the next mail", PATIENCE, || async { Ok((server.mails_to(ADA).len() >= 2).then_some(())) }).await?;
    assert_eq!(server.mails_to(ADA).len(), 2);
    world.audit()
}

#[tokio::test]
async fn an_outdated_promotion_is_not_mailed() -> Result<()> {
    let server = MailServer::start()?;
    let env = [("SMTP_URL", format!("smtp://127.0.0.1:{}", server.port))].into();
    let mut world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let event = world.event(&ada, 1).await?;
    let held: Booking = ada.book(event.id, 1).await?.expect(201).json();
    let waiting: Booking = barbara.book(event.id, 1).await?.expect(201).json();
    ada.post(&format!("/bookings/{}/cancel", held.id), json!({})).await?.expect(200);
    assert_eq!(barbara.booking(waiting.id).await?.seat_numbers, [1]);
    barbara.post(&format!("/bookings/{}/cancel", waiting.id), json!({})).await?.expect(200);
    world.start_worker()?;
    let kinds =
        [NotificationType::BookingWaitlisted, NotificationType::WaitlistPromoted, NotificationType::BookingCancelled];
    let told = wait_for("a notification of each kind", PATIENCE, || async {
        let told = feed(&barbara).await?;
        Ok(kinds.iter().all(|kind| told.iter().any(|one| one.kind == *kind)).then_some(told))
    })
    .await?;
    wait_for("two mails", PATIENCE, || async { Ok((server.mails_to(BARBARA).len() >= 2).then_some(())) }).await?;
    // mails are sent after the feed is written, so wait until the queue is empty
    wait_for("an empty queue", PATIENCE, || async {
        Ok((world.messages_in("notifications").await? == 0).then_some(()))
    })
    .await?;
    let mails = server.mails_to(BARBARA);
    for one in told {
        let mailed = mails.iter().any(|mail| mail.text.contains(&format!("Message-ID: <{}@", one.id)));
        assert_eq!(mailed, one.kind != NotificationType::WaitlistPromoted, "{:?}", one.kind);
    }
    world.audit()
}

#[tokio::test]
async fn mails_have_two_formats_and_need_verified_addresses() -> Result<()> {
    let server = MailServer::start()?;
    let world = world(&server, "100").await?;
    let (ada, barbara) = (world.person("ada").await?, world.person("barbara").await?);
    let unverified = world.person("niklaus").await?;
    let event = world.event(&ada, 1).await?;
    unverified.book(event.id, 1).await?.expect(201);
    barbara.book(event.id, 1).await?.expect(201);
    let mail = wait_for("the mail", PATIENCE, || async { Ok(server.mails_to(BARBARA).pop()) }).await?;
    for part in ["multipart/alternative", "text/plain", "text/html", "<html", "Test evening", "waitlist"] {
        assert!(mail.text.contains(part), "{part} is missing in {}", mail.text);
    }
    // the mail of a person with a seat has a calendar entry
    ada.book(world.event(&ada, 1).await?.id, 1).await?.expect(201);
    let mail = self::mail(&server).await?;
    assert!(mail.text.contains("text/calendar") && mail.text.contains("event.ics"), "{}", mail.text);
    assert_eq!(feed(&unverified).await?.len(), 1, "the feed lacks the message");
    assert!(server.mails_to("niklaus@happening.invalid").is_empty());
    world.audit()
}

#[tokio::test]
async fn a_message_that_crashes_workers_becomes_a_dead_letter() -> Result<()> {
    let server = MailServer::start()?;
    let env = [("SMTP_URL", format!("smtp://127.0.0.1:{}", server.port))].into();
    let mut world = World::with(WorldOptions { backends: 1, env, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 3).await?;
    ada.book(event.id, 1).await?.expect(201);
    wait_for("the message", PATIENCE, || async {
        // the queue is missing until a relay declares it
        Ok((world.messages_in("notifications").await.unwrap_or(0) == 1).then_some(()))
    })
    .await?;
    // a worker that takes the message and crashes before it is done
    wait_for("the broker to give the message up", PATIENCE, || async {
        let channel = world.channel().await?;
        let message = channel.basic_get("notifications".into(), lapin::options::BasicGetOptions::default()).await?;
        channel.close(200, "crashed".into()).await?;
        Ok(message.is_none().then_some(()))
    })
    .await?;
    wait_for("a dead letter", PATIENCE, || async { Ok((dead_letters(&world).await? == 1).then_some(())) }).await?;
    world.start_worker()?;
    world.run(&["notifications", "redrive"])?;
    mail(&server).await?;
    assert_eq!(feed(&ada).await?.len(), 1);
    world.audit()
}

#[tokio::test]
async fn an_undeliverable_message_becomes_a_dead_letter() -> Result<()> {
    let server = MailServer::start()?;
    server.refuse(true);
    let world = world(&server, "100").await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 3).await?;
    ada.book(event.id, 1).await?.expect(201);
    wait_for("a dead letter", PATIENCE, || async { Ok((dead_letters(&world).await? == 1).then_some(())) }).await?;
    assert_eq!(server.refused(), 2, "there was not exactly one retry");
    let told = feed(&ada).await?;
    assert_eq!(told.len(), 1, "the feed waits for the mail");
    assert_eq!(told[0].status, NotificationStatus::Failed);

    // the mail server still refuses, so the message becomes a dead letter again
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
    let told = feed(&ada).await?;
    assert_eq!((server.mails_to(ADA).len(), told.len()), (1, 1));
    assert_eq!(told[0].status, NotificationStatus::Delivered);
    world.audit()
}

#[tokio::test]
async fn a_stopped_worker_finishes_the_mails_it_sends() -> Result<()> {
    let server = MailServer::start()?;
    server.hold(true);
    let env = [("SMTP_URL", format!("smtp://127.0.0.1:{}", server.port))].into();
    let mut world = World::with(WorldOptions { backends: 1, worker: true, env, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 8).await?;
    for _ in 0..8 {
        ada.book(event.id, 1).await?.expect(201);
    }
    wait_for("mails on their way", PATIENCE, || async { Ok((server.held() >= 2).then_some(())) }).await?;
    world.ask_worker_to_stop()?;
    wait_for("the worker to begin stopping", PATIENCE, || async {
        Ok(world.worker_log()?.contains("stops").then_some(()))
    })
    .await?;
    server.hold(false);
    assert!(world.worker_ended_well().await?, "the worker did not end by itself");
    let sent = server.mails_to(ADA).len();
    assert!(sent >= 2, "{sent} mails were finished");

    world.start_worker()?;
    wait_for("every mail", PATIENCE, || async { Ok((server.mails_to(ADA).len() >= 8).then_some(())) }).await?;
    wait_for("an empty queue", PATIENCE, || async {
        Ok((world.messages_in("notifications").await? == 0).then_some(()))
    })
    .await?;
    let mut ids: Vec<String> = server
        .mails_to(ADA)
        .iter()
        .filter_map(|mail| mail.text.lines().find(|line| line.starts_with("Message-ID")).map(str::to_owned))
        .collect();
    ids.sort_unstable();
    let all = ids.len();
    ids.dedup();
    assert_eq!((all, ids.len()), (8, 8), "a mail went out twice");
    world.audit()
}

#[tokio::test]
async fn mail_files_are_readable_by_their_owner_only() -> Result<()> {
    let world = World::with(WorldOptions { backends: 1, worker: true, ..WorldOptions::default() }).await?;
    let ada = world.person("ada").await?;
    let event = world.event(&ada, 1).await?;
    ada.book(event.id, 1).await?.expect(201);
    let folder = world.folder.join("mail");
    let mode = |path: &std::path::Path| -> Result<u32> { Ok(std::fs::metadata(path)?.permissions().mode() & 0o777) };
    let mail = wait_for("the mail", PATIENCE, || async {
        let mut files = std::fs::read_dir(&folder).into_iter().flatten().flatten().map(|file| file.path());
        Ok(files.find(|path| path.extension().is_some_and(|kind| kind == "eml")))
    })
    .await?;
    assert_eq!((mode(&folder)?, mode(&mail)?), (0o700, 0o600));
    Ok(())
}
