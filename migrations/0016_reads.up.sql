-- What lists, counts and places on a waitlist need, so that no read grows with the number of bookings.

-- People who hold or wait for seats; the seat writer counts them.
alter table events add column people integer not null default 0;
update events e set people = p.people
from (select event_id, count(distinct user_id) as people from bookings where status <> 'cancelled' group by 1) p
where p.event_id = e.id;

-- Cancelled bookings of an event, newest first.
create index bookings_cancelled_idx on bookings (event_id, updated_at desc, id) where status = 'cancelled';
-- What happened at an event, newest first; and, of that, what moves a waitlist.
create index booking_history_event_idx on booking_history (event_id, created_at desc, id desc);
create index booking_history_moves_idx on booking_history (event_id, created_at desc, id desc)
    where action in ('promoted', 'claimed', 'cancelled');
