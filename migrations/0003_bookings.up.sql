-- Bookings, their seats and history. These tables take every write of a rush, so they carry no foreign keys: each costs
-- a lookup and a lock per row. `happening-backend audit` checks what the keys would have promised.

create table bookings (
    id uuid constraint bookings_pkey primary key,
    event_id uuid not null,
    user_id uuid not null,
    seats integer not null,
    waiting_seats integer not null default 0 constraint bookings_waiting_seats_range check (waiting_seats between 0 and seats),
    waiting_order bigint,
    waiting_number integer,
    status text not null constraint bookings_status_check check (status in ('confirmed', 'waiting', 'cancelled')),
    reassigned boolean not null default false,
    request_hash bytea not null,
    created_at timestamptz not null,
    updated_at timestamptz not null,
    -- A place on the waitlist is kept exactly as long as something is wanted.
    constraint bookings_waiting_order_while_waiting check ((waiting_order is null) = (waiting_seats = 0))
);
create unique index bookings_event_id_waiting_order_key on bookings (event_id, waiting_order) where waiting_order is not null;
create index bookings_event_id_idx on bookings (event_id);
create index bookings_user_id_created_at_idx on bookings (user_id, created_at desc);

create table booking_seats (
    event_id uuid not null,
    booking_id uuid not null,
    user_id uuid not null,
    seat_no integer not null constraint booking_seats_seat_no_positive check (seat_no >= 1),
    status text not null default 'booked' constraint booking_seats_status_check check (status in ('booked', 'released'))
);
-- The last guard: a seat is sold once, whatever went wrong before.
create unique index booking_seats_event_id_seat_no_key on booking_seats (event_id, seat_no) where status = 'booked';
create index booking_seats_booking_id_idx on booking_seats (booking_id);

create table booking_history (
    booking_id uuid not null,
    id uuid not null,
    event_id uuid not null,
    action text not null constraint booking_history_action_check
        check (action in ('created', 'promoted', 'cancelled', 'seats_cancelled', 'claimed')),
    seats integer not null,
    seat_numbers integer[] not null default '{}',
    actor_id uuid,
    reason text constraint booking_history_reason_length check (char_length(reason) between 1 and 500),
    -- The first answer to a creating call, so that a repeated call gets the same one.
    answer jsonb,
    created_at timestamptz not null,
    constraint booking_history_pkey primary key (booking_id, id)
);
