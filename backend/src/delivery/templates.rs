//! The texts of messages: a sentence for the app's list, and a mail. They say what happened, what it means, and what to do.

use chrono::{DateTime, Utc};
use happening_api::{Message, NotificationType, Role};

use super::subject::{EventFacts, Subject};
use crate::events::calendar::{self, CalendarEvent};
use crate::links::Links;

/// The parts of a mail.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
    /// A calendar file, for a person who holds seats.
    pub(crate) calendar: Option<String>,
}

/// The sentence for the app's list.
pub(super) fn sentence(message: &Message, subject: &Subject) -> String {
    match subject {
        Subject::Event(event) => about_event(message, event),
        Subject::Organization { name } => {
            let role = message.changes.as_deref().and_then(|changes| changes.first());
            match role.and_then(|role| Role::parse(role)) {
                Some(role) => format!("You are {} of {name} now.", role_words(role)),
                // a role that only a newer server knows
                None => format!("Your role in {name} has changed."),
            }
        }
        Subject::Invite(invite) => {
            let role = role_words(invite.role);
            format!("{} invites you to {} as {role}.", invite.inviter, invite.organization)
        }
    }
}

fn role_words(role: Role) -> &'static str {
    match role {
        Role::OrgAdmin => "an administrator",
        Role::Organizer => "an organizer",
        Role::User => "a member",
    }
}

fn about_event(message: &Message, facts: &EventFacts) -> String {
    let event = &facts.name;
    let count = message.seats.unwrap_or_default();
    let numbers = message.seat_numbers.as_deref().unwrap_or_default();
    let seats = seat_list(numbers);
    match message.kind {
        NotificationType::BookingConfirmed => match &message.reason {
            Some(reason) => format!("The organizers booked {seats} for you at {event}. Reason: {reason}"),
            None => format!("Booked: {seats} for {event}."),
        },
        NotificationType::BookingWaitlisted => {
            let seats = if count == 1 { "a seat".to_owned() } else { format!("{count} seats") };
            let told = "We tell you when you get one; you do not have to be online.";
            let waits = format!("You wait for {seats} at {event}. {told}{}", free_seats(facts.free_to_take));
            match &message.reason {
                Some(reason) => format!("The organizers put you on the waitlist. {waits} Reason: {reason}"),
                None => waits,
            }
        }
        NotificationType::WaitlistPromoted => {
            let they = if numbers.len() == 1 { "It was" } else { "They were" };
            let more = free_seats(facts.free_to_take);
            format!("You got {seats} for {event}. {they} free and you were next.{more}")
        }
        NotificationType::BookingCancelled => cancelled(message, event, &seats, numbers.is_empty()),
        NotificationType::WaitlistEnded => waitlist_ended(event, count, numbers),
        NotificationType::EventUpdated => {
            let fields = message.changes.as_deref().unwrap_or_default();
            let words: Vec<&str> = fields.iter().map(|field| change_word(field)).collect();
            format!("{event}: {} changed. Your booking stays as it is.", list(&words))
        }
        NotificationType::EventCancelled => format!("{event} was cancelled, and with it your booking."),
        NotificationType::OrgInvite | NotificationType::RoleChanged => format!("News from {}.", facts.org_name),
    }
}

/// Mentions free seats that a waiting booking can claim: a booking that wants many seats may wait while a few are free.
fn free_seats(free: i32) -> String {
    match free {
        ..=0 => String::new(),
        1 => " One seat is free: take it in the app, if it helps you.".to_owned(),
        _ => format!(" {free} seats are free: take them in the app, if they help you."),
    }
}

fn cancelled(message: &Message, event: &str, seats: &str, nothing_held: bool) -> String {
    let what = if nothing_held {
        format!("You left the waitlist of {event}.")
    } else {
        format!("{} given up for {event}.", capitalized(seats))
    };
    match &message.reason {
        Some(reason) => format!("{what} Reason: {reason}"),
        None => what,
    }
}

/// The sentence for a person whose booking still waited when the event started.
fn waitlist_ended(event: &str, wanted: i32, held: &[i32]) -> String {
    let more = if held.is_empty() { "" } else { "more " };
    let wanted = if wanted == 1 { format!("no {more}seat") } else { format!("none of the {wanted} {more}seats") };
    let rest = if held.is_empty() {
        "Your wait has ended.".to_owned()
    } else {
        format!("Your wait has ended; you keep {}.", seat_list(held))
    };
    format!("{event} has started, and {wanted} that you waited for came free. {rest}")
}

