-- what happened is told in the older words
update booking_history set action = 'cancelled' where action = 'waitlist_ended';
update notifications set type = 'booking_cancelled' where type = 'waitlist_ended';
alter table booking_history drop constraint booking_history_action_check, add constraint booking_history_action_check
    check (action in ('created', 'promoted', 'cancelled', 'seats_cancelled', 'claimed'));
alter table notifications drop constraint notifications_type_check, add constraint notifications_type_check check (type in (
    'booking_confirmed', 'booking_waitlisted', 'waitlist_promoted', 'booking_cancelled',
    'event_updated', 'event_cancelled', 'org_invite', 'role_changed'));
