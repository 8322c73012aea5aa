-- What is kept about a person is found by their e-mail and as the subject of a change, too.

create index organization_invites_email_idx on organization_invites (lower(email));
create index audit_log_subject_id_idx on audit_log (subject_id);
