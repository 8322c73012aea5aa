-- Long changes are done in portions, so that none of them holds an event's row for long. What is left to do is noted here.

-- The new capacity while seats are being added in portions; null otherwise. Each portion goes to the waitlist first.
alter table events add column raising_to integer;
alter table events add constraint events_raising_to_range check (raising_to between 1 and 100000);
create index events_raising on events (id) where raising_to is not null;

-- Cancelled events whose bookings are being ended, and on whose behalf.
create table event_endings (
    event_id uuid primary key constraint event_endings_event_id_fkey references events (id) on delete cascade,
    actor_id uuid not null constraint event_endings_actor_id_fkey references users (id),
    request_id text not null,
    since timestamptz not null default now()
);
create index event_endings_actor_id on event_endings (actor_id);
