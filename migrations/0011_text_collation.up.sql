-- What people write is compared, searched and sorted by Unicode's rules (ICU's root locale), whatever locale the database was
-- made with: under "C" a search without regard to case knows ASCII letters only. Indexes on these columns are built again.
create collation happening (provider = icu, locale = 'und');
alter table users
    alter column name type text collate happening,
    alter column email type text collate happening;
alter table organizations alter column name type text collate happening;
alter table organization_invites alter column email type text collate happening;
alter table events
    alter column name type text collate happening,
    alter column description type text collate happening,
    alter column place type text collate happening;
