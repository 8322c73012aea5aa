-- What is kept about a person is found by their e-mail and as the subject of a change, too. A key of a claim is used once,
-- whatever the booking.

create index organization_invites_email_idx on organization_invites (lower(email));
create index audit_log_subject_id_idx on audit_log (subject_id);
create unique index booking_history_claim_key on booking_history (id) where action = 'claimed';
-- events that are not over: few among all that ever were
create index events_open_idx on events (event_date, id) where status in ('upcoming', 'ongoing');
-- what a person holds at an event is asked before every booking; it must not depend on how much they, or others, have elsewhere
create index bookings_event_id_user_id_idx on bookings (event_id, user_id);
drop index bookings_event_id_idx;
