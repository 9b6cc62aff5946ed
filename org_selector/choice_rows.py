"""
The SQL statements that apply what a person chose on the picker.

`rows.py` explains literals and joins. Whether an invitation may be accepted, or an organization
created, is checked in Postgres by the functions of schema/0003_making_memberships.sql.
"""

from typing import LiteralString
from uuid import UUID

from org_selector.standing import Organization
from service.pool import Database

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
        where (s.user_id, s.org_id, s.choice) = (excluded.user_id, excluded.org_id, excluded.choice)
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
_ACCEPT_INVITATION = """
    select org.accept_invitation(
        %(auth0_user_id)s, %(invitation_id)s, %(nonce)s, %(client_id)s, %(bound_to)s)
"""
_CREATE_ORGANIZATION = """
    select org.create_organization(
        %(auth0_user_id)s, %(name)s, %(slug)s, %(nonce)s, %(client_id)s)
"""
# A second statement, since one does not see the rows that a function in it has made. The function
# has checked the person and the organization.
_ENTER = """
    with entered as (
        select m.user_id, m.org_id, m.org_slug, m.org_name, m.role
        from org.app_user u, org.membership m
        where u.auth0_user_id = %(auth0_user_id)s
        and m.user_id = u.id and m.org_id = %(org_id)s
    ), remembered as (
        update org.app_user u
        set default_org_id = case when %(remember)s then e.org_id end
        from entered e where u.id = e.user_id and (%(remember)s or %(forget)s)
        and u.default_org_id is distinct from case when %(remember)s then e.org_id end
    )
    select org_id::text, org_slug, org_name, role, false from entered
"""


class ChoiceRows:
    """
    What a choice writes.

    Every method applies a choice once, and returns the organization; or `None`: nothing has
    changed. Each raises `service.pool.Unavailable` if Postgres does not answer.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

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

    def accept_invitation(
        self,
        auth0_user_id: str,
        *,
        invitation_id: UUID,
        nonce: str,
        client_id: str,
        bound_to: UUID | None,
        remember: bool,
        forget: bool,
    ) -> Organization | None:
        """
        Accept an invitation as the one choice of this login, or change nothing.

        The function in Postgres checks everything: schema/0003_making_memberships.sql.

        Args:
            bound_to: the one organization that the application allows.
        """
        values: dict[str, object] = {
            "auth0_user_id": auth0_user_id,
            "invitation_id": invitation_id,
            "nonce": nonce,
            "client_id": client_id,
            "bound_to": bound_to,
        }
        return self._enter(_ACCEPT_INVITATION, values, remember=remember, forget=forget)

    def create_organization(
        self,
        auth0_user_id: str,
        *,
        name: str,
        slug: str,
        nonce: str,
        client_id: str,
        remember: bool,
        forget: bool,
    ) -> Organization | None:
        """
        Create an organization, with the person as its owner, as the one choice of this login.

        Args:
            slug: the wanted one; a number is added if it is or was another organization's.
        """
        values: dict[str, object] = {
            "auth0_user_id": auth0_user_id,
            "name": name,
            "slug": slug,
            "nonce": nonce,
            "client_id": client_id,
        }
        return self._enter(_CREATE_ORGANIZATION, values, remember=remember, forget=forget)

    def _enter(
        self, make: LiteralString, values: dict[str, object], *, remember: bool, forget: bool
    ) -> Organization | None:
        """Run the statement *make*, then enter the organization that it returns, if it does."""
        [(org_id,)] = self._database.fetch_once(make, values)
        entry = values | {"org_id": org_id, "remember": remember, "forget": forget}
        rows = self._database.fetch_once(_ENTER, entry)
        return Organization(*rows[0]) if rows else None
