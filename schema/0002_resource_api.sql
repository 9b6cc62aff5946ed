-- The resource API: every request enters one organization.
--
-- A transaction of org_api sees no rows until it calls enter_organization(), and from then on those
-- of that organization. This protects against a forgotten "where" and against ids of other
-- organizations. It does not protect against an attacker who runs SQL of their own as org_api: such
-- SQL can set app.org_id as well.

-- The ledger of migrations: forced row-level security as on every table; the services may read it.
alter table org.schema_migration enable row level security;
alter table org.schema_migration force row level security;
create policy owner_manages on org.schema_migration to current_user using (true) with check (true);
create policy services_read on org.schema_migration for select to org_selector, org_api
    using (true);
grant select on org.schema_migration to org_api;

-- The organization that this transaction has entered, and the user; null before it enters. Without
-- a SET clause, since Postgres only inlines functions that have none.
create function org.entered_organization() returns uuid language sql stable
return nullif(current_setting('app.org_id', true), '')::uuid;

create function org.entered_user() returns uuid language sql stable
return nullif(current_setting('app.user_id', true), '')::uuid;

revoke all on function org.entered_organization() from public;
revoke all on function org.entered_user() from public;
grant execute on function org.entered_organization() to org_api;
grant execute on function org.entered_user() to org_api;

