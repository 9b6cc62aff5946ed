"""`org-selector`: what an administrator runs beside the service."""

import secrets as secrets_module
import sys

import click
import psycopg

from schema.migrate import MigrationFailed, list_pending, migrate
from service.environment import require_database_url


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="org-selector")
def main() -> None:
    """
    Look after the selector's database and secrets.

    The service itself is started with: gunicorn wsgi:selector
    """


@main.command("migrate")
@click.option(
    "--owner-database-url",
    envvar="OWNER_DATABASE_URL",
    required=True,
    help="Postgres as the owner of the schema, not as org_selector. Better set "
    "OWNER_DATABASE_URL: arguments can be read by every user of the machine.",
)
@click.option("--dry-run", is_flag=True, help="Only list what would be applied.")
def migrate_command(owner_database_url: str, dry_run: bool) -> None:
    """
    Bring the database to the schema of this release.

    Safe to run twice at once, and to interrupt: each migration is applied whole or not at
    all. The first one creates the roles org_selector, org_api and org_gate, so it needs
    CREATEROLE; give the first two a password afterwards:

        alter role org_selector password '…';
    """
    try:
        require_database_url(owner_database_url)
        if dry_run:
            pending = list_pending(owner_database_url)
            for migration in pending:
                click.echo(f"pending  {migration.name}")
            click.echo(f"{len(pending)} to apply" if pending else "Up to date.")
            return
        applied = 0
        for migration in migrate(owner_database_url):
            click.echo(f"applied  {migration.name}")
            applied += 1
        click.echo("Done." if applied else "Up to date.")
    except MigrationFailed as error:
        sys.exit(str(error))
    except ValueError as error:
        sys.exit(f"OWNER_DATABASE_URL {error}.")
    except psycopg.OperationalError as error:
        sys.exit(f"Cannot reach the database: {error}\nCheck OWNER_DATABASE_URL.")


@main.command("secret")
def secret_command() -> None:
    """
    Print a new secret for SESSION_TOKEN_SECRETS or SELECTION_TOKEN_SECRETS.

    To rotate one without a failed login, where SIDE is whoever signs with the list (the
    Action for session tokens, the service for selection tokens):

    \b
      1. append the new secret to both sides' lists, so that both verify it
      2. move it to the front at SIDE, so that it signs
      3. ten minutes later remove the old one from both
    """
    click.echo(secrets_module.token_urlsafe(48))
