-- Events. gate_generation fences the Redis gate, seat_version counts committed units (see ARCHITECTURE.md).

create table events (
    id uuid primary key,
    org_id uuid not null constraint events_org_id_fkey references organizations (id),
    created_by uuid not null constraint events_created_by_fkey references users (id),
    owner_id uuid not null constraint events_owner_id_fkey references users (id),
    name text not null constraint events_name_length check (char_length(name) between 1 and 200),
    description text not null default '' constraint events_description_length check (char_length(description) <= 10000),
    category text constraint events_category_check check (category in ('webinar', 'concert', 'hackathon')),
    place text constraint events_place_length check (char_length(place) <= 300),
    time_zone text not null default 'UTC',
    event_date timestamptz not null,
    ends_at timestamptz constraint events_ends_at_after_start check (ends_at > event_date),
    total_slots integer not null constraint events_total_slots_range check (total_slots between 1 and 100000),
    available_slots integer not null,
    status text not null default 'upcoming'
        constraint events_status_check check (status in ('upcoming', 'ongoing', 'completed', 'cancelled')),
    visibility text not null default 'members' constraint events_visibility_check check (visibility in ('members', 'public')),
    max_seats_per_user integer constraint events_max_seats_range check (max_seats_per_user between 1 and 50),
    version bigint not null default 1,
    gate_generation bigint not null default 1,
    seat_version bigint not null default 0,
    waiting_order_last bigint not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint events_available_slots_range check (available_slots between 0 and total_slots)
) with (fillfactor = 50); -- the row of a popular event is rewritten by every batch: room for it on its own page
create index events_org_id_event_date_idx on events (org_id, event_date, id);
create index events_event_date_idx on events (event_date, id);
create index events_owner_id_idx on events (owner_id);
create index events_created_by_idx on events (created_by);

-- The status as it is at this moment: rows are moved by the worker, which may be late; reads and bookings are not.
create function event_status(status text, event_date timestamptz, ends_at timestamptz, at timestamptz) returns text
    language sql immutable parallel safe as $$
    select case
        when status in ('cancelled', 'completed') then status
        when at >= coalesce(ends_at, event_date + interval '24 hours') then 'completed'
        when at >= event_date then 'ongoing'
        else 'upcoming'
    end
$$;
