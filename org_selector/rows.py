"""
Every statement of the selector about people, organizations and choices.

Each public function is one statement and one round trip; rows come back typed. Statements are
literals, values are parameters. Organizations and users are found by scalar subqueries
and primary keys, never by a join the planner could turn round: a user with 20,000
organizations must cost what a user with ten costs (`benchmarks/`).
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

PAGE_SIZE = 20
SEARCH_FROM = 8  # organizations; fewer are seen at a glance
RECENT = 3
SUBSTRING_UP_TO = 100  # organizations; above, a search finds beginnings only, at a flat price
END_OF_NAMES = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class Profile:
    """What Auth0 says about a user, as far as we keep it."""

    auth0_user_id: str
    email: str | None
    email_verified: bool  # by a connection we trust for that
    name: str | None


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization as one of its members meets it."""

    id: str  # canonical lower-case UUID
    slug: str
    name: str
    role: str  # owner, admin or member
    suspended: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """What the database knows about a user at the moment of one decision."""

    user_id: UUID
    profile: Profile
    blocked: bool
    # Looked up when one organization is asked for:
    named: Organization | None  # if the user is a member
    # Looked up when none is:
    invited: bool  # an open invitation waits for the verified address
    default: Organization | None
    usable: tuple[Organization, ...]  # not suspended; at most two: one is a decision


@dataclass(frozen=True, slots=True)
class Selectable:
    """What the picker must know again at the moment of the choice."""

    already_selected: bool
    selectable: bool  # a member, and the organization is not suspended


class UnsafeRole(Exception):
    """The database role may see more than it should; the message says what to do."""


class Row(NamedTuple):  # 26 a page, and a dataclass takes three times as long to make
    """One line of the picker."""

    id: str
    slug: str
    name: str
    name_key: str
    role: str
    suspended: bool
    last_selected_at: datetime | None


@dataclass(frozen=True, slots=True)
class SelectionPage:
    """What the picker shows to one person."""

    email: str | None
    name: str | None
    default_org_id: str | None
    already_selected: bool
    recent: tuple[Row, ...]  # newest use first, at most RECENT; on the first page, not in a search
    rows: tuple[Row, ...]  # by name, at most PAGE_SIZE
    more: bool


def find_standing(
    conn: psycopg.Connection, auth0_user_id: str, *, org_id: UUID | None, slug: str | None
) -> Standing | None:
    """
    Load what a decision about *auth0_user_id* needs.

    Args:
        org_id, slug: the organization asked for, by one of the two.
    """
    asked = org_id is not None or slug is not None
    if asked:
        rows = conn.execute(
            """
            select u.id, u.email, u.email_verified, u.name, u.blocked_at is not null, false,
                n.org_id::text, n.org_slug, n.org_name, n.role, n.org_suspended
            from app_user u left join membership n on n.user_id = u.id and n.org_id = coalesce(
                %s::uuid, (select id from organization where slug = %s))
            where u.auth0_user_id = %s
            """,
            (org_id, slug, auth0_user_id),
        ).fetchall()
    else:
        rows = conn.execute(
            """
            select u.id, u.email, u.email_verified, u.name, u.blocked_at is not null,
                u.email_verified and exists (
                    select from invitation i
                    where i.email = lower(u.email) and i.accepted_at is null
                    and i.expires_at > now()
                ),
                d.org_id::text, d.org_slug, d.org_name, d.role, d.org_suspended,
                s.org_id::text, s.org_slug, s.org_name, s.role, s.org_suspended
            from app_user u
            left join membership d on d.user_id = u.id and d.org_id = u.default_org_id
            left join lateral (
                select org_id, org_slug, org_name, role, org_suspended
                from membership where user_id = u.id and not org_suspended
                order by name_key limit 2
            ) s on true
            where u.auth0_user_id = %s
            """,
            (auth0_user_id,),
        ).fetchall()
    if not rows:
        return None
    user_id, email, email_verified, name, blocked, invited = rows[0][:6]
    one = _organization(rows[0][6:11])
    return Standing(
        user_id=user_id,
        profile=Profile(auth0_user_id, email, email_verified, name),
        blocked=blocked,
        invited=invited,
        named=one if asked else None,
        default=None if asked else one,
        usable=tuple(found for row in rows if (found := _organization(row[11:]))),
    )


