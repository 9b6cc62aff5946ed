"""
A database with a million memberships: filled once by SQL, then copied for each benchmark.

It has 195,000 users with 5 organizations each, and three with 10, 1,000 and 20,000, whom the
benchmarks use. Triggers are off while it is filled, which is faster. So the statements below also
fill the columns that triggers copy into `membership`.
"""

from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import sql

from local_stack.postgres import Postgres
from local_stack.stack import prepare_database
from schema.role_settings import set_role_settings

TEMPLATE = "a_million_memberships"
SIZES = (10, 1_000, 20_000)

# 50,000 organizations. Their names begin with a hash, so that names and numbers sort differently.
_FILL = """
set session_replication_role = replica;
insert into org.organization (id, slug, name)
select md5('organization ' || n)::uuid, 'org-' || n,
    initcap(substr(md5('name ' || n), 1, 8)) || ' Company ' || n
from generate_series(1, 50000) n;
insert into org.app_user (id, auth0_user_id, email, email_verified, name)
select md5('user ' || n)::uuid, 'auth0|' || substr(md5('user ' || n), 1, 24),
    'user' || n || '@example.com', true, 'User ' || n
from generate_series(1, 195000) n;
insert into org.membership
    (user_id, org_id, role, last_selected_at, org_slug, org_name, org_suspended)
select md5('user ' || u)::uuid, o.id, 'member',
    case when k < 2 then now() - k * interval '1 day' end, o.slug, o.name, false
from generate_series(1, 195000) u
cross join generate_series(0, 4) k
join org.organization o
    on o.slug = 'org-' || 1 + (u::bigint * 7919 + k * 10007) % 50000;
insert into org.invitation (org_id, email, role, expires_at)
select md5('organization ' || n)::uuid, 'invited' || n || '@example.com', 'member',
    now() + interval '7 days'
from generate_series(1, 20000) n;
insert into org.selection (nonce, user_id, org_id)
select md5('nonce ' || n), md5('user ' || n)::uuid, md5('organization ' || n)::uuid
from generate_series(1, 20000) n;
"""
_ADD_PERSON = """
with person as (
    insert into org.app_user (id, auth0_user_id, email, email_verified, name, default_org_id)
    values (md5(%(id)s)::uuid, %(id)s, %(email)s, true, 'Max Many',
        case when %(size)s > 1 then md5('organization 2')::uuid end)
    returning id
)
insert into org.membership
    (user_id, org_id, role, last_selected_at, org_slug, org_name, org_suspended)
select person.id, md5('organization ' || n)::uuid, 'admin',
    case when n <= 5 then now() - n * interval '1 day' end,
    'org-' || n, initcap(substr(md5('name ' || n), 1, 8)) || ' Company ' || n, false
from person, generate_series(1, %(size)s) n
"""


@dataclass(frozen=True)
class BenchmarkUser:
    """A user who is a member of the organizations number 1 to `size`."""

    size: int

    @property
    def auth0_user_id(self) -> str:
        """The `sub` of their tokens."""
        return f"auth0|with-{self.size}"

    @property
    def email(self) -> str:
        """The address in the database; with another, a decision would need a second statement."""
        return f"with-{self.size}@example.com"


PEOPLE = tuple(BenchmarkUser(size) for size in SIZES)
NAME = "Max Many"


def fill(postgres: Postgres, name: str = TEMPLATE) -> None:
    """Create the database *name*: migrated, seeded and with a million memberships."""
    prepare_database(postgres, name)
    with psycopg.connect(postgres.url(name, "postgres"), autocommit=True) as conn:
        conn.execute(_FILL.encode())
        for person in PEOPLE:
            add_person(conn, person)
        # So that index-only scans read no table pages, as in a database with autovacuum.
        conn.execute("vacuum (analyze)")


def add_person(conn: psycopg.Connection, person: BenchmarkUser) -> None:
    """Add the user and their memberships; triggers must be off in this session."""
    conn.execute(
        _ADD_PERSON, {"id": person.auth0_user_id, "email": person.email, "size": person.size}
    )


def copy(postgres: Postgres, name: str, template: str = TEMPLATE) -> None:
    """Create the database *name* as a copy of *template*, in place of an existing one."""
    postgres.drop_database(name)
    postgres.create_database(name, template)
    with psycopg.connect(postgres.url("postgres", "postgres"), autocommit=True) as conn:
        owner = sql.SQL("alter database {} owner to org_owner")
        conn.execute(owner.format(sql.Identifier(name)))
    with psycopg.connect(postgres.url(name, "postgres"), autocommit=True) as conn:
        set_role_settings(conn)  # they belong to a database and are not copied


@dataclass(frozen=True)
class NumberedOrganization:
    """One of the 50,000 organizations, as the database has it."""

    id: UUID
    slug: str
    name: str
    name_key: str


def load_organization(conn: psycopg.Connection, number: int) -> NumberedOrganization:
    """Read organization *number* from the database."""
    row = conn.execute(
        "select id, slug, name, lower(name) from org.organization where slug = %s",
        (f"org-{number}",),
    ).fetchone()
    assert row is not None
    return NumberedOrganization(*row)


def load_middle(conn: psycopg.Connection, person: BenchmarkUser) -> tuple[str, UUID]:
    """Return (name_key, id) of the organization in the middle of the person's list by name."""
    row = conn.execute(
        """
        select name_key, org_id from org.membership
        where user_id = (select id from org.app_user where auth0_user_id = %s)
        order by name_key, org_id offset %s limit 1
        """,
        (person.auth0_user_id, person.size // 2),
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def list_organizations(conn: psycopg.Connection, person: BenchmarkUser, limit: int) -> list[UUID]:
    """Return at most *limit* of the person's organizations, ordered by id, so of any name."""
    rows = conn.execute(
        """
        select org_id from org.membership
        where user_id = (select id from org.app_user where auth0_user_id = %s)
        order by org_id limit %s
        """,
        (person.auth0_user_id, limit),
    ).fetchall()
    return [org_id for (org_id,) in rows]
