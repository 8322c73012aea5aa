//! The form of an event: checks the fields while the person types, and finds the fields that changed.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use happening_api::{
    Category, CreateEvent, Event, OrgId, SEATS_PER_BOOKING_MAX, TOTAL_SLOTS_MAX, UpdateEvent, UserId, Visibility,
};

use crate::format::{self, Zones};

/// The limit of seats per person that the form for a new event starts with.
const PER_PERSON_AT_FIRST: i32 = 10;

/// The form's fields as text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) category: Option<Category>,
    pub(crate) place: String,
    pub(crate) time_zone: String,
    pub(crate) date: String,
    pub(crate) time: String,
    pub(crate) end_date: String,
    pub(crate) end_time: String,
    pub(crate) total: String,
    pub(crate) per_person: String,
    pub(crate) visibility: Visibility,
    /// The new owner, when the event is handed over.
    pub(crate) owner: Option<UserId>,
}

/// The parsed values of a draft without problems.
#[derive(Clone, Debug, PartialEq)]
struct Values {
    event_date: DateTime<Utc>,
    ends_at: Option<DateTime<Utc>>,
    total_slots: i32,
    max_seats_per_user: Option<i32>,
}

/// For each field with a problem, a sentence about it.
pub(crate) type Problems = BTreeMap<&'static str, String>;

impl Draft {
    /// The draft of a new event.
    pub(crate) fn new(zone: String) -> Self {
        Self {
            name: String::new(),
            description: String::new(),
            category: None,
            place: String::new(),
            time_zone: zone,
            date: String::new(),
            time: "19:00".to_owned(),
            end_date: String::new(),
            end_time: String::new(),
            total: "100".to_owned(),
            per_person: PER_PERSON_AT_FIRST.to_string(),
            visibility: Visibility::Members,
            owner: None,
        }
    }

    /// The draft of an existing event; its times are in the event's time zone.
    pub(crate) fn of(event: &Event, zones: &impl Zones) -> Self {
        let split = |at: Option<DateTime<Utc>>| {
            let local = at.and_then(|at| zones.local(at, &event.time_zone));
            let part = |format: &str| local.map(|local| local.format(format).to_string()).unwrap_or_default();
            (part("%Y-%m-%d"), part("%H:%M"))
        };
        let ((date, time), (end_date, end_time)) = (split(Some(event.event_date)), split(event.ends_at));
        Self {
            name: event.name.clone(),
            description: event.description.clone(),
            category: event.category,
            place: event.place.clone().unwrap_or_default(),
            time_zone: event.time_zone.clone(),
            date,
            time,
            end_date,
            end_time,
            total: event.total_slots.to_string(),
            per_person: event.max_seats_per_user.map(|max| max.to_string()).unwrap_or_default(),
            visibility: event.visibility,
            owner: None,
        }
    }

    /// The problems that the app can find, by field. The server's answer adds those that only the server can find.
    pub(crate) fn problems(&self, zones: &impl Zones, now: DateTime<Utc>) -> Problems {
        let mut problems = Problems::new();
        if !(1..=200).contains(&self.name.trim().chars().count()) {
            problems.insert("name", "Give the event a name of up to 200 letters.".to_owned());
        }
        if zones.local(now, &self.time_zone).is_none() {
            problems.insert("time_zone", "Choose a time zone such as Europe/Berlin.".to_owned());
        }
        match self.moment(&self.date, &self.time, zones) {
            None => drop(
                problems.insert("event_date", "Write a date such as 2027-04-24 and a time such as 19:00.".to_owned()),
            ),
            Some(start) => {
                if start <= now {
                    problems.insert("event_date", "Choose a time that lies ahead.".to_owned());
                }
                self.check_end(start, zones, &mut problems);
            }
        }
        if !parsed(&self.total).is_some_and(|total| (1..=TOTAL_SLOTS_MAX).contains(&total)) {
            problems.insert(
                "total_slots",
                format!("Write a number from 1 to {}.", format::number(i64::from(TOTAL_SLOTS_MAX))),
            );
        }
        if !self.per_person.trim().is_empty()
            && !parsed(&self.per_person).is_some_and(|max| (1..=SEATS_PER_BOOKING_MAX).contains(&max))
        {
            problems.insert(
                "max_seats_per_user",
                format!("Write a number from 1 to {SEATS_PER_BOOKING_MAX}, or nothing for no limit."),
            );
        }
        problems
    }

