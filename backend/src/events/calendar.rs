//! An event as a calendar file (RFC 5545), for download and for mails.

use chrono::{DateTime, TimeDelta, Utc};
use happening_api::{Event, EventId};
use icalendar::{Calendar, Component, EventLike, EventStatus};

/// The length shown for an event without an end: the time until the event counts as over.
const DURATION_WITHOUT_END: TimeDelta = TimeDelta::hours(24);

/// The data of an event that its calendar entry shows.
#[derive(Clone, Debug)]
pub(crate) struct CalendarEvent<'e> {
    pub(crate) id: EventId,
    pub(crate) name: &'e str,
    pub(crate) description: &'e str,
    pub(crate) place: Option<&'e str>,
    pub(crate) event_date: DateTime<Utc>,
    pub(crate) ends_at: Option<DateTime<Utc>>,
    pub(crate) cancelled: bool,
    /// The number of the latest edit; a calendar keeps the entry with the highest number.
    pub(crate) version: i64,
    /// The address of the page that opens the event in the app.
    pub(crate) url: &'e str,
}

impl<'e> CalendarEvent<'e> {
    /// The data of an event. `url` is the page that opens it.
    pub(crate) fn of(event: &'e Event, url: &'e str) -> Self {
        Self {
            id: event.id,
            name: &event.name,
            description: &event.description,
            place: event.place.as_deref(),
            event_date: event.event_date,
            ends_at: event.ends_at,
            cancelled: event.status == happening_api::EventStatus::Cancelled,
            version: event.version,
            url,
        }
    }
}

/// The calendar file. Importing a newer file replaces the entry, because its id stays the same.
pub(crate) fn file(event: &CalendarEvent<'_>, now: DateTime<Utc>) -> String {
    let mut entry = icalendar::Event::new();
    entry
        .uid(&format!("{}@happening", event.id))
        .timestamp(now)
        .sequence(u32::try_from(event.version).unwrap_or(u32::MAX))
        .summary(&plain(event.name))
        .description(&plain(event.description))
        .starts(event.event_date)
        .ends(event.ends_at.or(event.event_date.checked_add_signed(DURATION_WITHOUT_END)).unwrap_or(event.event_date))
        .url(event.url)
        .status(if event.cancelled { EventStatus::Cancelled } else { EventStatus::Confirmed });
    if let Some(place) = event.place {
        entry.location(&plain(place));
    }
    Calendar::new().push(entry).done().to_string()
}

/// Keeps line breaks only as `\n`, which the calendar writer escapes. A bare carriage return would end the line.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").chars().filter(|c| *c == '\n' || !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_add_calendar_lines() {
        let event = CalendarEvent {
            id: uuid::Uuid::nil().into(),
            name: "Evening\r\nATTENDEE:mailto:eve@happening.invalid\rX:1",
            description: "One; two, three\nfour",
            place: Some("Hall"),
            event_date: DateTime::UNIX_EPOCH,
            ends_at: None,
            cancelled: false,
            version: 3,
            url: "https://happening.invalid/open/event/0",
        };
        let file = file(&event, DateTime::UNIX_EPOCH);
        assert!(file.lines().all(|line| !line.starts_with("ATTENDEE") && !line.starts_with("X:")), "{file}");
        assert!(file.contains("DTSTART:19700101T000000Z") && file.contains("DTEND:19700102T000000Z"), "{file}");
        assert!(file.contains("SEQUENCE:3") && file.contains(r"One\; two\, three\nfour"), "{file}");
    }
}
