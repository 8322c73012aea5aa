alter table events
    alter column name type text collate "default",
    alter column description type text collate "default",
    alter column place type text collate "default";
alter table organization_invites alter column email type text collate "default";
alter table organizations alter column name type text collate "default";
alter table users
    alter column name type text collate "default",
    alter column email type text collate "default";
drop collation happening;
