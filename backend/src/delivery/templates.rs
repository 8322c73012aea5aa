//! What messages say: a sentence for the feed, and a mail. Texts say what happened, what it means, what to do.

use chrono::{DateTime, Utc};
use happening_api::{Message, NotificationType};

/// What a text needs of an event.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) name: String,
    pub(crate) event_date: DateTime<Utc>,
    pub(crate) time_zone: String,
    pub(crate) place: Option<String>,
    pub(crate) org_name: String,
}

/// A mail's texts.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

/// The feed's sentence.
pub(super) fn sentence(message: &Message, facts: &Facts) -> String {
    let event = &facts.name;
    let count = message.seats.unwrap_or_default();
    let numbers = message.seat_numbers.as_deref().unwrap_or_default();
    let seats = seat_list(numbers);
    match message.kind {
        NotificationType::BookingConfirmed => format!("Booked: {seats} for {event}."),
        NotificationType::BookingWaitlisted => {
            let seats = if count == 1 { "a seat".to_owned() } else { format!("{count} seats") };
            format!("You wait for {seats} at {event}. We tell you when you get one; you do not have to be online.")
        }
        NotificationType::WaitlistPromoted => {
            let they = if numbers.len() == 1 { "It was" } else { "They were" };
            format!("You got {seats} for {event}. {they} free and you were next.")
        }
        NotificationType::BookingCancelled => cancelled(message, event, &seats, numbers.is_empty()),
        NotificationType::EventUpdated => {
            let fields = message.changes.as_deref().unwrap_or_default();
            let words: Vec<&str> = fields.iter().map(|field| change_word(field)).collect();
            format!("{event}: {} changed. Your booking stays as it is.", list(&words))
        }
        NotificationType::EventCancelled => format!("{event} was cancelled, and with it your booking."),
        NotificationType::OrgInvite => format!("You are invited to {}.", facts.org_name),
        NotificationType::RoleChanged => format!("Your role in {} changed.", facts.org_name),
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

fn change_word(field: &str) -> &str {
    match field {
        "event_date" => "the date",
        "ends_at" => "the end",
        "place" => "the place",
        "name" => "the name",
        other => other,
    }
}

/// The mail of a message.
pub(super) fn mail(message: &Message, facts: &Facts, name: &str) -> Mail {
    let what = sentence(message, facts);
    let when = in_zone(facts.event_date, &facts.time_zone);
    let place = facts.place.as_ref().map(|place| format!("\n{place}")).unwrap_or_default();
    let subject = match message.kind {
        NotificationType::WaitlistPromoted => format!("You got seats for {}", facts.name),
        NotificationType::BookingConfirmed => format!("Booked: {}", facts.name),
        NotificationType::BookingWaitlisted => format!("You are on the waitlist for {}", facts.name),
        NotificationType::BookingCancelled => format!("Seats given up: {}", facts.name),
        NotificationType::EventCancelled => format!("Cancelled: {}", facts.name),
        NotificationType::EventUpdated => format!("Changed: {}", facts.name),
        NotificationType::OrgInvite | NotificationType::RoleChanged => facts.org_name.clone(),
    };
    let text = format!("Hello {name},\n\n{what}\n\n{}\n{when}{place}\n{}\n", facts.name, facts.org_name);
    let paragraphs: String = text
        .split("\n\n")
        .map(|paragraph| format!("<p>{}</p>", escaped(paragraph.trim()).replace('\n', "<br>")))
        .collect();
    let html = format!("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><body>{paragraphs}</body></html>");
    Mail { subject: subject.chars().filter(|c| !c.is_control()).collect(), text, html }
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

/// "a, b and c"
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
    fn seats_read_as_people_write_them() {
        assert_eq!(seat_list(&[1]), "seat 1");
        assert_eq!(seat_list(&[1, 2, 9]), "seats 1, 2 and 9");
        assert_eq!(list(&["the date", "the place"]), "the date and the place");
    }

    #[test]
    fn names_cannot_bring_markup_into_a_mail() {
        assert_eq!(escaped("<b>&\""), "&lt;b&gt;&amp;&quot;");
    }
}
