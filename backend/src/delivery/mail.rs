//! Sends mails by SMTP. Without a mail server each mail is written to a file with the message's id as its name, so that writing it
//! twice leaves one file.

use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::Context;
use happening_api::MessageId;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Mailbox, MultiPart};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{AsyncTransport, Tokio1Executor};
use tokio::io::AsyncWriteExt;

use super::templates::Mail;
use crate::config::WorkerConfig;

const SMTP_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(4);

/// Sends or writes mails.
pub(crate) struct Mailer {
    from: Mailbox,
    way: Way,
}

enum Way {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Files(PathBuf),
}

impl Mailer {
    /// Uses the mail server or the folder in the settings.
    ///
    /// # Errors
    /// When the mail server's address or the folder cannot be used.
    pub(crate) fn new(config: &WorkerConfig) -> anyhow::Result<Self> {
        let way = match &config.smtp_url {
            Some(url) => Way::Smtp(
                // much shorter than a transaction may be idle, since mails are sent inside of one
                AsyncSmtpTransport::<Tokio1Executor>::from_url(url.as_str())
                    .context("SMTP_URL must be like smtp://host:25")?
                    .timeout(Some(SMTP_TIMEOUT))
                    .build(),
            ),
            None => {
                // mails contain tokens that accept an invite, so only the owner may read the folder
                let mut folder = std::fs::DirBuilder::new();
                folder.recursive(true).mode(0o700).create(&config.mail_dir).context("MAIL_DIR cannot be made")?;
                Way::Files(config.mail_dir.clone())
            }
        };
        Ok(Self { from: config.mail_from.clone(), way })
    }

    /// Sends a mail, or writes it to a file.
    ///
    /// # Errors
    /// When the mail server refuses it or the file cannot be written; the caller tries again later.
    pub(crate) async fn send(&self, id: MessageId, to: &str, mail: &Mail) -> anyhow::Result<()> {
        let message = lettre::Message::builder()
            .from(self.from.clone())
            .to(to.parse()?)
            .subject(&mail.subject)
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .multipart(body(mail)?)?;
        match &self.way {
            Way::Smtp(transport) => {
                transport.send(message).await?;
            }
            Way::Files(folder) => {
                // written under another name first, so that a reader never sees half a mail
                let part = folder.join(format!("{id}.part"));
                let mut file = tokio::fs::OpenOptions::new();
                let mut file = file.write(true).create(true).truncate(true).mode(0o600).open(&part).await?;
                file.write_all(&message.formatted()).await?;
                file.flush().await?;
                tokio::fs::rename(&part, folder.join(format!("{id}.eml"))).await?;
            }
        }
        Ok(())
    }
}

/// The body of a mail: text and HTML, with the calendar file as an attachment.
fn body(mail: &Mail) -> anyhow::Result<MultiPart> {
    let texts = MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone());
    let Some(calendar) = &mail.calendar else { return Ok(texts) };
    let kind = ContentType::parse("text/calendar; charset=utf-8; method=PUBLISH")?;
    Ok(MultiPart::mixed()
        .multipart(texts)
        .singlepart(Attachment::new("event.ics".to_owned()).body(calendar.clone(), kind)))
}
