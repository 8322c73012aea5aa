//! The worker's part of messages: each becomes a notification in the app and a mail, each exactly once (a mail by SMTP at least once,
//! always with the same Message-ID).

mod deliver;
mod feed;
mod mail;
mod subject;
mod templates;

pub(crate) use deliver::Deliver;
pub(crate) use mail::Mailer;
