-- How a person becomes a member: by accepting an invitation, or by creating an organization.
--
-- No service may insert a membership or an organization. Two functions of the role org_maker do, and
-- each checks everything itself. The role org_worker, of the program that sends mail, reads what a
-- mail says and nothing else.

do $$
declare
    new_role text;
begin
    foreach new_role in array array['org_maker', 'org_worker'] loop
        continue when exists (select from pg_roles where rolname = new_role);
        begin
            execute format('create role %I', new_role);
            if new_role = 'org_worker' then
                execute format('alter role %I login', new_role);
            end if;
        exception when duplicate_object or unique_violation then null;
        end;
    end loop;
end
$$;

grant usage on schema org to org_maker, org_worker;

-- Every slug that an organization ever had. A link to a deleted organization must not lead to
-- another one.
create table org.used_slug (
    slug text primary key,
    used_at timestamptz not null default now()
);

insert into org.used_slug (slug) select slug from org.organization;

create function org.note_used_slug() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp as $$
begin
    insert into org.used_slug (slug) values (new.slug);
    return null;
exception when unique_violation then
    raise exception using
        errcode = 'unique_violation',
        message = format('the slug %L is or was that of another organization', new.slug),
        constraint = 'used_slug_pkey';
end
$$;

revoke all on function org.note_used_slug() from public;

create trigger organization_notes_its_slug after insert on org.organization
    for each row execute function org.note_used_slug();
create trigger organization_notes_a_new_slug after update of slug on org.organization
    for each row when (old.slug is distinct from new.slug)
    execute function org.note_used_slug();

alter table org.organization add column created_by uuid -- null: not by a person in a login
    references org.app_user (id) on delete set null;
create index organization_by_creator on org.organization (created_by)
    where created_by is not null;

-- invited_by is null for an invitation of the command org-selector. It ends with the account of its
-- inviter.
alter table org.invitation alter column org_id set default org.entered_organization();
alter table org.invitation add column invited_by uuid default org.entered_user()
    references org.app_user (id) on delete cascade;
alter table org.invitation add column sent_at timestamptz not null default now();
alter table org.invitation add column language text not null default '' -- of the mail
    check (char_length(language) <= 35);
create index invitation_by_inviter on org.invitation (invited_by) where invited_by is not null;
drop index org.invitation_by_organization;
-- Not only the open ones: is_open() says which are, and Postgres does not look into it.
drop index org.invitation_open_by_email;
create index invitation_by_email on org.invitation (email);
create unique index invitation_open on org.invitation (org_id, email) where accepted_at is null;
create index invitation_by_age on org.invitation (org_id, created_at, id);

-- What a login chose; org_id is the organization that came of it. So the same choice, asked again,
-- is known again.
alter table org.selection add column choice text not null default '';

-- Events without a person are those of the command org-selector.
alter table org.audit_event alter column actor_user_id drop not null;

create table org.mail_outbox (
    -- The mail is made from it when it is sent. A mail that still waits is not added a second time,
    -- and goes with its invitation.
    invitation_id uuid primary key references org.invitation (id) on delete cascade,
    created_at timestamptz not null default now(),
    tries integer not null default 0,
    next_try_at timestamptz not null default now()
);

create index mail_outbox_by_next_try on org.mail_outbox (next_try_at);

-- Whether the invitation can be accepted: not accepted, not expired, the organization is usable,
-- and the person who invited may still give this role (api/rows/roles.py has the rule).
create function org.is_open(one org.invitation) returns boolean
language sql stable return
    one.accepted_at is null and one.expires_at > now()
    and exists (
        select from org.organization o where o.id = one.org_id and o.suspended_at is null
    )
    and (one.invited_by is null or exists (
        select from org.membership m join org.app_user u on u.id = m.user_id
        where m.user_id = one.invited_by and m.org_id = one.org_id and u.blocked_at is null
        and (m.role = 'owner' or m.role = 'admin' and one.role <> 'owner')
    ));

-- The organization that this choice led to before: in the same login, of the same person, within a
-- minute, if the person may still act for it. An answer that was lost is asked for again.
create function org.find_repeated_choice(person uuid, login text, same_choice text)
returns uuid language sql stable return (
    select s.org_id from org.selection s
    join org.membership m on m.user_id = s.user_id and m.org_id = s.org_id
    where s.nonce = login and s.user_id = person and s.choice = same_choice
    and s.created_at > now() - interval '1 minute' and not m.org_suspended
);

-- Accept an invitation in a login. Returns the organization, or null: nothing has changed.
--
-- Checked: the person is not blocked and has the invited address, verified; the invitation is open;
-- it is for `bound_to` if that is given; the login has no other choice.
create function org.accept_invitation(
    auth0_user_id text, invitation_id uuid, nonce text, client_id text, bound_to uuid default null
) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    person record;
    invited record;
    repeated uuid;
    same_choice text := 'invitation ' || invitation_id;
