drop index events_text_idx;
drop function event_text;
drop extension pg_trgm;

drop trigger audit_log_is_append_only on audit_log;
drop function refuse_change;
drop table idempotency_keys;
drop index organization_invites_pending_key;
delete from organization_invites;
alter table organization_invites drop column nonce, drop column old_nonces,
    add column token_hash bytea not null constraint organization_invites_token_hash_key unique;
alter table organizations drop column deleted_at;
drop table ended_identities;
alter table users drop column locale, drop column time_zone, drop column channels, drop column deleted_at;
