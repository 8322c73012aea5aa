//! The invariants that a single query over Postgres can check.

/// Name and query. Each row that the query returns describes a violation.
pub(super) const ALL: &[(&str, &str)] = &[
    ("I1 no seat is booked twice", SEAT_TWICE),
    ("I1 seats lie inside the event", SEAT_OUTSIDE),
    ("I6 a booking is created once", CREATED_ONCE),
    ("I7 waiting bookings and their order", WAITLIST),
    ("I7 a promoted booking was told", PROMOTION_TOLD),
    ("I7 status says what is held and wanted", STATUS),
    ("I7 wanted = held + waiting + given back", SEATS_ADD_UP),
    ("I8 every booking and claim was told", CREATED_TOLD),
    ("I8 every ended booking and given seat was told", ENDED_TOLD),
    ("I8 what was published was delivered once", DELIVERED),
    ("I9 rows belong together", ORPHANS),
    ("I9 nobody who is deleted holds seats", NOBODY_HOLDS),
    ("I9 bookings of a cancelled event end", CANCELLED_ENDS),
    ("I11 available = total - booked", AVAILABLE),
    ("I11 people are counted", PEOPLE),
    ("I11 history adds up to the seats", HISTORY),
];

const SEAT_TWICE: &str = "select format('event %s seat %s: %s times', event_id, seat_no, count(*)) from booking_seats
    where status = 'booked' group by event_id, seat_no having count(*) > 1";

const SEAT_OUTSIDE: &str =
    "select format('event %s seat %s of %s', e.id, s.seat_no, e.total_slots) from booking_seats s
    join events e on e.id = s.event_id where s.status = 'booked' and s.seat_no not between 1 and e.total_slots";

const CREATED_ONCE: &str = "select format('booking %s: %s created rows', b.id, count(h.id)) from bookings b
    left join booking_history h on h.booking_id = b.id and h.action = 'created' group by b.id having count(h.id) <> 1";

const WAITLIST: &str =
    "select format('booking %s: status %s, waits for %s, order %s of %s', b.id, b.status, b.waiting_seats,
        b.waiting_order, e.waiting_order_last)
    from bookings b join events e on e.id = b.event_id
    where (b.status = 'cancelled' and b.waiting_seats > 0) or b.waiting_order > e.waiting_order_last
        or (b.status = 'waiting' and b.waiting_seats = 0)";

const PROMOTION_TOLD: &str =
    "select format('booking %s: %s promotions, %s messages', p.booking_id, p.times, coalesce(o.times, 0))
    from (select booking_id, count(*) as times from booking_history where action = 'promoted'
        and created_at > now() - interval '6 days' group by 1) p
    left join (select (payload->>'bookingId')::uuid as booking_id, count(*) as times from outbox
        where payload->>'type' = 'waitlist_promoted'
        and created_at > now() - interval '6 days' group by 1) o using (booking_id)
    where p.times <> coalesce(o.times, 0)";

const STATUS: &str = "select format('booking %s: status %s, holds %s, waits for %s', b.id, b.status, h.held, b.waiting_seats)
    from bookings b left join (select booking_id, count(*) as held from booking_seats
        where status = 'booked' group by 1) h on h.booking_id = b.id
    where b.status is distinct from case when h.held > 0 then 'confirmed' when b.waiting_seats > 0 then 'waiting' else 'cancelled' end";

const SEATS_ADD_UP: &str = "select format('booking %s: wants %s, holds %s, waits for %s, gave back %s', b.id, b.seats, h.held,
        b.waiting_seats, h.released)
    from bookings b left join (select booking_id, count(*) filter (where status = 'booked') as held,
            count(*) filter (where status = 'released') as released from booking_seats group by 1) h on h.booking_id = b.id
    where b.status <> 'cancelled' and b.seats <> coalesce(h.held, 0) + b.waiting_seats + coalesce(h.released, 0)";

