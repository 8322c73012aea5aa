//! The events of the demo data.

/// The status that an event ends up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Upcoming,
    Ongoing,
    Completed,
    Cancelled,
}

/// One event.
#[derive(Debug)]
pub(super) struct DemoEvent {
    pub(super) name: &'static str,
    pub(super) description: &'static str,
    /// The index of its organization.
    pub(super) org: usize,
    pub(super) owner: &'static str,
    pub(super) category: Option<&'static str>,
    pub(super) place: Option<&'static str>,
    pub(super) visibility: &'static str,
    /// The date in days from today; negative for past events.
    pub(super) days_ahead: i64,
    /// The start in minutes after midnight, UTC.
    pub(super) start_minute: i64,
    pub(super) total_slots: i32,
    pub(super) max_seats_per_user: Option<i32>,
    pub(super) taken_by_guests: i32,
    /// How many seats each guest takes once, for events with a limit per person.
    pub(super) each_guest_takes: i32,
    /// Seats that guests do not take.
    pub(super) kept_free: &'static [i32],
    /// The bookings after those of the guests, in order: login name and number of seats.
    pub(super) bookings: &'static [(&'static str, i32)],
    /// The people who cancel their bookings afterwards, in order.
    pub(super) leave: &'static [&'static str],
    pub(super) phase: Phase,
}

const PLAIN: DemoEvent = DemoEvent {
    name: "",
    description: "",
    org: 0,
    owner: "ada",
    category: None,
    place: None,
    visibility: "public",
    days_ahead: 30,
    start_minute: 18 * 60,
    total_slots: 100,
    max_seats_per_user: None,
    taken_by_guests: 0,
    each_guest_takes: 0,
    kept_free: &[],
    bookings: &[],
    leave: &[],
    phase: Phase::Upcoming,
};

pub(super) const EVENTS: &[DemoEvent] = &[
    DemoEvent {
        name: "Harbour Strings: Winter Evening",
        description: "The Harbour Strings open the season with a quartet by Grażyna Bacewicz and a new piece for two violas.\n\nDoors open half an hour before the start. There is one interval of 20 minutes.",
        category: Some("concert"),
        place: Some("Great hall, Harbour Hall"),
        days_ahead: 12,
        start_minute: 18 * 60 + 30,
        total_slots: 1200,
        taken_by_guests: 940,
        kept_free: &[14, 15, 16, 17],
        bookings: &[("ada", 6), ("barbara", 2), ("frances", 4)],
        ..PLAIN
    },
    DemoEvent {
        name: "Ask the Architects: Rust in Production",
        description: "Three teams tell what they would do again and what not. Bring your questions.",
        owner: "grace",
        category: Some("webinar"),
        place: Some("https://meet.happening.invalid/architects"),
        visibility: "members",
        days_ahead: 18,
        start_minute: 15 * 60,
        total_slots: 262,
        max_seats_per_user: Some(4),
        each_guest_takes: 4,
        bookings: &[("barbara", 4), ("edsger", 4), ("frances", 4), ("donald", 4), ("alan", 2)],
        ..PLAIN
    },
    DemoEvent {
        name: "Jazz at the Quay",
        description: "An evening with the quay's own quintet, close to the water.",
        category: Some("concert"),
        place: Some("Quay stage, Harbour Hall"),
        days_ahead: 26,
        start_minute: 19 * 60,
        total_slots: 180,
        taken_by_guests: 176,
        bookings: &[("edsger", 4), ("donald", 2), ("barbara", 1), ("guest07", 3), ("guest12", 6)],
        ..PLAIN
    },
    DemoEvent {
        name: "Winter Hackathon",
        description: "Two days, small teams, one harbour. Tables and coffee are there; bring your own machine.",
        owner: "grace",
        category: Some("hackathon"),
        place: Some("Boat shed, Harbour Hall"),
        days_ahead: 33,
        start_minute: 8 * 60,
        total_slots: 60,
        taken_by_guests: 50,
        bookings: &[("frances", 2), ("edsger", 9), ("margaret", 11), ("ada", 10), ("donald", 9)],
        leave: &["frances", "edsger"],
        ..PLAIN
    },
    DemoEvent {
        name: "Choir Rehearsal, Open Doors",
        category: Some("concert"),
        place: Some("Small hall, Harbour Hall"),
        visibility: "members",
        days_ahead: 5,
        total_slots: 80,
        taken_by_guests: 21,
        ..PLAIN
    },
    DemoEvent {
        name: "Sea Shanty Sing-Along",
        category: Some("concert"),
        place: Some("Quay stage, Harbour Hall"),
        days_ahead: 41,
        total_slots: 400,
        taken_by_guests: 133,
        bookings: &[("alan", 3)],
        ..PLAIN
    },
    DemoEvent {
        name: "Accessibility Clinic",
        owner: "grace",
        category: Some("webinar"),
        place: Some("https://meet.happening.invalid/clinic"),
        days_ahead: 47,
        start_minute: 14 * 60,
        total_slots: 500,
        max_seats_per_user: Some(2),
        ..PLAIN
    },
    DemoEvent {
        name: "Autumn Gala",
        category: Some("concert"),
        place: Some("Great hall, Harbour Hall"),
        days_ahead: -20,
        total_slots: 240,
        taken_by_guests: 200,
        bookings: &[("ada", 2)],
        phase: Phase::Completed,
        ..PLAIN
    },
    DemoEvent {
        name: "Harbour Lights Marathon Screening",
        place: Some("Small hall, Harbour Hall"),
        days_ahead: 0,
        total_slots: 90,
        taken_by_guests: 44,
        phase: Phase::Ongoing,
        ..PLAIN
    },
    DemoEvent {
        name: "Open-Air Opera",
        category: Some("concert"),
        place: Some("Quay stage, Harbour Hall"),
        days_ahead: -3,
        total_slots: 600,
        phase: Phase::Cancelled,
        ..PLAIN
    },
    DemoEvent {
        name: "Civic Data Night",
        org: 1,
        owner: "grace",
        category: Some("hackathon"),
        place: Some("Civic Lab, first floor"),
        days_ahead: 9,
        start_minute: 17 * 60,
        total_slots: 48,
        taken_by_guests: 30,
        bookings: &[("margaret", 2)],
        ..PLAIN
    },
    DemoEvent {
        name: "Budget Hearing, Explained",
        org: 1,
        owner: "alan",
        category: Some("webinar"),
        visibility: "members",
        days_ahead: 22,
        start_minute: 16 * 60,
        total_slots: 150,
        taken_by_guests: 12,
        ..PLAIN
    },
];
