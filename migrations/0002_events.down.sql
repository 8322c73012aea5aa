drop function event_status;
drop table events;