    fn check_end(&self, start: DateTime<Utc>, zones: &impl Zones, problems: &mut Problems) {
        if self.end_date.trim().is_empty() && self.end_time.trim().is_empty() {
            return;
        }
        match self.end(zones) {
            None => drop(problems.insert("ends_at", "Write a date and a time, or leave both empty.".to_owned())),
            Some(end) if end <= start => {
                problems.insert("ends_at", format!("Choose a time after the start, {}.", self.time.trim()));
            }
            Some(_) => {}
        }
    }

    /// The event's end; without an end date, the end time is on the day of the start.
    fn end(&self, zones: &impl Zones) -> Option<DateTime<Utc>> {
        let date = if self.end_date.trim().is_empty() { &self.date } else { &self.end_date };
        self.moment(date, &self.end_time, zones)
    }

    fn moment(&self, date: &str, time: &str, zones: &impl Zones) -> Option<DateTime<Utc>> {
        let time = NaiveTime::parse_from_str(time.trim(), "%H:%M").ok()?;
        zones.moment(parse_date(date)?.and_time(time), &self.time_zone)
    }

    fn values(&self, zones: &impl Zones) -> Option<Values> {
        Some(Values {
            event_date: self.moment(&self.date, &self.time, zones)?,
            ends_at: self.end(zones),
            total_slots: parsed(&self.total)?,
            max_seats_per_user: parsed(&self.per_person),
        })
    }

    /// The request for a new event; `None` while the draft has problems.
    pub(crate) fn create(&self, org_id: OrgId, zones: &impl Zones) -> Option<CreateEvent> {
        let values = self.values(zones)?;
        Some(CreateEvent {
            org_id,
            name: self.name.trim().to_owned(),
            description: self.description.clone(),
            category: self.category,
            place: some_text(&self.place),
            time_zone: self.time_zone.clone(),
            event_date: values.event_date,
            ends_at: values.ends_at,
            total_slots: values.total_slots,
            visibility: self.visibility,
            max_seats_per_user: values.max_seats_per_user,
        })
    }

    /// The fields that differ from the event; `None` while the draft has problems.
    pub(crate) fn changes(&self, event: &Event, zones: &impl Zones) -> Option<UpdateEvent> {
        let mut values = self.values(zones)?;
        // the fields show local time to the minute; an untouched field keeps the event's exact moment, with its seconds
        let before = Self::of(event, zones);
        let same_zone = self.time_zone == before.time_zone;
        if same_zone && (&self.date, &self.time) == (&before.date, &before.time) {
            values.event_date = event.event_date;
        }
        if same_zone && (&self.end_date, &self.end_time) == (&before.end_date, &before.end_time) {
            values.ends_at = event.ends_at;
        }
        let (name, place) = (self.name.trim().to_owned(), some_text(&self.place));
        Some(UpdateEvent {
            name: (name != event.name).then_some(name),
            description: (self.description != event.description).then(|| self.description.clone()),
            category: (self.category != event.category).then_some(self.category),
            place: (place != event.place).then_some(place),
            time_zone: (self.time_zone != event.time_zone).then(|| self.time_zone.clone()),
            event_date: (values.event_date != event.event_date).then_some(values.event_date),
            ends_at: (values.ends_at != event.ends_at).then_some(values.ends_at),
            total_slots: (values.total_slots != event.total_slots).then_some(values.total_slots),
            visibility: (self.visibility != event.visibility).then_some(self.visibility),
            max_seats_per_user: (values.max_seats_per_user != event.max_seats_per_user)
                .then_some(values.max_seats_per_user),
            owner_id: self.owner.filter(|owner| *owner != event.owner_id),
        })
    }
}

/// Whether an edit contains no change.
pub(crate) fn is_empty(changes: &UpdateEvent) -> bool {
    serde_json::to_value(changes).is_ok_and(|value| value.as_object().is_some_and(serde_json::Map::is_empty))
}

