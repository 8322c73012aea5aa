-- Append-only twice: who owns the log may not change it either (superusers ignore grants, so the trigger stays).
revoke update, delete, truncate on audit_log from public, current_user;
