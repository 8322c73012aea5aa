-- what was not done yet is not done any more
drop table event_endings;
drop index events_raising;
alter table events drop column raising_to;