fn change_word(field: &str) -> &str {
    match field {
        "event_date" => "the date",
        "ends_at" => "the end",
        "place" => "the place",
        "name" => "the name",
        other => other,
    }
}

/// Builds the mail of a message.
pub(super) fn mail(message: &Message, subject: &Subject, name: &str, links: &Links) -> Mail {
    let what = sentence(message, subject);
    let (title, details, url, calendar) = match subject {
        Subject::Event(event) => {
            let place = event.place.as_ref().map(|place| format!("\n{place}")).unwrap_or_default();
            let when = in_zone(event.event_date, &event.time_zone);
            let details = format!("{}\n{when}{place}\n{}", event.name, event.org_name);
            (event_title(message, event), details, Some(links.event(event.id)), calendar_of(message, event, links))
        }
        Subject::Organization { name } => (name.clone(), name.clone(), None, None),
        Subject::Invite(invite) => {
            let until = invite.expires_at.format("%-d %B %Y");
            let details = format!("The invite is for {} and can be accepted until {until}.", invite.email);
            (
                format!("{} invites you to {}", invite.inviter, invite.organization),
                details,
                Some(invite.url.clone()),
                None,
            )
        }
    };
    let greeting = if name.is_empty() { "Hello,".to_owned() } else { format!("Hello {name},") };
    let link = url.as_ref().map(|url| format!("\n\nOpen in Happening: {url}")).unwrap_or_default();
    let text = format!("{greeting}\n\n{what}\n\n{details}{link}\n");
    let button = url.as_ref().map(|url| format!("<p><a href=\"{}\">Open in Happening</a></p>", escaped(url)));
    let paragraphs: String = [&greeting, &what, &details]
        .map(|paragraph| format!("<p>{}</p>", escaped(paragraph.trim()).replace('\n', "<br>")))
        .concat();
    let html = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><body>{paragraphs}{}</body></html>",
        button.unwrap_or_default()
    );
    Mail { subject: title.chars().filter(|c| !c.is_control()).collect(), text, html, calendar }
}

fn event_title(message: &Message, event: &EventFacts) -> String {
    let name = &event.name;
    match message.kind {
        NotificationType::WaitlistPromoted => format!("You got seats for {name}"),
        NotificationType::BookingConfirmed => format!("Booked: {name}"),
        NotificationType::BookingWaitlisted => format!("You are on the waitlist for {name}"),
        NotificationType::BookingCancelled => format!("Seats given up: {name}"),
        NotificationType::WaitlistEnded => format!("It did not work this time: {name}"),
        NotificationType::EventCancelled => format!("Cancelled: {name}"),
        NotificationType::EventUpdated => format!("Changed: {name}"),
        NotificationType::OrgInvite | NotificationType::RoleChanged => event.org_name.clone(),
    }
}

/// The calendar file, if this message gave the person seats.
fn calendar_of(message: &Message, event: &EventFacts, links: &Links) -> Option<String> {
    if event.cancelled
        || !matches!(message.kind, NotificationType::BookingConfirmed | NotificationType::WaitlistPromoted)
    {
        return None;
    }
    let shown = CalendarEvent {
        id: event.id,
        name: &event.name,
        description: &event.description,
        place: event.place.as_deref(),
        event_date: event.event_date,
        ends_at: event.ends_at,
        cancelled: false,
        version: event.version,
        url: &links.event(event.id),
    };
    Some(calendar::file(&shown, message.occurred_at))
}

fn in_zone(time: DateTime<Utc>, zone: &str) -> String {
    let zone = zone.parse::<chrono_tz::Tz>().unwrap_or(chrono_tz::UTC);
    format!("{} ({zone})", time.with_timezone(&zone).format("%A %-d %B %Y, %H:%M"))
}

fn seat_list(numbers: &[i32]) -> String {
    let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    let words: Vec<&str> = texts.iter().map(String::as_str).collect();
    match numbers.len() {
        0 => "no seat".to_owned(),
        1 => format!("seat {}", words[0]),
        _ => format!("seats {}", list(&words)),
    }
}

/// Joins words as "a, b and c".
fn list(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{escaped, list, seat_list};

    #[test]
    fn lists_use_commas_and_a_final_and() {
        assert_eq!(seat_list(&[1]), "seat 1");
        assert_eq!(seat_list(&[1, 2, 9]), "seats 1, 2 and 9");
        assert_eq!(list(&["the date", "the place"]), "the date and the place");
    }

    #[test]
    fn names_are_escaped_in_html() {
        assert_eq!(escaped("<b>&\""), "&lt;b&gt;&amp;&quot;");
    }
}
