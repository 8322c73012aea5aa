drop index users_deleted_at_idx;
