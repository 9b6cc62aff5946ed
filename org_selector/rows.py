"""
The SQL statements of a decision.

Each method is one statement and one round trip. Statements are literals, values are parameters.
Users and organizations are found by primary keys and scalar subqueries. With a join, Postgres may
begin at the wrong table, and a user with 20,000 organizations then costs more than one with ten
(`benchmarks/` measures it).
"""

from typing import Any
from uuid import UUID

from org_selector.question import Asked
from org_selector.standing import Organization, Profile, Standing
from service.pool import Database

_FIND_STANDING_ASKED = """
    select u.id, u.email, u.email_verified, u.name, u.blocked_at is not null,
        n.org_id is null and u.email_verified and exists (
            select from org.invitation i
            where i.org_id = %(bound_to)s and i.email = lower(u.email) and org.is_open(i)
        ),
        n.org_id::text, n.org_slug, n.org_name, n.role, n.org_suspended
    from org.app_user u left join org.membership n on n.user_id = u.id and n.org_id = coalesce(
        %(org_id)s::uuid, (select id from org.organization where slug = %(slug)s))
    where u.auth0_user_id = %(auth0_user_id)s
"""
_FIND_STANDING = """
    select u.id, u.email, u.email_verified, u.name, u.blocked_at is not null,
        u.email_verified and exists (
            select from org.invitation i
            where i.email = lower(u.email) and org.is_open(i) and not exists (
                select from org.membership where user_id = u.id and org_id = i.org_id
            )
        ),
        d.org_id::text, d.org_slug, d.org_name, d.role, d.org_suspended,
        s.org_id::text, s.org_slug, s.org_name, s.role, s.org_suspended
    from org.app_user u
    left join org.membership d on d.user_id = u.id and d.org_id = u.default_org_id
    left join lateral (
        select org_id, org_slug, org_name, role, org_suspended
        from org.membership where user_id = u.id and not org_suspended
        order by name_key limit 2
    ) s on true
    where u.auth0_user_id = %s
"""
_SAVE_PROFILE = """
    insert into org.app_user as u (auth0_user_id, email, email_verified, name)
    values (%s, %s, %s, %s)
    on conflict (auth0_user_id) do update
    set email = excluded.email, email_verified = excluded.email_verified,
        name = excluded.name
    where (u.email, u.email_verified, u.name)
        is distinct from (excluded.email, excluded.email_verified, excluded.name)
"""
_NOTE_LOGIN = """
    insert into org.audit_event (
        org_id, actor_user_id, actor_name, client_id, action, target_id, target_name, details
    )
    select %(org_id)s::uuid, id, name, %(client_id)s, 'member.logged_in', id, name,
        jsonb_build_object('way', %(way)s::text)
    from org.app_user where auth0_user_id = %(auth0_user_id)s
"""
_SAVE_LAST_USE = """
    update org.membership set last_selected_at = now() where (user_id, org_id) in (
        select user_id, org_id from org.membership
        where user_id = %s and org_id = %s and (
            last_selected_at is null or last_selected_at < now() - interval '1 minute')
        for update skip locked
    )
"""


class DecisionRows:
    """
    What a decision reads and writes.

    Every method raises `service.pool.Unavailable` if Postgres does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_standing(self, auth0_user_id: str, asked: Asked | None) -> Standing | None:
        """Look up the user, and *asked*; or, if it is `None`, the default and the usable ones."""
        if asked is not None:
            values = {
                "auth0_user_id": auth0_user_id,
                "org_id": asked.org_id,
                "slug": asked.slug,
                "bound_to": asked.org_id if asked.kind == "bound" else None,
            }
            rows = self._database.fetch(_FIND_STANDING_ASKED, values)
        else:
            rows = self._database.fetch(_FIND_STANDING, (auth0_user_id,))
        if not rows:
            return None
        user_id, email, email_verified, name, blocked, invited = rows[0][:6]
        asked_or_default = _organization(rows[0][6:11])
        return Standing(
            user_id=user_id,
            profile=Profile(auth0_user_id, email, email_verified, name),
            blocked=blocked,
            invited=invited,
            asked=asked_or_default if asked else None,
            default=None if asked else asked_or_default,
            usable=tuple(usable for row in rows if (usable := _organization(row[11:]))),
        )

    def save_profile(self, profile: Profile) -> None:
        """Insert the user at the first login, else update what changed."""
        values = (profile.auth0_user_id, profile.email, profile.email_verified, profile.name)
        self._database.fetch_once(_SAVE_PROFILE, values)

    def note_login(self, auth0_user_id: str, *, org_id: str, client_id: str, way: str) -> None:
        """Add a login to the organization's audit trail."""
        values = {
            "auth0_user_id": auth0_user_id,
            "org_id": org_id,
            "client_id": client_id,
            "way": way,
        }
        self._database.fetch_once(_NOTE_LOGIN, values)

    def save_last_use(self, user_id: UUID, org_id: str) -> None:
        """Note that the user entered *org_id* without the picker; at most once a minute."""
        self._database.fetch_once(_SAVE_LAST_USE, (user_id, org_id))


def _organization(columns: tuple[Any, ...]) -> Organization | None:
    return Organization(*columns) if columns and columns[0] is not None else None
