-- Bookings without a person go with the row that stood for them.
delete from booking_seats where user_id = '00000000-0000-0000-0000-000000000000';
delete from booking_history h using bookings b
    where b.id = h.booking_id and b.user_id = '00000000-0000-0000-0000-000000000000';
delete from bookings where user_id = '00000000-0000-0000-0000-000000000000';
delete from users where id = '00000000-0000-0000-0000-000000000000';
drop index notifications_event_id_idx;
drop index events_deleted_idx;
drop index events_people_kept_idx;
alter table events drop column people_removed_at, drop column deleted_at;
alter table organizations drop column retention_days;