/// Sentences that say what saving will do.
pub(crate) fn effects(event: &Event, changes: &UpdateEvent) -> Vec<String> {
    let mut lines = Vec::new();
    let told: Vec<&str> = [
        (changes.name.is_some(), "the name"),
        (changes.event_date.is_some(), "the start"),
        (changes.ends_at.is_some(), "the end"),
        (changes.place.is_some(), "the place"),
    ]
    .into_iter()
    .filter_map(|(changed, what)| changed.then_some(what))
    .collect();
    if !told.is_empty() {
        let people = event.people.unwrap_or(0);
        lines.push(format!(
            "{} told that {} changes.",
            if people == 1 { "1 person is".to_owned() } else { format!("{} people are", format::number(people)) },
            told.join(" and ")
        ));
    }
    if let Some(total) = changes.total_slots {
        let more = total - event.total_slots;
        if more > 0 && event.waiting_bookings > 0 {
            let wanted = format::seats(event.waiting_seats);
            lines.push(format!(
                "The {} new seats go to the waitlist first: {} for {wanted}.",
                format::number(i64::from(more)),
                if event.waiting_bookings == 1 {
                    "1 booking waits".to_owned()
                } else {
                    format!("{} bookings wait", format::number(event.waiting_bookings))
                }
            ));
        } else if more > 0 {
            lines.push(format!("{} new seats are open to everybody.", format::number(i64::from(more))));
        } else {
            lines.push(format!(
                "Seats {} to {} are taken out of the hall.",
                format::number(i64::from(total) + 1),
                format::number(i64::from(event.total_slots))
            ));
        }
    }
    if changes.visibility == Some(Visibility::Members) {
        lines.push("Only members can see and book it. Who has a booking keeps it.".to_owned());
    }
    if changes.visibility == Some(Visibility::Public) {
        lines.push("Everyone who is signed in can see and book it.".to_owned());
    }
    if changes.owner_id.is_some() {
        lines.push("Somebody else runs the event from then on.".to_owned());
    }
    if lines.is_empty() {
        lines.push(if is_empty(changes) {
            "Nothing has changed yet.".to_owned()
        } else {
            "Nobody needs to be told of this.".to_owned()
        });
    }
    lines
}

/// The fields in which two versions of an event differ: the field's name, its value in one version, and in the other.
pub(crate) fn differences(one: &Draft, other: &Draft) -> Vec<(&'static str, String, String)> {
    let when = |date: &str, time: &str| format!("{date} {time}").trim().to_owned();
    let category = |draft: &Draft| draft.category.map_or("none", Category::as_str).to_owned();
    let who = |draft: &Draft| if draft.visibility == Visibility::Public { "everyone" } else { "members" }.to_owned();
    let all = [
        ("Name", one.name.clone(), other.name.clone()),
        ("Starts", when(&one.date, &one.time), when(&other.date, &other.time)),
        ("Ends", when(&one.end_date, &one.end_time), when(&other.end_date, &other.end_time)),
        ("Time zone", one.time_zone.clone(), other.time_zone.clone()),
        ("Place", one.place.clone(), other.place.clone()),
        ("Seats in total", one.total.clone(), other.total.clone()),
        ("Seats per person", one.per_person.clone(), other.per_person.clone()),
        ("Category", category(one), category(other)),
        ("Who can book", who(one), who(other)),
        ("Description", one.description.clone(), other.description.clone()),
    ];
    all.into_iter().filter(|(_, one, other)| one != other).collect()
}

/// Says which booked seats keep the hall from getting smaller.
pub(crate) fn too_small(seats: &[i32]) -> String {
    let smallest = seats.iter().max().copied().unwrap_or(1);
    let (are, those) = if seats.len() == 1 { ("is", "that seat has") } else { ("are", "those seats have") };
    format!(
        "{} {are} booked, so {} is the smallest number. To go lower, {those} to be given up first.",
        format::capitalized(&format::seat_list(seats)),
        format::number(i64::from(smallest))
    )
}

/// "2027-04-24", "24.4.2027", "24 Apr 2027"
pub(crate) fn parse_date(text: &str) -> Option<NaiveDate> {
    ["%Y-%m-%d", "%d.%m.%Y", "%d %b %Y", "%d %B %Y"]
        .iter()
        .find_map(|format| NaiveDate::parse_from_str(text.trim(), format).ok())
}

fn parsed(text: &str) -> Option<i32> {
    text.trim().replace([',', ' '], "").parse().ok()
}