def save_profile(conn: psycopg.Connection, profile: Profile) -> None:
    """Insert the user at first sight, else update what changed."""
    conn.execute(
        """
        insert into app_user as u (auth0_user_id, email, email_verified, name)
        values (%s, %s, %s, %s)
        on conflict (auth0_user_id) do update
        set email = excluded.email, email_verified = excluded.email_verified,
            name = excluded.name
        where (u.email, u.email_verified, u.name)
            is distinct from (excluded.email, excluded.email_verified, excluded.name)
        """,
        (profile.auth0_user_id, profile.email, profile.email_verified, profile.name),
    )


def apply_selection(
    conn: psycopg.Connection, auth0_user_id: str, *, org_id: UUID, nonce: str, remember: bool
) -> Organization | None:
    """
    Make *org_id* the one choice of the login with this *nonce*, if it still may be.

    Checks in one statement: the user is not blocked, is a member, the organization is not
    suspended, and no choice of this login was applied before. Nothing changes otherwise.
    Also sweeps up to two forgotten nonces a call, so that the table stays small.
    """
    row = conn.execute(
        """
        with chosen as (
            select m.user_id, m.org_id, m.org_slug, m.org_name, m.role
            from app_user u, membership m
            where u.auth0_user_id = %(auth0_user_id)s and u.blocked_at is null
            and m.user_id = u.id and m.org_id = %(org_id)s and not m.org_suspended
        ), applied as (
            insert into selection (nonce, user_id, org_id)
            select %(nonce)s, user_id, org_id from chosen
            on conflict (nonce) do nothing
            returning user_id, org_id
        ), used as (
            -- Only a convenience: whoever renames the organization just now holds this row.
            update membership set last_selected_at = now() where (user_id, org_id) in (
                select m.user_id, m.org_id from membership m, applied a
                where m.user_id = a.user_id and m.org_id = a.org_id
                for update of m skip locked
            )
        ), remembered as (
            update app_user u
            set default_org_id = case when %(remember)s then a.org_id end
            from applied a where u.id = a.user_id
            and u.default_org_id is distinct from case when %(remember)s then a.org_id end
        ), swept as (
            delete from selection where nonce in (
                select nonce from selection where created_at < now() - interval '1 day'
                order by created_at limit 2 for update skip locked
            )
        )
        select c.org_id::text, c.org_slug, c.org_name, c.role, false from chosen c, applied
        """,
        {
            "auth0_user_id": auth0_user_id,
            "org_id": org_id,
            "nonce": nonce,
            "remember": remember,
        },
    ).fetchone()
    return Organization(*row) if row else None


def save_last_use(conn: psycopg.Connection, user_id: UUID, org_id: str) -> None:
    """Note that the user went to *org_id* without the picker; at most once a minute."""
    conn.execute(
        """
        update membership set last_selected_at = now() where (user_id, org_id) in (
            select user_id, org_id from membership
            where user_id = %s and org_id = %s and (
                last_selected_at is null or last_selected_at < now() - interval '1 minute')
            for update skip locked
        )
        """,
        (user_id, org_id),
    )


def load_selection_page(
    conn: psycopg.Connection, auth0_user_id: str, *, nonce: str, after: tuple[str, UUID]
) -> SelectionPage | None:
    """Load one page of the user's organizations by name, beginning after (name_key, id)."""
    rows = conn.execute(
        """
        select null::boolean, u.default_org_id::text, u.email, u.name, null, null,
            exists (select from selection where nonce = %(nonce)s), null
        from app_user u
        where u.auth0_user_id = %(auth0_user_id)s and u.blocked_at is null
        union all
        select m.recent, m.org_id::text, m.org_slug, m.org_name, m.name_key, m.role,
            m.org_suspended, m.last_selected_at
        from app_user u cross join lateral (
            (
                select true as recent, org_id, org_slug, org_name, name_key, role,
                    org_suspended, last_selected_at
                from membership where user_id = u.id and last_selected_at is not null
                order by last_selected_at desc limit %(recent)s
            ) union all (
                select false, org_id, org_slug, org_name, name_key, role, org_suspended, null
                from membership where user_id = u.id
                and (name_key, org_id) > (%(name_key)s, %(org_id)s)
                order by name_key, org_id limit %(limit)s
            )
        ) m
        where u.auth0_user_id = %(auth0_user_id)s and u.blocked_at is null
        """,
        {
            "auth0_user_id": auth0_user_id,
            "nonce": nonce,
            "name_key": after[0],
            "org_id": after[1],
            "recent": 0 if after[0] else RECENT,  # shown on the first page only
            "limit": PAGE_SIZE + 1,
        },
    ).fetchall()
    return _selection_page(rows)


