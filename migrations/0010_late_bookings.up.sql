-- People who were deleted lately are looked for often: few among all.
create index users_deleted_at_idx on users (deleted_at) where deleted_at is not null;
