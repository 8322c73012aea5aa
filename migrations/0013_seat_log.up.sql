-- What an event sells changes by one path, which writes a log: one row per transaction and event. The pair of version and head names a
-- state; see ARCHITECTURE.md. Servers of before do not write the log and must not run on this schema: stop them first.

alter table events
    add column seat_head uuid not null default gen_random_uuid(),
    add column waiting_bookings bigint not null default 0,
    add column waiting_seats bigint not null default 0,
    drop column gate_generation;
update events e set waiting_bookings = w.bookings, waiting_seats = w.seats
    from (select event_id, count(*) as bookings, sum(waiting_seats) as seats from bookings
        where waiting_order is not null group by 1) w
    where w.event_id = e.id;

create table seat_log (
    event_id uuid not null,
    version bigint not null,
    head uuid not null,
    -- What changed since the version before, or the whole state: see backend/src/seats/log.rs.
    changes bytea not null,
    at timestamptz not null,
    constraint seat_log_pkey primary key (event_id, version)
);
