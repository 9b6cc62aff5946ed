-- Organizations, their members, and what a login needs so that a person can choose one of them.
--
-- The database role that runs this file owns everything. The services own nothing: they connect as
-- org_selector (faces the internet, reads all organizations) and org_api (one organization at a
-- time; its privileges are in 0002). Row-level security is forced on every table, even for its
-- owner: where a policy is forgotten, a table shows nothing instead of everything.

do $$
declare
    service_role text;
begin
    -- Roles belong to the cluster, not to this database: they may exist already, and two databases
    -- may be migrated at the same moment.
    foreach service_role in array array['org_selector', 'org_api', 'org_gate'] loop
        continue when exists (select from pg_roles where rolname = service_role);
        begin
            execute format('create role %I', service_role);
            if service_role <> 'org_gate' then
                execute format('alter role %I login', service_role);
            end if;
        exception when duplicate_object or unique_violation then null;
        end;
    end loop;
end
$$;

-- The schema exists: it holds the ledger of migrations. Nothing outside it is changed, and every
-- statement names it, so that it works beside tables of yours with the same names.
revoke all on schema org from public;
grant usage on schema org to org_selector, org_api;

create table org.organization (
    id uuid primary key default gen_random_uuid(),
    -- Never reused: no service may delete an organization or change its slug.
    -- Never shaped like an id, so that a hint is clearly one or the other.
    slug text not null unique check (
        slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'
        and slug !~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
    ),
    -- One line of visible text: endpoint/names.py has the rule, and its reasons.
    name text not null check (
        char_length(name) between 1 and 200
        and name is nfc normalized
        -- No control characters, none without a width, none that turn the direction of text.
        and name !~ ('[\u0001-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f'
            '\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3'
            '\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]')
        -- Joiners stand between two characters that are neither blank nor joiners.
        and name !~ (
            '(^|[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000\u200c\u200d])[\u200c\u200d]'
            '|[\u200c\u200d]([ \u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000]|$)')
        -- One character that is no blank, joiner or combining mark; no five marks in a row. These
        -- are the marks of the most used scripts.
        and name ~ ('[^ \u00a0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000\u200c\u200d'
            '\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u1ab0-\u1aff'
            '\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef]')
        and name !~ ('[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f'
            '\u0e34-\u0e3a\u0e47-\u0e4e\u0eb4-\u0ebc\u0ec8-\u0ecd\u1ab0-\u1aff\u1dc0-\u1dff'
            '\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef]{5}')
    ),
    logo_url text,
    suspended_at timestamptz, -- null: usable
    created_at timestamptz not null default now()
);

create table org.app_user (
    id uuid primary key default gen_random_uuid(),
    auth0_user_id text not null unique check (char_length(auth0_user_id) between 1 and 255),
    email text,
    email_verified boolean not null default false, -- by a connection that is trusted to verify it
    name text,
    default_org_id uuid, -- skips the picker; always one of the user's memberships
    blocked_at timestamptz, -- null: may sign in
    created_at timestamptz not null default now()
);

create table org.membership (
    user_id uuid not null references org.app_user (id) on delete cascade,
    org_id uuid not null references org.organization (id) on delete cascade,
    role text not null check (role in ('owner', 'admin', 'member')),
    joined_at timestamptz not null default now(),
    last_selected_at timestamptz,
    -- Copies from organization; the triggers below keep them up to date. So one index has all that
    -- a page of the picker shows, also for a user with 20,000 organizations.
    org_slug text not null,
    org_name text not null,
    org_suspended boolean not null,
    name_key text collate "C" not null generated always as (lower(org_name)) stored,
    -- Includes all that is read of one membership. Otherwise the planner uses the wide index below
    -- for it, and reads all 20,000 organizations of such a user.
    primary key (user_id, org_id) include (org_name, org_slug, role, org_suspended)
);

create index membership_by_name on org.membership (user_id, name_key, org_id)
    include (org_name, org_slug, role, org_suspended);
create index membership_by_last_use on org.membership (user_id, last_selected_at desc)
    include (org_id, org_name, org_slug, role, org_suspended, name_key)
    where last_selected_at is not null;
create index membership_by_organization on org.membership (org_id, joined_at, user_id);
-- Make the planner expect a hundred members in each organization, more than the average. Otherwise
-- it finds one membership by the index above, which is narrower than the key, and reads all members
-- of an organization that really is large.
alter table org.membership alter column org_id set (n_distinct = -0.01);