fn some_text(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use chrono::{NaiveDateTime, TimeDelta};
    use happening_api::{EventOrg, EventStatus};
    use uuid::Uuid;

    use super::*;

    /// Time zones for tests: "X/Two" is two hours ahead of UTC, and UTC is the only other one.
    struct Two;

    impl Zones for Two {
        fn moment(&self, local: NaiveDateTime, zone: &str) -> Option<DateTime<Utc>> {
            Some((local - TimeDelta::hours(hours(zone)?)).and_utc())
        }
        fn local(&self, at: DateTime<Utc>, zone: &str) -> Option<NaiveDateTime> {
            Some(at.naive_utc() + TimeDelta::hours(hours(zone)?))
        }
    }

    fn hours(zone: &str) -> Option<i64> {
        match zone {
            "UTC" => Some(0),
            "X/Two" => Some(2),
            _ => None,
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    fn event() -> Event {
        Event {
            id: Uuid::nil().into(),
            org_id: Uuid::nil().into(),
            org: EventOrg { id: Uuid::nil().into(), name: "Hall".to_owned() },
            created_by: Uuid::nil().into(),
            owner_id: Uuid::nil().into(),
            name: "Gala".to_owned(),
            description: String::new(),
            category: None,
            place: None,
            time_zone: "X/Two".to_owned(),
            event_date: at("2027-04-24T18:00:00Z"),
            ends_at: None,
            total_slots: 100,
            available_slots: 0,
            status: EventStatus::Upcoming,
            visibility: Visibility::Members,
            max_seats_per_user: Some(10),
            waiting_bookings: 2,
            waiting_seats: 5,
            people: Some(388),
            version: 1,
            created_at: at("2027-01-01T00:00:00Z"),
            updated_at: at("2027-01-01T00:00:00Z"),
        }
    }

    #[test]
    fn an_untouched_draft_has_no_changes() {
        let event = event();
        let draft = Draft::of(&event, &Two);
        assert_eq!((draft.date.as_str(), draft.time.as_str()), ("2027-04-24", "20:00"));
        assert!(draft.problems(&Two, at("2027-01-01T00:00:00Z")).is_empty());
        let changes = draft.changes(&event, &Two).expect("complete");
        assert!(is_empty(&changes), "{changes:?}");
        assert_eq!(effects(&event, &changes), ["Nothing has changed yet."]);
    }

    #[test]
    fn unshown_seconds_are_kept() {
        let event =
            Event { event_date: at("2027-04-24T18:00:30Z"), ends_at: Some(at("2027-04-24T20:00:45Z")), ..event() };
        let draft = Draft { description: "New".to_owned(), ..Draft::of(&event, &Two) };
        let changes = draft.changes(&event, &Two).expect("complete");
        assert_eq!((changes.event_date, changes.ends_at), (None, None));
    }

    #[test]
    fn only_changed_fields_are_sent_and_described() {
        let event = event();
        let draft = Draft {
            time: "19:00".to_owned(),
            total: "1,103".to_owned(),
            place: " Quay ".to_owned(),
            ..Draft::of(&event, &Two)
        };
        let changes = draft.changes(&event, &Two).expect("complete");
        assert_eq!(changes.event_date, Some(at("2027-04-24T17:00:00Z")));
        assert_eq!(
            (changes.total_slots, changes.place.clone(), changes.name.clone()),
            (Some(1103), Some(Some("Quay".to_owned())), None)
        );
        let lines = effects(&event, &changes);
        assert_eq!(lines[0], "388 people are told that the start and the place changes.");
        assert_eq!(lines[1], "The 1,003 new seats go to the waitlist first: 2 bookings wait for 5 seats.");
    }

    #[test]
    fn problems_are_found_by_field() {
        let now = at("2027-04-24T00:00:00Z");
        let good = Draft { date: "24 Apr 2027".to_owned(), name: "Gala".to_owned(), ..Draft::new("X/Two".to_owned()) };
        assert!(good.problems(&Two, now).is_empty(), "{:?}", good.problems(&Two, now));
        let wrong = |draft: Draft| draft.problems(&Two, now).into_keys().collect::<Vec<_>>();
        assert_eq!(wrong(Draft { name: " ".to_owned(), ..good.clone() }), ["name"]);
        assert_eq!(wrong(Draft { date: "soon".to_owned(), ..good.clone() }), ["event_date"]);
        assert_eq!(wrong(Draft { date: "2027-04-23".to_owned(), ..good.clone() }), ["event_date"]);
        assert_eq!(wrong(Draft { end_time: "18:00".to_owned(), ..good.clone() }), ["ends_at"]);
        assert!(wrong(Draft { end_time: "23:00".to_owned(), ..good.clone() }).is_empty());
        assert_eq!(
            wrong(Draft { total: "0".to_owned(), per_person: "51".to_owned(), ..good.clone() }),
            ["max_seats_per_user", "total_slots"]
        );
        assert_eq!(wrong(Draft { time_zone: "Mars".to_owned(), ..good })[1], "time_zone");
    }

    #[test]
    fn two_versions_are_compared_by_field() {
        let mine = Draft::of(&event(), &Two);
        let theirs = Draft { name: "Ball".to_owned(), ..mine.clone() };
        assert_eq!(differences(&mine, &theirs), [("Name", "Gala".to_owned(), "Ball".to_owned())]);
        assert!(
            too_small(&[1187, 1192]).starts_with("Seats 1,187 and 1,192 are booked, so 1,192 is the smallest number.")
        );
    }
}
