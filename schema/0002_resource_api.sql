-- The resource API: one organization at a time, entered by every request.
--
-- org_api sees the rows of the organization that enter_organization() let it into, for the
-- rest of one transaction, and none where it was not called. That protects against a forgotten
-- "where" and against ids of others. It does not protect against an attacker who runs SQL of
-- their own as org_api: such SQL can set app.org_id as well.

-- The ledger of migrations like every other table: forced, readable by the services.
alter table schema_migration enable row level security;
alter table schema_migration force row level security;
create policy owner_manages on schema_migration to current_user using (true) with check (true);
create policy services_read on schema_migration for select to org_selector, org_api using (true);
grant select on schema_migration to org_api;

-- Which organization this transaction entered, and as whom; null where it entered none. Without
-- a SET clause, so that Postgres puts the expression itself where a query or policy calls them.
create function entered_organization() returns uuid language sql stable
return nullif(current_setting('app.org_id', true), '')::uuid;

create function entered_user() returns uuid language sql stable
return nullif(current_setting('app.user_id', true), '')::uuid;

revoke all on function entered_organization() from public;
revoke all on function entered_user() from public;
grant execute on function entered_organization() to org_api;
grant execute on function entered_user() to org_api;

create table project ( -- the example of a tenant's own table; see docs/your-own-table.md
    org_id uuid not null default entered_organization()
        references organization (id) on delete cascade,
    id uuid not null default gen_random_uuid(),
    name text not null check (char_length(name) between 1 and 200),
    description text not null default '' check (char_length(description) <= 2000),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (org_id, id)
);

create index project_by_age on project (org_id, created_at, id);

create table audit_event (
    org_id uuid not null default entered_organization()
        references organization (id) on delete cascade,
    -- Not a number: one sequence would tell every organization how busy the others are.
    id uuid not null default gen_random_uuid(),
    at timestamptz not null default now(),
    -- No foreign key, and the name as it was: an event outlives the people in it.
    actor_user_id uuid not null default entered_user(),
    actor_name text,
    client_id text not null, -- the application, as the token named it
    action text not null check (action ~ '^[a-z]+\.[a-z_]+$'),
    target_id uuid not null,
    target_name text,
    details jsonb not null default '{}', -- what changed: {"role": [old, new]}
    primary key (org_id, id)
);

create index audit_event_by_age on audit_event (org_id, at, id);

create table idempotency_key (
    org_id uuid not null default entered_organization()
        references organization (id) on delete cascade,
    user_id uuid not null default entered_user()
        references app_user (id) on delete cascade,
    key text not null check (char_length(key) between 1 and 255),
    request_sha256 text not null, -- the same key for another request is a mistake
    answer text, -- null only inside the transaction that works on it
    created_at timestamptz not null default now(),
    primary key (org_id, user_id, key)
);

create index idempotency_key_by_age on idempotency_key (org_id, user_id, created_at);
create index idempotency_key_by_user on idempotency_key (user_id);

