drop table audit_log, organization_invites, organization_users, organizations, users;
