-- People, organizations, memberships, invites and the log of who changed what.

create table users (
    id uuid primary key,
    keycloak_id text not null constraint users_keycloak_id_key unique,
    name text not null,
    email text not null,
    email_verified boolean not null default false,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table organizations (
    id uuid primary key,
    name text not null constraint organizations_name_length check (char_length(name) between 1 and 200),
    created_at timestamptz not null default now()
);

create table organization_users (
    org_id uuid not null constraint organization_users_org_id_fkey references organizations (id),
    user_id uuid not null constraint organization_users_user_id_fkey references users (id),
    role text not null constraint organization_users_role_check check (role in ('orgAdmin', 'organizer', 'user')),
    joined_at timestamptz not null default now(),
    constraint organization_users_pkey primary key (org_id, user_id)
);
create index organization_users_user_id_idx on organization_users (user_id);

create table organization_invites (
    id uuid primary key,
    org_id uuid not null constraint organization_invites_org_id_fkey references organizations (id),
    email text not null,
    role text not null constraint organization_invites_role_check check (role in ('orgAdmin', 'organizer', 'user')),
    token_hash bytea not null constraint organization_invites_token_hash_key unique,
    invited_by uuid not null constraint organization_invites_invited_by_fkey references users (id),
    status text not null default 'pending'
        constraint organization_invites_status_check check (status in ('pending', 'used', 'revoked', 'replaced')),
    created_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create index organization_invites_org_id_idx on organization_invites (org_id, created_at desc);
create index organization_invites_invited_by_idx on organization_invites (invited_by);

create table audit_log (
    id uuid primary key,
    org_id uuid not null constraint audit_log_org_id_fkey references organizations (id),
    actor_id uuid constraint audit_log_actor_id_fkey references users (id),
    action text not null,
    subject_type text not null,
    subject_id uuid not null,
    details jsonb not null default '{}',
    created_at timestamptz not null default now()
);
create index audit_log_org_id_idx on audit_log (org_id, created_at desc);
create index audit_log_actor_id_idx on audit_log (actor_id);