begin
    select u.id, u.email, u.name into person from org.app_user u
    where u.auth0_user_id = accept_invitation.auth0_user_id
    and u.blocked_at is null and u.email_verified;
    if not found then
        return null;
    end if;
    -- The organization first, then the invitation: in this order the API locks them, too.
    perform from org.organization o where o.id = (
        select i.org_id from org.invitation i where i.id = accept_invitation.invitation_id
    ) for no key update;
    repeated := org.find_repeated_choice(person.id, nonce, same_choice);
    if repeated is not null then
        return repeated;
    end if;
    select i.id, i.org_id, i.role into invited from org.invitation i
    where i.id = accept_invitation.invitation_id and i.email = lower(person.email)
    and (bound_to is null or i.org_id = bound_to) and org.is_open(i)
    for no key update;
    if not found then
        return null;
    end if;
    begin
        insert into org.selection (nonce, user_id, org_id, choice)
        values (nonce, person.id, invited.org_id, same_choice);
    exception when unique_violation then
        return null; -- this login has another choice
    end;
    update org.invitation i set accepted_at = now() where i.id = invited.id;
    -- A member already, by another way: the role stays.
    insert into org.membership (user_id, org_id, role)
    values (person.id, invited.org_id, invited.role) on conflict do nothing;
    insert into org.audit_event (
        org_id, actor_user_id, actor_name, client_id, action, target_id, target_name, details
    ) values (
        invited.org_id, person.id, person.name, client_id, 'invitation.accepted', invited.id,
        person.email, jsonb_build_object('role', invited.role)
    );
    return invited.org_id;
end
$$;

-- Create an organization in a login; the person becomes its owner. Returns it, or null: nothing has
-- changed.
--
-- Checked: the person is not blocked; with an address that is not verified, it is the first
-- organization they create; the login has no other choice. The slug is `wanted_slug`, with a
-- number behind it if that one is or was another organization's.
create function org.create_organization(
    auth0_user_id text, name text, wanted_slug text, nonce text, client_id text
) returns uuid
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
    person record;
    created uuid := gen_random_uuid();
    repeated uuid;
    free_slug text;
    violated text;
    same_choice text := 'create ' || name;
begin
    -- The lock makes a second creation of the same person wait, and then count this one.
    select u.id, u.email_verified, u.name into person from org.app_user u
    where u.auth0_user_id = create_organization.auth0_user_id and u.blocked_at is null
    for no key update;
    if not found then
        return null;
    end if;
    repeated := org.find_repeated_choice(person.id, nonce, same_choice);
    if repeated is not null then
        return repeated;
    end if;
    if not person.email_verified and exists (
        select from org.organization o where o.created_by = person.id
    ) then
        return null;
    end if;
    for attempt in 1..20 loop
        free_slug := case
            when attempt = 1 then wanted_slug
            when attempt <= 10 then left(wanted_slug, 50) || '-' || attempt
            else left(wanted_slug, 50) || '-' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 8)
        end;
        continue when exists (select from org.used_slug u where u.slug = free_slug);
        begin
            insert into org.organization (id, slug, name, created_by)
            values (created, free_slug, create_organization.name, person.id);
            insert into org.selection (nonce, user_id, org_id, choice)
            values (nonce, person.id, created, same_choice);
            exit;
        exception -- both are undone
            when unique_violation then
                get stacked diagnostics violated = constraint_name;
                if violated = 'selection_pkey' then
                    return null; -- this login has another choice
                end if; -- else the slug was taken meanwhile
            when check_violation then
                if attempt > 1 then
                    raise; -- the name is not allowed
                end if; -- else perhaps the slug is shaped like an id
        end;
        if attempt = 20 then
            raise exception 'no free slug was found for %', wanted_slug;
        end if;
    end loop;
    insert into org.membership (user_id, org_id, role) values (person.id, created, 'owner');
    insert into org.audit_event (
        org_id, actor_user_id, actor_name, client_id, action, target_id, target_name
    ) values (
        created, person.id, person.name, client_id, 'organization.created', created,
        create_organization.name
    );
    return created;
end
$$;

revoke all on function org.is_open(org.invitation) from public;
revoke all on function org.find_repeated_choice(uuid, text, text) from public;
revoke all on function org.accept_invitation(text, uuid, text, text, uuid) from public;
revoke all on function org.create_organization(text, text, text, text, text) from public;
grant execute on function org.is_open(org.invitation)
    to org_maker, org_selector, org_api, org_worker;
grant execute on function org.find_repeated_choice(uuid, text, text) to org_maker;
grant execute on function org.accept_invitation(text, uuid, text, text, uuid) to org_selector;
grant execute on function org.create_organization(text, text, text, text, text) to org_selector;

