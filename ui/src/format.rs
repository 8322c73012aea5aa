//! Numbers, dates and lists as people read them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};

pub(crate) use crate::locale::own_zone;
use crate::locale::{self, DateParts};

/// The parts of a date and time in an event's time zone.
pub(crate) struct EventDate {
    /// "Mar"
    pub(crate) month: String,
    /// "12"
    pub(crate) day: String,
    /// "Friday 12 March"; with the year when it is not this one
    pub(crate) date: String,
    /// "19:30"
    pub(crate) time: String,
    /// "Friday"
    pub(crate) weekday: String,
}

/// The parts of a moment in a time zone; an unknown zone counts as UTC.
pub(crate) fn event_date(at: DateTime<Utc>, zone: &str) -> EventDate {
    let part = |parts: DateParts<'_>| in_zone(at, zone, parts);
    EventDate {
        month: part(&[("month", "short")]),
        day: part(&[("day", "numeric")]),
        date: long_date(at, zone),
        time: part(&[("hour", locale::hour()), ("minute", "2-digit")]),
        weekday: part(&[("weekday", "long")]),
    }
}

fn long_date(at: DateTime<Utc>, zone: &str) -> String {
    let year = |at| in_zone(at, zone, &[("year", "numeric")]);
    let parts = [("day", "numeric"), ("month", "long"), ("year", "numeric")];
    let this_year = year(at) == year(now());
    let date = in_zone(at, zone, &parts[..parts.len() - usize::from(this_year)]);
    format!("{} {date}", in_zone(at, zone, &[("weekday", "long")]))
}

/// "Friday 12 March, 19:30", followed by the time in this machine's zone when it differs.
pub(crate) fn date_line(at: DateTime<Utc>, zone: &str) -> String {
    let there = event_date(at, zone);
    let here = event_date(at, &own_zone());
    if (&there.date, &there.time) == (&here.date, &here.time) {
        format!("{}, {}", there.date, there.time)
    } else {
        let own = if there.date == here.date { here.time } else { format!("{}, {}", here.date, here.time) };
        format!("{}, {} ({zone}; {own} for you)", there.date, there.time)
    }
}

/// Formats a moment in a time zone; an unknown zone counts as UTC.
fn in_zone(at: DateTime<Utc>, zone: &str, parts: DateParts<'_>) -> String {
    locale::date(at, zone, parts).or_else(|| locale::date(at, "UTC", parts)).unwrap_or_default()
}

/// "09:41" for today, else "Friday 12 March, 19:30", in this machine's zone.
pub(crate) fn moment(at: DateTime<Utc>) -> String {
    let (there, today) = (event_date(at, &own_zone()), event_date(now(), &own_zone()));
    if there.date == today.date { there.time } else { format!("{}, {}", there.date, there.time) }
}

/// "12 March 2027"
pub(crate) fn day(at: DateTime<Utc>) -> String {
    in_zone(at, &own_zone(), &[("day", "numeric"), ("month", "long"), ("year", "numeric")])
}

/// "March 2024"
pub(crate) fn month(at: DateTime<Utc>) -> String {
    in_zone(at, &own_zone(), &[("month", "long"), ("year", "numeric")])
}

/// "March 2024", of a date without a time zone
pub(crate) fn month_of(date: NaiveDate) -> String {
    in_zone(date.and_time(NaiveTime::MIN).and_utc(), "UTC", &[("month", "long"), ("year", "numeric")])
}

/// A role's name on the screens.
pub(crate) fn role(role: happening_api::Role) -> &'static str {
    match role {
        happening_api::Role::OrgAdmin => "Admin",
        happening_api::Role::Organizer => "Organizer",
        happening_api::Role::User => "Member",
    }
}

/// "1 booking", "4 bookings"
pub(crate) fn count(value: i64, one: &str, many: &str) -> String {
    format!("{} {}", number(value), if value == 1 { one } else { many })
}

/// Converts between moments and the local times of a zone. The browser knows the zones; tests use zones of their own.
pub(crate) trait Zones {
    /// The moment at which the clocks of a zone show a local time; `None` for an unknown zone.
    fn moment(&self, local: NaiveDateTime, zone: &str) -> Option<DateTime<Utc>>;
    /// The local time that the clocks of a zone show at a moment.
    fn local(&self, at: DateTime<Utc>, zone: &str) -> Option<NaiveDateTime>;
}

/// The browser's time zones.
pub(crate) struct BrowserZones;

impl Zones for BrowserZones {
    fn moment(&self, local: NaiveDateTime, zone: &str) -> Option<DateTime<Utc>> {
        // the offset is read twice, because the first guess may lie on the other side of a change to or from summer
        // time
        let mut at = local.and_utc();
        for _ in 0..2 {
            at += local - self.local(at, zone)?;
        }
        Some(at)
    }

    fn local(&self, at: DateTime<Utc>, zone: &str) -> Option<NaiveDateTime> {
        let parts = [
            ("year", "numeric"),
            ("month", "2-digit"),
            ("day", "2-digit"),
            ("hour", "2-digit"),
            ("minute", "2-digit"),
            ("hourCycle", "h23"),
        ];
        NaiveDateTime::parse_from_str(&locale::date_in("en-GB", at, zone, &parts)?, "%d/%m/%Y, %H:%M").ok()
    }
}

/// Hour of the day on this machine.
pub(crate) fn hour_now() -> u32 {
    js_sys::Date::new_0().get_hours()
}

/// The time of this machine's clock; used only for what is shown.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(js_sys::Date::now() as i64).unwrap_or_default()
}

/// 1,200
pub(crate) fn number(value: i64) -> String {
    locale::number(value)
}

/// "1 seat", "4 seats"
pub(crate) fn seats(count: i64) -> String {
    format!("{} {}", number(count), if count == 1 { "seat" } else { "seats" })
}

/// "seat 14", "seats 14, 15 and 16"
pub(crate) fn seat_list(numbers: &[i32]) -> String {
    let word = if numbers.len() == 1 { "seat" } else { "seats" };
    let texts: Vec<String> = numbers.iter().map(|seat| number(i64::from(*seat))).collect();
    if texts.is_empty() { "no seats".to_owned() } else { format!("{word} {}", locale::list(&texts)) }
}

/// "1st", "2nd", "3rd", "11th"
pub(crate) fn ordinal(value: i64) -> String {
    let suffix = match (value % 100, value % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    format!("{}{suffix}", number(value))
}

/// First letters of up to two words.
pub(crate) fn initials(name: &str) -> String {
    name.split_whitespace().take(2).filter_map(|word| word.chars().next()).flat_map(char::to_uppercase).collect()
}

/// First letter in upper case.
pub(crate) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lists_are_formatted_for_people() {
        assert_eq!([number(0), number(999), number(1200), number(100_000)], ["0", "999", "1,200", "100,000"]);
        assert_eq!(
            [ordinal(1), ordinal(2), ordinal(3), ordinal(11), ordinal(22)],
            ["1st", "2nd", "3rd", "11th", "22nd"]
        );
        assert_eq!(seat_list(&[14, 15, 16]), "seats 14, 15 and 16");
        assert_eq!((seat_list(&[1200]), seats(1), seats(4)), ("seat 1,200".into(), "1 seat".into(), "4 seats".into()));
        assert_eq!((initials("Ada Lovelace"), initials("Harbour Hall of Fame")), ("AL".into(), "HH".into()));
    }
}
