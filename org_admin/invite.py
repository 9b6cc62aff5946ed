"""`org-selector invite`: invite an address, such as that of a new customer's first owner."""

import sys

import click
from email_validator import EmailNotValidError, validate_email

from org_admin.change import add_audit_event, json_option, report
from org_admin.found import load_organization
from org_admin.members import ROLES
from org_admin.owner_database import OwnerDatabase, owner_database_options

DAYS = 7


@click.command("invite")
@click.argument("organization")
@click.argument("email")
@click.option("--role", type=ROLES, default="member", show_default=True)
@click.option("--language", default="", help="Of the mail, such as de. English unless set.")
@owner_database_options
@json_option
def invite_command(
    organization: str,
    email: str,
    role: str,
    language: str,
    database: OwnerDatabase,
    as_json: bool,
) -> None:
    """
    Invite an e-mail address to an organization, for 7 days.

    ORGANIZATION is a slug or an id. org-selector-worker sends the mail. An invitation of the same
    address that waits is replaced, and the link in its mail is then of no use.
    """
    try:
        email = validate_email(email, check_deliverability=False, strict=True).normalized
    except EmailNotValidError as error:
        sys.exit(f"{email!r} is no e-mail address: {error}")
    with database.transaction() as conn:
        org = load_organization(conn, organization)
        if org.suspended:
            sys.exit(f"{org.slug} is suspended. First run: org-selector orgs resume {org.slug}")
        member = conn.execute(
            """
            select from org.membership m join org.app_user u on u.id = m.user_id
            where m.org_id = %s and lower(u.email) = lower(%s) limit 1
            """,
            (org.id, email),
        ).fetchone()
        if member is not None:
            sys.exit(f"A person with the address {email} is a member of {org.slug} already.")
        conn.execute(
            "delete from org.invitation where org_id = %s and email = lower(%s) "
            "and accepted_at is null",
            (org.id, email),
        )
        [(invitation_id, expires_at)] = conn.execute(
            """
            with invited as (
                insert into org.invitation (org_id, email, role, language, expires_at, invited_by)
                values (%s, lower(%s), %s, %s, now() + make_interval(days => %s), null)
                returning id, expires_at
            ), posted as (
                insert into org.mail_outbox (invitation_id) select id from invited
            )
            select id, expires_at from invited
            """,
            (org.id, email, role, language[:35], DAYS),
        ).fetchall()
        details = {"role": role}
        add_audit_event(conn, org.id, "invitation.created", invitation_id, email.lower(), details)
    report(
        as_json,
        f"invited  {email} to {org.slug} as {role}, until {expires_at:%Y-%m-%d}",
        action="invitation.created",
        org_id=org.id,
        org_slug=org.slug,
        invitation_id=invitation_id,
        email=email.lower(),
        role=role,
        expires_at=expires_at.isoformat(),
    )
