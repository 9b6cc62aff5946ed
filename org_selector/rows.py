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
    select u.id, u.email, u.email_verified, u.name, u.blocked_at is not null, false,
        n.org_id::text, n.org_slug, n.org_name, n.role, n.org_suspended
    from org.app_user u left join org.membership n on n.user_id = u.id and n.org_id = coalesce(
        %s::uuid, (select id from org.organization where slug = %s))
    where u.auth0_user_id = %s
"""
_FIND_STANDING = """
    select u.id, u.email, u.email_verified, u.name, u.blocked_at is not null,
        u.email_verified and exists (
            select from org.invitation i
            where i.email = lower(u.email) and i.accepted_at is null
            and i.expires_at > now()
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
_APPLY_SELECTION = """
    with chosen as (
        select m.user_id, m.org_id, m.org_slug, m.org_name, m.role
        from org.app_user u, org.membership m
        where u.auth0_user_id = %(auth0_user_id)s and u.blocked_at is null
        and m.user_id = u.id and m.org_id = %(org_id)s and not m.org_suspended
    ), granted as (
        -- The same choice again, which an answer that was lost causes, changes nothing.
        insert into org.selection as s (nonce, user_id, org_id)
        select %(nonce)s, user_id, org_id from chosen
        on conflict (nonce) do update set created_at = s.created_at
        where (s.user_id, s.org_id) = (excluded.user_id, excluded.org_id)
        and s.created_at > now() - interval '1 minute'
        returning user_id, org_id, s.xmax = 0 as inserted -- not 0 where a row was there
    ), applied as (
        select user_id, org_id from granted where inserted
    ), used as (
        -- A rename in progress locks the row. The last use is not worth waiting for.
        update org.membership set last_selected_at = now() where (user_id, org_id) in (
            select m.user_id, m.org_id from org.membership m, applied a
            where m.user_id = a.user_id and m.org_id = a.org_id
            for update of m skip locked
        )
    ), remembered as (
        update org.app_user u
        set default_org_id = case when %(remember)s then a.org_id end
        from applied a where u.id = a.user_id and (%(remember)s or %(forget)s)
        and u.default_org_id is distinct from case when %(remember)s then a.org_id end
    ), swept as (
        delete from org.selection where nonce in (
            select nonce from org.selection where created_at < now() - interval '1 day'
            order by created_at limit 2 for update skip locked
        )
    )
    select c.org_id::text, c.org_slug, c.org_name, c.role, false from chosen c, granted
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
            rows = self._database.fetch(
                _FIND_STANDING_ASKED, (asked.org_id, asked.slug, auth0_user_id)
            )
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

    def apply_selection(
        self, auth0_user_id: str, *, org_id: UUID, nonce: str, remember: bool, forget: bool
    ) -> Organization | None:
        """
        Make *org_id* the one choice of the login with this *nonce*, or change nothing.

        One statement checks that the user is not blocked and is a member, that the organization
        is not suspended, and that this login has no choice yet. It also deletes up to two nonces
        older than a day, so that the table stays small.
        The same choice again within a minute is checked in the same way and returned again.

        Args:
            remember: make it the user's default.
            forget: remove the user's default; `remember` wins.
        """
        values = {
            "auth0_user_id": auth0_user_id,
            "org_id": org_id,
            "nonce": nonce,
            "remember": remember,
            "forget": forget,
        }
        rows = self._database.fetch_once(_APPLY_SELECTION, values)
        return Organization(*rows[0]) if rows else None

    def save_last_use(self, user_id: UUID, org_id: str) -> None:
        """Note that the user entered *org_id* without the picker; at most once a minute."""
        self._database.fetch_once(_SAVE_LAST_USE, (user_id, org_id))


def _organization(columns: tuple[Any, ...]) -> Organization | None:
    return Organization(*columns) if columns and columns[0] is not None else None