alter table org.app_user add constraint default_is_a_membership
    foreign key (id, default_org_id) references org.membership (user_id, org_id)
    on delete set null (default_org_id);

create table org.invitation (
    id uuid primary key default gen_random_uuid(),
    org_id uuid not null references org.organization (id) on delete cascade,
    email text not null check (email = lower(email)),
    role text not null check (role in ('owner', 'admin', 'member')),
    expires_at timestamptz not null,
    accepted_at timestamptz, -- null: still open
    created_at timestamptz not null default now()
);

create index invitation_open_by_email on org.invitation (email, expires_at)
    where accepted_at is null;
create index invitation_by_organization on org.invitation (org_id);

create table org.selection (
    nonce text primary key, -- one for each login, so that a second choice in it fails
    user_id uuid not null references org.app_user (id) on delete cascade,
    org_id uuid not null references org.organization (id) on delete cascade,
    created_at timestamptz not null default now()
);

create index selection_by_age on org.selection (created_at);
create index selection_by_user on org.selection (user_id);
create index selection_by_organization on org.selection (org_id);

create function org.copy_organization() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    select o.slug, o.name, o.suspended_at is not null
    into strict new.org_slug, new.org_name, new.org_suspended
    from org.organization o where o.id = new.org_id
    -- A rename or suspension at this moment waits for this transaction, or this one waits for it.
    -- Not "for share": two transactions that both add a member and then change the organization
    -- would wait for each other.
    for no key update;
    return new;
end
$$;

-- Two statements, because org_api renames organizations and may update no other copy than the name.
create function org.copy_changed_organization() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    if new.name is distinct from old.name then
        update org.membership set org_name = new.name where org_id = new.id;
    end if;
    if (new.slug, new.suspended_at is null) is distinct from (old.slug, old.suspended_at is null)
    then
        update org.membership set org_slug = new.slug, org_suspended = new.suspended_at is not null
        where org_id = new.id;
    end if;
    return null;
end
$$;

revoke all on function org.copy_organization() from public;
revoke all on function org.copy_changed_organization() from public;

create trigger membership_copies_organization before insert on org.membership
    for each row execute function org.copy_organization();
create trigger organization_copies_itself
    after update of slug, name, suspended_at on org.organization
    for each row execute function org.copy_changed_organization();

alter table org.organization enable row level security;
alter table org.organization force row level security;
alter table org.app_user enable row level security;
alter table org.app_user force row level security;
alter table org.membership enable row level security;
alter table org.membership force row level security;
alter table org.invitation enable row level security;
alter table org.invitation force row level security;
alter table org.selection enable row level security;
alter table org.selection force row level security;

-- The owner is an administrator and may change everything. Forced row-level security also applies
-- to the owner, so policies must allow it.
create policy owner_manages on org.organization to current_user using (true) with check (true);
create policy owner_manages on org.app_user to current_user using (true) with check (true);
create policy owner_manages on org.membership to current_user using (true) with check (true);
create policy owner_manages on org.invitation to current_user using (true) with check (true);
create policy owner_manages on org.selection to current_user using (true) with check (true);

-- The selector serves one person across organizations, so its policies cannot limit it to one
-- organization. The grants below limit it to a few columns and verbs.
create policy selector_reads on org.organization for select to org_selector using (true);
create policy selector_reads on org.app_user for select to org_selector using (true);
create policy selector_adds on org.app_user for insert to org_selector with check (true);
create policy selector_updates on org.app_user for update to org_selector using (true);
create policy selector_reads on org.membership for select to org_selector using (true);
create policy selector_updates on org.membership for update to org_selector using (true);
create policy selector_reads on org.invitation for select to org_selector using (true);
create policy selector_reads on org.selection for select to org_selector using (true);
create policy selector_adds on org.selection for insert to org_selector with check (true);
create policy selector_locks on org.selection for update to org_selector using (true);
create policy selector_removes on org.selection for delete to org_selector using (true);

grant select on org.organization, org.membership, org.invitation, org.schema_migration
    to org_selector;
grant select, insert (auth0_user_id, email, email_verified, name) on org.app_user to org_selector;
grant update (email, email_verified, name, default_org_id) on org.app_user to org_selector;
grant update (last_selected_at) on org.membership to org_selector;
grant select, insert (nonce, user_id, org_id), delete on org.selection to org_selector;
-- For "for update skip locked" only: a login that deletes old rows must not wait for another one.
grant update (created_at) on org.selection to org_selector;