const CREATED_TOLD: &str =
    "select format('booking %s: created and claimed %s times, %s messages', h.booking_id, h.times, coalesce(o.times, 0))
    from (select booking_id, count(*) as times from booking_history where action in ('created', 'claimed')
        and created_at > now() - interval '6 days' group by 1) h
    left join (select (payload->>'bookingId')::uuid as booking_id, count(*) as times from outbox
        where payload->>'type' in ('booking_confirmed', 'booking_waitlisted')
        and created_at > now() - interval '6 days' group by 1) o using (booking_id)
    where h.times <> coalesce(o.times, 0)";

const NOBODY_HOLDS: &str =
    "select format('booking %s of an upcoming event belongs to a deleted person', b.id) from bookings b
    join users u on u.id = b.user_id join events e on e.id = b.event_id
    where b.status <> 'cancelled' and u.deleted_at < now() - interval '1 minute' and e.deleted_at is null
        and event_status(e.status, e.event_date, e.ends_at, now()) = 'upcoming'";

const CANCELLED_ENDS: &str =
    "select format('booking %s goes on, and no portion that ends it is due', b.id) from bookings b join events e on e.id = b.event_id
    where e.status = 'cancelled' and b.status <> 'cancelled' and not exists (select from event_endings x where x.event_id = e.id)";

const ENDED_TOLD: &str =
    "select format('booking %s: ended or gave up %s times, %s messages', h.booking_id, h.times, coalesce(o.times, 0))
    from (select booking_id, count(*) as times from booking_history where action in ('cancelled', 'seats_cancelled', 'waitlist_ended')
        and created_at > now() - interval '6 days' group by 1) h
    left join (select (payload->>'bookingId')::uuid as booking_id, count(*) as times from outbox
        where payload->>'type' in ('booking_cancelled', 'event_cancelled', 'waitlist_ended')
        and created_at > now() - interval '6 days' group by 1) o using (booking_id)
    where h.times <> coalesce(o.times, 0)";

const DELIVERED: &str =
    "select format('message %s was published %s ago and not delivered', o.id, now() - o.published_at)
    from outbox o where o.published_at < now() - interval '15 minutes'
        and not exists (select from deliveries d where d.message_id = o.id)";

const ORPHANS: &str = "select format('booking %s of a missing event or person', b.id) from bookings b
        where not exists (select from events e where e.id = b.event_id) or not exists (select from users u where u.id = b.user_id)
    union all
    select format('seat %s of event %s belongs to no such booking', s.seat_no, s.event_id) from booking_seats s
        where not exists (select from bookings b where b.id = s.booking_id and b.event_id = s.event_id and b.user_id = s.user_id)
    union all
    select format('history %s of a missing booking', h.id) from booking_history h
        where not exists (select from bookings b where b.id = h.booking_id and b.event_id = h.event_id)
    union all
    select format('notification %s is about another person''s booking', n.id) from notifications n
        join bookings b on b.id = n.booking_id where b.user_id <> n.user_id or b.event_id <> n.event_id";

const AVAILABLE: &str =
    "select format('event %s: total %s, available %s, booked %s', e.id, e.total_slots, e.available_slots, s.booked)
    from events e left join (select event_id, count(*) as booked from booking_seats
        where status = 'booked' group by 1) s on s.event_id = e.id
    where e.available_slots <> e.total_slots - coalesce(s.booked, 0)";

const PEOPLE: &str = "select format('event %s: %s people, %s have bookings', e.id, e.people, coalesce(b.people, 0))
    from events e left join (select event_id, count(distinct user_id) as people from bookings
        where status <> 'cancelled' group by 1) b on b.event_id = e.id
    where e.people <> coalesce(b.people, 0) and e.people_removed_at is null";

const HISTORY: &str = "select format('event %s: history says %s, %s are booked', e.id, coalesce(h.booked, 0), s.booked)
    from events e left join (select event_id, sum(case when action in ('cancelled', 'seats_cancelled')
            then -cardinality(seat_numbers) else cardinality(seat_numbers) end) as booked
        from booking_history group by 1) h on h.event_id = e.id
    left join (select event_id, count(*) as booked from booking_seats where status = 'booked' group by 1) s on s.event_id = e.id
    where coalesce(h.booked, 0) <> coalesce(s.booked, 0)";
