-- The newest migration that a program must know to work on this schema; programs that know less refuse to start.
create table schema_takes (oldest_program bigint not null);
-- older ones do not count people, and sell seats that are kept for the waitlist while a capacity is raised
insert into schema_takes values (16);
