-- Messages: written with the change that owes them, relayed to the broker, delivered once per channel, shown in the feed.

create table outbox (
    id uuid constraint outbox_pkey primary key,
    payload jsonb not null,
    created_at timestamptz not null,
    published_at timestamptz
) with (fillfactor = 80);
create index outbox_unpublished_idx on outbox (id) where published_at is null;
create index outbox_created_at_idx on outbox using brin (created_at);

create table deliveries (
    message_id uuid not null,
    channel text not null constraint deliveries_channel_check check (channel in ('feed', 'mail')),
    delivered_at timestamptz not null default now(),
    constraint deliveries_pkey primary key (message_id, channel)
);
create index deliveries_delivered_at_idx on deliveries using brin (delivered_at);

create table notifications (
    id uuid primary key,
    user_id uuid not null constraint notifications_user_id_fkey references users (id),
    type text not null constraint notifications_type_check check (type in (
        'booking_confirmed', 'booking_waitlisted', 'waitlist_promoted', 'booking_cancelled',
        'event_updated', 'event_cancelled', 'org_invite', 'role_changed')),
    event_id uuid,
    booking_id uuid,
    seats integer,
    seat_numbers integer[] not null default '{}',
    message text not null,
    status text not null default 'delivered' constraint notifications_status_check check (status in ('delivered', 'failed')),
    created_at timestamptz not null,
    read_at timestamptz
);
create index notifications_user_id_created_at_idx on notifications (user_id, created_at desc, id desc);
create index notifications_unread_idx on notifications (user_id) where read_at is null;
