"""`org-selector members`: add and remove members, and change their membership roles."""

import sys

import click
import psycopg

from org_admin.change import add_audit_event, json_option, report
from org_admin.found import FoundOrganization, FoundPerson, load_organization, load_person
from org_admin.owner_database import OwnerDatabase, owner_database_options

ROLES = click.Choice(["owner", "admin", "member"])


@click.group("members")
def members_group() -> None:
    """
    Add and remove members, and change their membership roles.

    ORGANIZATION is a slug or an id; PERSON an Auth0 user id, an e-mail address or an id.
    """


@members_group.command("add")
@click.argument("organization")
@click.argument("person")
@click.option("--role", type=ROLES, default="member", show_default=True)
@owner_database_options
@json_option
def add(
    organization: str,
    person: str,
    role: str,
    database: OwnerDatabase,
    as_json: bool,
) -> None:
    """Make a person who has logged in once a member."""
    with database.transaction() as conn:
        org, who, present = _load(conn, organization, person)
        if present is not None and present != role:
            sys.exit(
                f"{who} is a member already, with the role {present}. To change it: "
                f"org-selector members role {org.slug} {person} {role}"
            )
        if present is None:
            conn.execute(
                "insert into org.membership (user_id, org_id, role) values (%s, %s, %s)",
                (who.id, org.id, role),
            )
            add_audit_event(conn, org.id, "member.added", who.id, who.name, {"role": role})
    _report(as_json, "added", org, who, "member.added", role, changed=present is None)


@members_group.command("role")
@click.argument("organization")
@click.argument("person")
@click.argument("role", type=ROLES)
@owner_database_options
@json_option
def change_role(
    organization: str,
    person: str,
    role: str,
    database: OwnerDatabase,
    as_json: bool,
) -> None:
    """Give a member another role; the last owner cannot be demoted."""
    with database.transaction() as conn:
        org, who, present = _load(conn, organization, person)
        _require_member(org, who, present)
        if present != role:
            _require_another_owner(conn, org, who, present)
            conn.execute(
                "update org.membership set role = %s where user_id = %s and org_id = %s",
                (role, who.id, org.id),
            )
            details = {"role": [present, role]}
            add_audit_event(conn, org.id, "member.role_changed", who.id, who.name, details)
    changed = present != role
    _report(as_json, f"now {role}", org, who, "member.role_changed", role, changed=changed)


@members_group.command("remove")
@click.argument("organization")
@click.argument("person")
@owner_database_options
@json_option
def remove(
    organization: str,
    person: str,
    database: OwnerDatabase,
    as_json: bool,
) -> None:
    """Remove a member; the last owner cannot be removed."""
    with database.transaction() as conn:
        org, who, present = _load(conn, organization, person)
        _require_member(org, who, present)
        _require_another_owner(conn, org, who, present)
        conn.execute(
            "delete from org.membership where user_id = %s and org_id = %s", (who.id, org.id)
        )
        add_audit_event(conn, org.id, "member.removed", who.id, who.name)
    _report(as_json, "removed", org, who, "member.removed", None, changed=True)


def _load(
    conn: psycopg.Connection, organization: str, person: str
) -> tuple[FoundOrganization, FoundPerson, str | None]:
    """Return organization, person, and the membership role, if there is one."""
    org, who = load_organization(conn, organization), load_person(conn, person)
    row = conn.execute(
        "select role from org.membership where user_id = %s and org_id = %s", (who.id, org.id)
    ).fetchone()
    return org, who, row[0] if row else None


def _require_member(org: FoundOrganization, who: FoundPerson, present: str | None) -> None:
    if present is None:
        sys.exit(f"{who} is not a member of {org.slug}.")


def _require_another_owner(
    conn: psycopg.Connection, org: FoundOrganization, who: FoundPerson, present: str | None
) -> None:
    """Require that an owner who can log in is left; as in the API (api/rows/roles.py)."""
    if present != "owner":
        return
    others = conn.execute(
        """
        select from org.membership m join org.app_user u on u.id = m.user_id
        where m.org_id = %s and m.role = 'owner' and m.user_id <> %s and u.blocked_at is null
        limit 1
        """,
        (org.id, who.id),
    ).fetchall()
    if not others:
        sys.exit(
            f"{who} is the last owner of {org.slug} who can log in. Make another member an owner "
            f"first: org-selector members role {org.slug} PERSON owner"
        )


def _report(
    as_json: bool,
    done: str,
    org: FoundOrganization,
    who: FoundPerson,
    action: str,
    role: str | None,
    *,
    changed: bool,
) -> None:
    report(
        as_json,
        f"{done if changed else 'unchanged'}  {who} in {org.slug}",
        action=action,
        org_id=org.id,
        org_slug=org.slug,
        auth0_user_id=who.auth0_user_id,
        role=role,
        changed=changed,
    )
