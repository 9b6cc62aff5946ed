"""`org-selector users`: block and unblock a person."""

import click

from org_admin.change import add_audit_event, json_option, report
from org_admin.found import load_person
from org_admin.owner_database import OwnerDatabase, owner_database_options


@click.group("users")
def users_group() -> None:
    """Block and unblock people. PERSON is an Auth0 user id, an e-mail address or an id."""


@users_group.command("block")
@click.argument("person")
@owner_database_options
@json_option
def block(person: str, database: OwnerDatabase, as_json: bool) -> None:
    """
    Block a person: from now on no login, refresh or request of theirs passes, in any organization.

    Their memberships stay, for the day on which they are unblocked.
    """
    _set_blocked(person, database, as_json, blocked=True)


@users_group.command("unblock")
@click.argument("person")
@owner_database_options
@json_option
def unblock(person: str, database: OwnerDatabase, as_json: bool) -> None:
    """Let a blocked person in again."""
    _set_blocked(person, database, as_json, blocked=False)


def _set_blocked(
    person: str,
    database: OwnerDatabase,
    as_json: bool,
    *,
    blocked: bool,
) -> None:
    done = "blocked" if blocked else "unblocked"
    with database.transaction() as conn:
        found = load_person(conn, person)
        changed = bool(
            conn.execute(
                "update org.app_user set blocked_at = case when %(blocked)s then now() end "
                "where id = %(id)s and (blocked_at is not null) <> %(blocked)s returning id",
                {"blocked": blocked, "id": found.id},
            ).fetchall()
        )
        organizations = conn.execute(
            "select org_id from org.membership where user_id = %s order by org_id", (found.id,)
        ).fetchall()
        # One event in the trail of each organization, for its admins.
        for (org_id,) in organizations if changed else ():
            add_audit_event(conn, org_id, f"member.{done}", found.id, found.name)
    report(
        as_json,
        f"{done if changed else 'unchanged'}  {found} ({len(organizations)} organizations)",
        action=f"member.{done}",
        auth0_user_id=found.auth0_user_id,
        organizations=len(organizations),
        changed=changed,
    )