create function enter_organization(
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
    from public.app_user u join public.membership m on m.user_id = u.id
    where u.auth0_user_id = enter_organization.auth0_user_id and u.blocked_at is null
    and m.org_id = enter_organization.org_id;
    -- An exception rolls back an earlier entry as well, so there is nothing to clear.
    if not found then
        raise exception using errcode = 'ORG01', message = 'not a member of this organization';
    elsif suspended then
        raise exception using errcode = 'ORG02', message = 'the organization is suspended';
    elsif (case required_role
        when 'member' then person_role in ('member', 'admin', 'owner')
        when 'admin' then person_role in ('admin', 'owner')
        when 'owner' then person_role = 'owner'
    end) is not true then -- null where one of the two is no role of ours
        raise exception using errcode = 'ORG03', message = 'the role does not cover this';
    end if;
    ignored := set_config('app.user_id', person::text, true);
    ignored := set_config('app.org_id', enter_organization.org_id::text, true);
    return person_role;
end
$$;

-- Which id a slug stands for; it says nothing about who belongs there. Slugs never change.
create function find_organization_id(slug text) returns uuid
language sql stable security definer set search_path = pg_catalog, pg_temp as $$
    select o.id from public.organization o where o.slug = find_organization_id.slug
$$;

revoke all on function enter_organization(text, uuid, text) from public;
revoke all on function find_organization_id(text) from public;
grant execute on function enter_organization(text, uuid, text) to org_api;
grant execute on function find_organization_id(text) to org_api;

-- Both look at every organization on behalf of a role that may not. They belong to org_gate,
-- which may look at nothing else and cannot log in; never to the owner of the tables.
grant usage, create on schema public to org_gate;
do $$
begin
    begin
        execute format('grant org_gate to %I', current_user);
    exception
        when insufficient_privilege then null; -- it may have been granted already
        when unique_violation or internal_error then null; -- another database, at this moment
    end;
    alter function enter_organization(text, uuid, text) owner to org_gate;
    alter function find_organization_id(text) owner to org_gate;
exception when insufficient_privilege then
    raise exception using
        errcode = 'insufficient_privilege',
        message = format('%s may not give functions to org_gate', current_user),
        hint = format('As the role that made org_gate: grant org_gate to %I', current_user);
end
$$;
revoke create on schema public from org_gate;

grant select (id, auth0_user_id, blocked_at) on app_user to org_gate;
grant select (user_id, org_id, role, org_suspended) on membership to org_gate;
grant select (id, slug) on organization to org_gate;
create policy gate_reads on app_user for select to org_gate using (true);
create policy gate_reads on membership for select to org_gate using (true);
create policy gate_reads on organization for select to org_gate using (true);

alter table project enable row level security;
alter table project force row level security;
alter table audit_event enable row level security;
alter table audit_event force row level security;
alter table idempotency_key enable row level security;
alter table idempotency_key force row level security;

create policy owner_manages on project to current_user using (true) with check (true);
create policy owner_manages on audit_event to current_user using (true) with check (true);
create policy owner_manages on idempotency_key to current_user using (true) with check (true);

-- Fail closed: where no organization was entered, entered_organization() is null, so the
-- comparison is never true.
-- "(select …)": a query is planned before it enters. Without it the planner would look at the
-- value, still null, expect no rows, and take any index that begins with org_id; a sub-select
-- keeps it to what an average organization has. "offset 0" for a similar reason: the planner must
-- not read all members of an organization to know about one.
create policy entered_reads on organization for select to org_api
    using (id = (select entered_organization()));
create policy entered_updates on organization for update to org_api
    using (id = (select entered_organization()));
create policy entered_reads on membership for select to org_api
    using (org_id = (select entered_organization()));
create policy entered_updates on membership for update to org_api
    using (org_id = (select entered_organization()));
create policy entered_removes on membership for delete to org_api
    using (org_id = (select entered_organization()));
create policy entered_reads on app_user for select to org_api
    using (exists (
        select from membership m where m.user_id = app_user.id
        and m.org_id = (select entered_organization())
        offset 0
    ));
create policy entered on project to org_api
    using (org_id = (select entered_organization()));
create policy entered_reads on audit_event for select to org_api
    using (org_id = (select entered_organization()));
create policy entered_adds on audit_event for insert to org_api
    with check (
        org_id = (select entered_organization()) and actor_user_id = (select entered_user())
    );
create policy entered on idempotency_key to org_api
    using (org_id = (select entered_organization()) and user_id = (select entered_user()));

-- What it may not touch at all: slug, suspension, Auth0 ids, blocking, invitations, selections.
grant select on organization to org_api;
grant update (name) on organization to org_api;
grant select on membership to org_api;
grant update (role, org_name) on membership to org_api;
grant delete on membership to org_api;
grant select (id, name, email) on app_user to org_api;
grant select, insert, delete on project to org_api;
grant update (name, description, updated_at) on project to org_api;
grant select on audit_event to org_api;
grant insert (actor_name, client_id, action, target_id, target_name, details)
    on audit_event to org_api;
grant select, insert (key, request_sha256), update (answer), delete on idempotency_key to org_api;