def search_selection_page(
    conn: psycopg.Connection,
    auth0_user_id: str,
    *,
    nonce: str,
    after: tuple[str, UUID],
    search: str,
) -> SelectionPage | None:
    """
    Load one page of the user's organizations whose name contains *search*.

    A user with more than SUBSTRING_UP_TO organizations finds the names that begin with it.
    """
    rows = conn.execute(
        """
        select null::boolean, u.default_org_id::text, u.email, u.name, null, null,
            exists (select from selection where nonce = %(nonce)s), null
        from app_user u
        where u.auth0_user_id = %(auth0_user_id)s and u.blocked_at is null
        union all
        select false, m.org_id::text, m.org_slug, m.org_name, m.name_key, m.role,
            m.org_suspended, null
        from app_user u
        cross join lateral (
            select case when exists (
                select from membership where user_id = u.id offset %(substring_up_to)s
            ) then lower(%(search)s) else '' end as beginning offset 0
        ) b
        cross join lateral (
            select * from membership where user_id = u.id
            -- One lower bound, not two: of two the index would start at the weaker one.
            and (name_key, org_id) > (greatest(%(name_key)s, b.beginning), %(org_id)s)
            and name_key < b.beginning || %(end_of_names)s
            and strpos(name_key, lower(%(search)s)) > 0
            order by name_key, org_id limit %(limit)s
        ) m
        where u.auth0_user_id = %(auth0_user_id)s and u.blocked_at is null
        """,
        {
            "auth0_user_id": auth0_user_id,
            "nonce": nonce,
            "name_key": after[0],
            "org_id": after[1],
            "search": search,
            "substring_up_to": SUBSTRING_UP_TO,
            "end_of_names": END_OF_NAMES,
            "limit": PAGE_SIZE + 1,
        },
    ).fetchall()
    return _selection_page(rows)


def find_selectable(
    conn: psycopg.Connection, auth0_user_id: str, *, org_id: UUID, nonce: str
) -> Selectable | None:
    """Look at a choice again before it is signed; `None` for no such user, or a blocked one."""
    row = conn.execute(
        """
        select exists (select from selection where nonce = %s),
            exists (
                select from membership
                where user_id = u.id and org_id = %s and not org_suspended
            )
        from app_user u
        where u.auth0_user_id = %s and u.blocked_at is null
        """,
        (nonce, org_id, auth0_user_id),
    ).fetchone()
    return Selectable(*row) if row else None


def require_plain_role(conn: psycopg.Connection) -> None:
    """
    Refuse to work as a role that row-level security does not bind.

    Raises:
        UnsafeRole: the role is a superuser, has BYPASSRLS, or owns one of our tables.
    """
    row = conn.execute(
        """
        select r.rolname, r.rolsuper or r.rolbypassrls or exists (
            select from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'public' and c.relkind = 'r' and pg_has_role(c.relowner, 'usage')
        )
        from pg_roles r where r.rolname = current_user
        """
    ).fetchone()
    if row is None or row[1]:
        raise UnsafeRole(
            "DATABASE_URL connects as a superuser, a BYPASSRLS role or the owner of the tables. "
            "Connect as org_selector."
        )


def _organization(columns: tuple[Any, ...]) -> Organization | None:
    return Organization(*columns) if columns and columns[0] is not None else None


def _selection_page(rows: list[tuple[Any, ...]]) -> SelectionPage | None:
    """Take apart the user (first, and marked by null), recent rows (true) and others (false)."""
    if not rows:
        return None
    _, default_org_id, email, name, _, _, already_selected, _ = rows[0]
    found = [Row._make(row[1:]) for row in rows if row[0] is False]
    return SelectionPage(
        email=email,
        name=name,
        default_org_id=default_org_id,
        already_selected=already_selected,
        recent=tuple(Row._make(row[1:]) for row in rows if row[0]),
        rows=tuple(found[:PAGE_SIZE]),
        more=len(found) > PAGE_SIZE,
    )
