drop table schema_takes;
