drop table seat_log;
alter table events
    drop column seat_head,
    drop column waiting_bookings,
    drop column waiting_seats,
    add column gate_generation bigint not null default 1;
