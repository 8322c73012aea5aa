alter table outbox alter column payload type jsonb;
alter table booking_history drop column asked;
alter table booking_history alter column answer type jsonb;