create table org.project ( -- an example of an API's own table; see docs/your-own-table.md
    org_id uuid not null default org.entered_organization()
        references org.organization (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    name text not null check (char_length(name) between 1 and 200),
    description text not null default '' check (char_length(description) <= 2000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (org_id, id)
);

create index project_by_age on org.project (org_id, created_at, id);

create table org.audit_event (
    -- No foreign key: the trail stays when the organization is deleted, and shows who did that.
    org_id uuid not null default org.entered_organization(),
    -- Not a number: a sequence would show each organization how active the others are.
    id uuid not null default gen_random_uuid(),
    at timestamptz not null default now(),
    -- No foreign key, and a copy of the name: the event stays when the person is deleted.
    actor_user_id uuid not null default org.entered_user(),
    actor_name text,
    client_id text not null, -- the application that the token names
    action text not null check (action ~ '^[a-z]+\.[a-z_]+$'),
    target_id uuid not null,
    target_name text,
    details jsonb not null default '{}', -- what changed: {"role": [old, new]}
    primary key (org_id, id)
);

create index audit_event_by_age on org.audit_event (org_id, at, id);

create table org.idempotency_key (
    org_id uuid not null default org.entered_organization()
        references org.organization (id) on delete cascade,
    user_id uuid not null default org.entered_user()
        references org.app_user (id) on delete cascade,
    key text not null check (char_length(key) between 1 and 255),
    request_sha256 text not null, -- the same key with another request is refused
    answer text, -- null only inside the transaction that handles the request
    created_at timestamptz not null default now(),
    primary key (org_id, user_id, key)
);

create index idempotency_key_by_age on org.idempotency_key (org_id, user_id, created_at);
create index idempotency_key_by_user on org.idempotency_key (user_id);

create function org.enter_organization(
    auth0_user_id text, org_id uuid, required_role text default 'member'
) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    person uuid;
    person_role text;
    suspended boolean;
    ignored text;
begin
    select u.id, m.role, m.org_suspended into person, person_role, suspended
    from org.app_user u join org.membership m on m.user_id = u.id
    where u.auth0_user_id = enter_organization.auth0_user_id and u.blocked_at is null
    and m.org_id = enter_organization.org_id;
    -- An exception also rolls back an earlier entry, so there is nothing to reset.
    if not found then
        raise exception using errcode = 'ORG01', message = 'not a member of this organization';
    elsif suspended then
        raise exception using errcode = 'ORG02', message = 'the organization is suspended';
    elsif (case required_role
        when 'member' then person_role in ('member', 'admin', 'owner')
        when 'admin' then person_role in ('admin', 'owner')
        when 'owner' then person_role = 'owner'
    end) is not true then -- null if one of the two roles is unknown
        raise exception using errcode = 'ORG03', message = 'the role does not cover this';
    end if;
    ignored := set_config('app.user_id', person::text, true);
    ignored := set_config('app.org_id', enter_organization.org_id::text, true);
    return person_role;
end
$$;

-- The id of the organization with this slug, which never changes; no membership is checked.
create function org.find_organization_id(slug text) returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select o.id from org.organization o where o.slug = find_organization_id.slug
$$;

revoke all on function org.enter_organization(text, uuid, text) from public;
revoke all on function org.find_organization_id(text) from public;
grant execute on function org.enter_organization(text, uuid, text) to org_api;
grant execute on function org.find_organization_id(text) to org_api;

-- Both functions read all organizations for a role that may not. They belong to org_gate, which
-- may read nothing else and cannot log in; the owner of the tables could do everything.
grant usage, create on schema org to org_gate;
do $$
begin
    begin
        execute format('grant org_gate to %I', current_user);
    exception
        when insufficient_privilege then null; -- perhaps it was granted before
        when unique_violation or internal_error then null; -- another database grants it now
    end;
    alter function org.enter_organization(text, uuid, text) owner to org_gate;
    alter function org.find_organization_id(text) owner to org_gate;
exception when insufficient_privilege then
    raise exception using
        errcode = 'insufficient_privilege',
        message = format('%s may not give functions to org_gate', current_user),
        hint = format('As the role that made org_gate: grant org_gate to %I', current_user);
end
$$;
revoke create on schema org from org_gate;

grant select (id, auth0_user_id, blocked_at) on org.app_user to org_gate;
grant select (user_id, org_id, role, org_suspended) on org.membership to org_gate;
grant select (id, slug) on org.organization to org_gate;
create policy gate_reads on org.app_user for select to org_gate using (true);
create policy gate_reads on org.membership for select to org_gate using (true);
create policy gate_reads on org.organization for select to org_gate using (true);

alter table org.project enable row level security;
alter table org.project force row level security;
alter table org.audit_event enable row level security;
alter table org.audit_event force row level security;
alter table org.idempotency_key enable row level security;
alter table org.idempotency_key force row level security;

create policy owner_manages on org.project to current_user using (true) with check (true);
create policy owner_manages on org.audit_event to current_user using (true) with check (true);
create policy owner_manages on org.idempotency_key to current_user using (true) with check (true);

-- Fail closed: before the entry entered_organization() is null, and no comparison with it is true.
-- Why "(select …)": Postgres plans a query before it enters. Without the sub-select, the planner
-- would see the value, still null, expect no rows and take any index that begins with org_id; with
-- it, the planner expects an average organization. "offset 0" keeps it from reading all members of
-- an organization to find one user.
create policy entered_reads on org.organization for select to org_api
    using (id = (select org.entered_organization()));
create policy entered_updates on org.organization for update to org_api
    using (id = (select org.entered_organization()));
create policy entered_reads on org.membership for select to org_api
    using (org_id = (select org.entered_organization()));
create policy entered_updates on org.membership for update to org_api
    using (org_id = (select org.entered_organization()));
create policy entered_removes on org.membership for delete to org_api
    using (org_id = (select org.entered_organization()));
create policy entered_reads on org.app_user for select to org_api
    using (exists (
        select from org.membership m where m.user_id = app_user.id
        and m.org_id = (select org.entered_organization())
        offset 0
    ));
create policy entered on org.project to org_api
    using (org_id = (select org.entered_organization()));
create policy entered_reads on org.audit_event for select to org_api
    using (org_id = (select org.entered_organization()));
create policy entered_adds on org.audit_event for insert to org_api
    with check (
        org_id = (select org.entered_organization()) and actor_user_id = (select org.entered_user())
    );
create policy entered on org.idempotency_key to org_api
    using (org_id = (select org.entered_organization()) and user_id = (select org.entered_user()));

-- Without an owner who can log in, no member of an organization can appoint another one.
create function org.warn_of_last_owner() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
    without_owner text;
begin
    select string_agg(m.org_slug, ', ' order by m.org_slug) into without_owner
    from org.membership m
    where m.user_id = new.id and m.role = 'owner' and not exists (
        select from org.membership o join org.app_user u on u.id = o.user_id
        where o.org_id = m.org_id and o.role = 'owner' and u.blocked_at is null
    );
    if without_owner is not null then
        raise warning 'no owner is left who can log in: %', without_owner
            using hint = 'Make another member an owner, or end the block.';
    end if;
    return null;
end
$$;

revoke all on function org.warn_of_last_owner() from public;

create trigger block_warns_of_last_owner after update of blocked_at on org.app_user
    for each row when (old.blocked_at is null and new.blocked_at is not null)
    execute function org.warn_of_last_owner();

-- All that org_api may do. It cannot change a slug or a suspension, and cannot see Auth0 ids,
-- invitations and selections.
grant select on org.organization to org_api;
grant update (name) on org.organization to org_api;
grant select on org.membership to org_api;
grant update (role, org_name) on org.membership to org_api;
grant delete on org.membership to org_api;
grant select (id, name, email, blocked_at) on org.app_user to org_api;
grant select, insert, delete on org.project to org_api;
grant update (name, description, updated_at) on org.project to org_api;
grant select on org.audit_event to org_api;
grant insert (actor_name, client_id, action, target_id, target_name, details)
    on org.audit_event to org_api;
grant select, insert (key, request_sha256), update (answer), delete on org.idempotency_key to org_api;
