-- How long an organization keeps who came to its events, and events of which that was removed.

alter table organizations
    add column retention_days integer constraint organizations_retention_days_range check (retention_days between 30 and 3650);

alter table events add column people_removed_at timestamptz;
create index events_people_kept_idx on events (org_id, event_date) where people_removed_at is null;

-- Takes the place of people whose bookings outlived their retention. Nobody can sign in as this row.
insert into users (id, keycloak_id, name, email, deleted_at)
    values ('00000000-0000-0000-0000-000000000000', 'deleted:nobody', 'Somebody', '', now());
