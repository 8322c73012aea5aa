-- How long an organization keeps who came to its events, and events of which that was removed.

alter table organizations
    add column retention_days integer constraint organizations_retention_days_range check (retention_days between 30 and 3650);

-- A deleted event is hidden at once and removed later, so that what its people are still to be told can be told.
alter table events add column people_removed_at timestamptz, add column deleted_at timestamptz;
create index events_deleted_idx on events (deleted_at) where deleted_at is not null;
create index notifications_event_id_idx on notifications (event_id);
create index events_people_kept_idx on events (org_id, event_date) where people_removed_at is null;

-- Takes the place of people whose bookings outlived their retention. Nobody can sign in as this row.
insert into users (id, keycloak_id, name, email, deleted_at)
    values ('00000000-0000-0000-0000-000000000000', 'deleted:nobody', 'Somebody', '', now());
