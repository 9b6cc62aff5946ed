"""`org-selector orgs`: create, suspend, resume and delete an organization."""

import sys
from unicodedata import normalize

import click
import psycopg

from org_admin.change import add_audit_event, json_option, report
from org_admin.found import load_organization
from org_admin.owner_database import OwnerDatabase, owner_database_options
from org_selector.slug import make_slug


@click.group("orgs")
def orgs_group() -> None:
    """Create, suspend, resume and delete organizations. ORGANIZATION is a slug or an id."""


@orgs_group.command("create")
@click.argument("name")
@click.option("--slug", help="The short name in addresses. Made from NAME unless set.")
@owner_database_options
@json_option
def create(name: str, slug: str | None, database: OwnerDatabase, as_json: bool) -> None:
    """
    Create an organization, without members. Then invite its first owner:

    org-selector invite SLUG EMAIL --role owner
    """
    name = normalize("NFC", name)
    slug = slug or make_slug(name)
    try:
        with database.transaction() as conn:
            [(org_id,)] = conn.execute(
                "insert into org.organization (slug, name) values (%s, %s) returning id",
                (slug, name),
            ).fetchall()
            add_audit_event(conn, org_id, "organization.created", org_id, name)
    except psycopg.errors.UniqueViolation:
        sys.exit(f"The slug {slug!r} is or was that of another organization: name one with --slug.")
    except psycopg.errors.CheckViolation as error:
        wrong = "slug" if "slug" in (error.diag.constraint_name or "") else "name"
        rule = {
            "slug": "1 to 63 lower-case letters, digits and hyphens, not shaped like an id",
            "name": "1 to 200 characters that people can see",
        }[wrong]
        sys.exit(f"An organization cannot have this {wrong}. It needs {rule}.")
    report(
        as_json,
        f"created  {slug}",
        action="organization.created",
        org_id=org_id,
        org_slug=slug,
        name=name,
    )


@orgs_group.command("suspend")
@click.argument("organization")
@owner_database_options
@json_option
def suspend(organization: str, database: OwnerDatabase, as_json: bool) -> None:
    """
    Suspend an organization: from now on no login, refresh or request is for it.

    Its data stays, and its members keep their other organizations.
    """
    _set_suspended(organization, database, as_json, suspended=True)


@orgs_group.command("resume")
@click.argument("organization")
@owner_database_options
@json_option
def resume(organization: str, database: OwnerDatabase, as_json: bool) -> None:
    """End the suspension of an organization."""
    _set_suspended(organization, database, as_json, suspended=False)


@orgs_group.command("delete")
@click.argument("organization")
@click.option("--yes", is_flag=True, help="Do not ask.")
@owner_database_options
@json_option
def delete(
    organization: str,
    yes: bool,
    database: OwnerDatabase,
    as_json: bool,
) -> None:
    """
    Delete an organization with its memberships, invitations and data, for good.

    The slug is never given to another organization. Audit events stay.
    """
    with database.transaction() as conn:
        found = load_organization(conn, organization)
        [(members,)] = conn.execute(
            "select count(*) from org.membership where org_id = %s", (found.id,)
        ).fetchall()
    if not yes:
        if not sys.stdin.isatty():
            sys.exit("Nothing was deleted: confirm it with --yes.")
        question = f"Delete {found.name} ({found.slug}), with {members} members and all data?"
        click.confirm(question, abort=True)
    with database.transaction() as conn:
        found = load_organization(conn, str(found.id))
        add_audit_event(conn, found.id, "organization.deleted", found.id, found.name)
        conn.execute("delete from org.organization where id = %s", (found.id,))
    report(
        as_json,
        f"deleted  {found.slug}",
        action="organization.deleted",
        org_id=found.id,
        org_slug=found.slug,
        members=members,
    )


def _set_suspended(
    organization: str,
    database: OwnerDatabase,
    as_json: bool,
    *,
    suspended: bool,
) -> None:
    done = "suspended" if suspended else "resumed"
    with database.transaction() as conn:
        found = load_organization(conn, organization)
        changed = found.suspended != suspended
        if changed:
            conn.execute(
                "update org.organization set suspended_at = case when %s then now() end "
                "where id = %s",
                (suspended, found.id),
            )
            add_audit_event(conn, found.id, f"organization.{done}", found.id, found.name)
    report(
        as_json,
        f"{done if changed else 'unchanged'}  {found.slug}",
        action=f"organization.{done}",
        org_id=found.id,
        org_slug=found.slug,
        changed=changed,
    )
