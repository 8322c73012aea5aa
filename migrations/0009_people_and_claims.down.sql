create index bookings_event_id_idx on bookings (event_id);
drop index bookings_event_id_user_id_idx;
drop index events_open_idx;
drop index booking_history_claim_key;
drop index audit_log_subject_id_idx;
drop index organization_invites_email_idx;
