grant update, delete, truncate on audit_log to current_user;
