//! Polls the person's feed, tells the screens what is new, and shows important notifications on the desktop.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, Utc};
use happening_api::endpoint::News;
use happening_api::{Notification, NotificationId, NotificationType, OpenTarget, UserId};
use notify_rust::NotificationResponse;
use tauri::{AppHandle, Emitter, Manager};

use crate::commands::Opened;
use crate::session::Session;
use crate::windows;

const LOOK_EVERY: Duration = Duration::from_secs(20);
/// Most notifications that one poll shows on the desktop; the feed has all of them.
const SHOWN_MAX: usize = 3;

/// What the shell has already seen of a person's feed.
struct Seen {
    of: UserId,
    /// The time of the newest notification at the first poll: older ones count as seen.
    since: Option<DateTime<Utc>>,
    newer: BTreeSet<NotificationId>,
}

/// Polls until the app ends. Notifications that were unread at the first poll are not shown.
pub(crate) async fn watch(app: AppHandle) {
    // without this, macOS shows the Finder as the sender; a failure is logged with each notification
    #[cfg(target_os = "macos")]
    drop(notify_rust::set_application(&app.config().identifier));
    let mut sign_ins = app.state::<Session>().sign_ins();
    let mut seen = None;
    loop {
        look(&app, &mut seen).await;
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = sign_ins.next() => {}
        }
    }
}

async fn look(app: &AppHandle, seen: &mut Option<Seen>) {
    let session = app.state::<Session>();
    let Some(user) = session.user() else {
        *seen = None;
        return;
    };
    let Ok(answered) = session.call(&News {}.into()).await else { return };
    let Ok(unread) = serde_json::from_value::<Vec<Notification>>(answered.value) else { return };
    let Some(seen) = seen.as_mut().filter(|seen| seen.of == user.id) else {
        let since = unread.iter().map(|one| one.created_at).max();
        *seen = Some(Seen { of: user.id, since, newer: BTreeSet::new() });
        return;
    };
    let is_new =
        |one: &&Notification| seen.since.is_none_or(|since| one.created_at > since) && !seen.newer.contains(&one.id);
    let news: Vec<&Notification> = unread.iter().filter(is_new).collect();
    if !news.is_empty() {
        drop(app.emit("feed", news.len())); // fails when a window is closing
    }
    news.iter().filter(|one| is_shown(app, one)).take(SHOWN_MAX).for_each(|one| show(app, one));
    seen.newer.extend(news.iter().map(|one| one.id));
}

/// Whether the desktop shows a notification. It does not for what the person has just done in the app.
fn is_shown(app: &AppHandle, one: &Notification) -> bool {
    match one.kind {
        NotificationType::WaitlistPromoted
        | NotificationType::WaitlistEnded
        | NotificationType::EventCancelled
        | NotificationType::EventUpdated => true,
        NotificationType::BookingCancelled => !windows::is_looked_at(app),
        NotificationType::BookingConfirmed
        | NotificationType::BookingWaitlisted
        | NotificationType::OrgInvite
        | NotificationType::RoleChanged => false,
    }
}

fn title(kind: NotificationType) -> &'static str {
    match kind {
        NotificationType::WaitlistPromoted => "You got seats",
        NotificationType::WaitlistEnded => "It did not work this time",
        NotificationType::EventCancelled => "An event was cancelled",
        NotificationType::EventUpdated => "An event changed",
        NotificationType::BookingCancelled => "Seats were given up",
        NotificationType::BookingConfirmed => "Your seats are booked",
        NotificationType::BookingWaitlisted => "You are on the waitlist",
        NotificationType::OrgInvite => "You are invited",
        NotificationType::RoleChanged => "Your role changed",
    }
}

fn target(one: &Notification) -> Option<OpenTarget> {
    let booking = one.booking_id.map(|booking_id| OpenTarget::Booking { booking_id });
    booking.or_else(|| one.event_id.map(|event_id| OpenTarget::Event { event_id }))
}

/// Shows a notification on the desktop; a click opens what it is about.
fn show(app: &AppHandle, one: &Notification) {
    let mut notice = notify_rust::Notification::new();
    notice.appname("Happening").summary(title(one.kind)).action("default", "Open");
    #[cfg(windows)]
    // the installer has registered this id; without it, Windows shows PowerShell as the sender
    notice.app_id(&app.config().identifier);
    let (app, target, message) = (app.clone(), target(one), one.message.clone());
    // waiting for the desktop and for the click blocks, so each notification has its own thread, which ends with it
    std::thread::spawn(move || {
        notice.body(&body(&message));
        let answered = notice.show().and_then(|handle| {
            handle.wait_for_response(|response: &NotificationResponse| {
                if matches!(response, NotificationResponse::Default | NotificationResponse::Action(_)) {
                    open(&app, target.as_ref());
                }
            })
        });
        if let Err(error) = answered {
            tracing::debug!(%error, "the desktop shows no notifications");
        }
    });
}

/// The text, escaped for a desktop that reads markup, which would otherwise show an organizer's words as links and
/// pictures.
fn body(text: &str) -> String {
    #[cfg(all(unix, not(target_os = "macos")))]
    if notify_rust::get_capabilities().is_ok_and(|all| all.iter().any(|one| one == "body-markup")) {
        return as_markup(text);
    }
    text.to_owned()
}

/// Escapes the special characters of markup (Desktop Notifications Specification, Markup).
#[cfg(all(unix, not(target_os = "macos")))]
fn as_markup(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn open(app: &AppHandle, target: Option<&OpenTarget>) {
    windows::show_main(app);
    if let Some(target) = target {
        app.state::<Opened>().put(target.clone());
        // a window that does not exist yet asks for the target when it opens
        drop(app.emit_to(windows::MAIN, "open", target));
    }
}
