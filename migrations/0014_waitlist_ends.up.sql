-- When an event starts, its waitlist ends, and those who still wait are told.
alter table booking_history drop constraint booking_history_action_check, add constraint booking_history_action_check
    check (action in ('created', 'promoted', 'cancelled', 'seats_cancelled', 'claimed', 'waitlist_ended'));
alter table notifications drop constraint notifications_type_check, add constraint notifications_type_check check (type in (
    'booking_confirmed', 'booking_waitlisted', 'waitlist_promoted', 'booking_cancelled', 'waitlist_ended',
    'event_updated', 'event_cancelled', 'org_invite', 'role_changed'));
