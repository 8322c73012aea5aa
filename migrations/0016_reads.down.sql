drop index booking_history_moves_idx, booking_history_event_idx, bookings_cancelled_idx;
alter table events drop column people;
