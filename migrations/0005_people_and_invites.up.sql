-- What people choose for themselves, people and organizations that are gone, invites by token, and keys of creating calls.

alter table users
    add column locale text constraint users_locale_length check (char_length(locale) between 2 and 35),
    add column time_zone text,
    -- Types of notifications that are not mailed: {"booking_confirmed": false}. What is not named is mailed.
    add column channels jsonb not null default '{}',
    add column deleted_at timestamptz;

-- Tokens that were issued before their person was deleted open nothing. Rows are kept for longer than any token lives.
create table ended_identities (
    keycloak_id_hash bytea primary key,
    ended_at timestamptz not null
);

alter table organizations add column deleted_at timestamptz;

-- A token is made from the id and a nonce under the server's key, so no row holds a secret.
alter table organization_invites drop column token_hash, add column nonce bytea not null,
    -- Of tokens that a newer one replaced: they answer "gone", not "never heard of it".
    add column old_nonces bytea[] not null default '{}';
create unique index organization_invites_pending_key on organization_invites (org_id, lower(email)) where status = 'pending';

create table idempotency_keys (
    user_id uuid not null constraint idempotency_keys_user_id_fkey references users (id),
    key text not null,
    -- SHA-256 of the route and the body's JSON value.
    request_hash bytea not null,
    answer text,
    location text,
    created_at timestamptz not null default now(),
    constraint idempotency_keys_pkey primary key (user_id, key)
);
create index idempotency_keys_created_at_idx on idempotency_keys using brin (created_at);

-- The log is only ever added to. A trigger binds every role, also the owner of the table.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is only ever added to', tg_table_name using errcode = 'insufficient_privilege';
end
$$;
create trigger audit_log_is_append_only before update or delete or truncate on audit_log
    for each statement execute function refuse_change();

-- Search over an event's words.
create extension if not exists pg_trgm;
create function event_text(name text, description text, place text) returns text
    language sql immutable parallel safe as $$ select name || ' ' || description || ' ' || coalesce(place, '') $$;
create index events_text_idx on events using gin (event_text(name, description, place) gin_trgm_ops);
