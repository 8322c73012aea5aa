drop function person_of_token(uuid, text, bytea, bigint, text, text, boolean);
drop function session_has_ended(bytea, bigint);
