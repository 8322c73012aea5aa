-- Append-only twice: who owns the log may not change it either (superusers ignore grants, so the trigger stays). A check of a
-- foreign key asks as the owner, too, so rows of people and organizations that the log may name are never deleted; they are
-- emptied and hidden instead.
revoke update, delete, truncate on audit_log from public, current_user;