-- The two functions belong to org_maker, which cannot log in, so that nothing else may do this.
grant create on schema org to org_maker;
do $$
begin
    begin
        execute format('grant org_maker to %I', current_user);
    exception
        when insufficient_privilege then null; -- perhaps it was granted before
        when unique_violation or internal_error then null; -- another database grants it now
    end;
    alter function org.accept_invitation(text, uuid, text, text, uuid) owner to org_maker;
    alter function org.create_organization(text, text, text, text, text) owner to org_maker;
exception when insufficient_privilege then
    raise exception using
        errcode = 'insufficient_privilege',
        message = format('%s may not give functions to org_maker', current_user),
        hint = format('As the role that made org_maker: grant org_maker to %I', current_user);
end
$$;
revoke create on schema org from org_maker;

alter table org.used_slug enable row level security;
alter table org.used_slug force row level security;
alter table org.mail_outbox enable row level security;
alter table org.mail_outbox force row level security;
create policy owner_manages on org.used_slug to current_user using (true) with check (true);
create policy owner_manages on org.mail_outbox to current_user using (true) with check (true);

-- org_maker: what the two functions read and write. Postgres wants the right to update one column
-- for a row lock.
create policy maker_reads on org.organization for select to org_maker using (true);
create policy maker_adds on org.organization for insert to org_maker with check (true);
create policy maker_locks on org.organization for update to org_maker using (true);
create policy maker_reads on org.app_user for select to org_maker using (true);
create policy maker_locks on org.app_user for update to org_maker using (true);
create policy maker_reads on org.membership for select to org_maker using (true);
create policy maker_adds on org.membership for insert to org_maker with check (true);
create policy maker_reads on org.invitation for select to org_maker using (true);
create policy maker_accepts on org.invitation for update to org_maker using (true);
create policy maker_reads on org.selection for select to org_maker using (true);
create policy maker_adds on org.selection for insert to org_maker with check (true);
create policy maker_adds on org.audit_event for insert to org_maker with check (true);
create policy maker_reads on org.used_slug for select to org_maker using (true);
create policy maker_adds on org.used_slug for insert to org_maker with check (true);
grant select (id, slug, name, suspended_at, created_by), insert (id, slug, name, created_by),
    update (created_at) on org.organization to org_maker;
grant select (id, auth0_user_id, email, email_verified, name, blocked_at), update (created_at)
    on org.app_user to org_maker;
grant select (user_id, org_id, role, org_suspended), insert (user_id, org_id, role)
    on org.membership to org_maker;
grant select, update (accepted_at) on org.invitation to org_maker;
grant select, insert (nonce, user_id, org_id, choice) on org.selection to org_maker;
grant insert (org_id, actor_user_id, actor_name, client_id, action, target_id, target_name, details)
    on org.audit_event to org_maker;
grant select (slug), insert (slug) on org.used_slug to org_maker;

-- org_selector notes logins in the audit trail, and no other events.
create policy selector_notes_logins on org.audit_event for insert to org_selector
    with check (action = 'member.logged_in');
grant insert (org_id, actor_user_id, actor_name, client_id, action, target_id, target_name, details)
    on org.audit_event to org_selector;

-- org_api invites, for the organization that the request has entered. An invitation that is sent
-- again is from the person who does that.
create policy entered on org.invitation to org_api
    using (org_id = (select org.entered_organization()))
    with check (
        org_id = (select org.entered_organization()) and invited_by = (select org.entered_user())
    );
create policy entered on org.mail_outbox to org_api
    using (exists (
        select from org.invitation i where i.id = invitation_id
        and i.org_id = (select org.entered_organization())
    ));
grant select, insert (email, role, language, expires_at), update (expires_at, sent_at, invited_by), delete
    on org.invitation to org_api;
grant select (invitation_id), insert (invitation_id) on org.mail_outbox to org_api;

-- org_worker sends the mail of the outbox.
create policy worker_sends on org.mail_outbox to org_worker using (true);
create policy worker_reads on org.invitation for select to org_worker using (true);
create policy worker_reads on org.organization for select to org_worker using (true);
create policy worker_reads on org.app_user for select to org_worker using (true);
create policy worker_reads on org.membership for select to org_worker using (true);
grant select, update (tries, next_try_at), delete on org.mail_outbox to org_worker;
grant select on org.invitation to org_worker;
grant select (id, name, suspended_at) on org.organization to org_worker;
grant select (id, name, blocked_at) on org.app_user to org_worker;
grant select (user_id, org_id, role) on org.membership to org_worker;
grant select on org.schema_migration to org_worker;
create policy worker_reads on org.schema_migration for select to org_worker using (true);
