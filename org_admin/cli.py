"""`org-selector`: the commands that an administrator runs beside the service."""

import secrets as secrets_module
import sys
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click
import psycopg

from org_admin.invite import invite_command
from org_admin.members import members_group
from org_admin.orgs import orgs_group
from org_admin.owner_database import OwnerDatabase, owner_database_options
from org_admin.users import users_group
from schema.migrate import TRIES, Migration, MigrationFailed, list_pending, migrate


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="org-selector")
def main() -> None:
    """
    Look after the selector's database, Actions and secrets; organizations, people and memberships.

    The service itself is started with:

    gunicorn -c python:service.gunicorn_settings wsgi:selector
    """


@main.command("migrate")
@owner_database_options
@click.option("--dry-run", is_flag=True, help="Only list the migrations to apply.")
@click.option(
    "--keep-grants",
    multiple=True,
    metavar="ROLE",
    help="A role that may keep privileges in the schema org beyond those of the migrations, such "
    "as one for reports. Can be given several times.",
)
def migrate_command(database: OwnerDatabase, dry_run: bool, keep_grants: tuple[str, ...]) -> None:
    """
    Bring the database to the schema of this release.

    Safe to run twice at once, and to interrupt: each migration is applied whole or not at all.
    Safe while the services run: where another session has a table locked, it tries again for two
    minutes, and logins go on meanwhile.
    At the end it takes back what default privileges of the database gave to other roles, and stops
    with the statements to run if a role may still do more than it should.
    The first one creates the roles org_selector, org_api and org_gate, for which the owner needs
    CREATEROLE. Afterwards give the first two a password:

        alter role org_selector password '…';
    """
    owner_database_url = database.secure_url()
    try:
        if dry_run:
            pending = list_pending(owner_database_url)
            for migration in pending:
                click.echo(f"pending  {migration.name}")
            click.echo(f"{len(pending)} to apply" if pending else "Up to date.")
            return
        applied = 0
        for migration in migrate(owner_database_url, keep_grants=keep_grants, wait=_report_wait):
            click.echo(f"applied  {migration.name}")
            applied += 1
        click.echo("Done." if applied else "Up to date.")
    except MigrationFailed as error:
        sys.exit(str(error))
    except psycopg.OperationalError as error:
        sys.exit(f"Cannot reach the database: {error}\nCheck OWNER_DATABASE_URL.")


def _report_wait(migration: Migration, attempt: int) -> None:
    click.echo(f"waiting  {migration.name}: another session has a lock (try {attempt} of {TRIES})")


@main.command("actions")
@click.argument("folder", type=click.Path(path_type=Path))
def actions_command(folder: Path) -> None:
    """
    Write the Actions for Auth0 to FOLDER, in the layout of the Auth0 Deploy CLI.

    Files under examples/ are to be adapted; the Deploy CLI does not deploy them.
    Nothing is written if one of the files is there already.
    """
    source = files("org_admin.actions")
    names = sorted(_list_actions(source))
    for name in names:
        if (folder / "actions" / name).exists():
            sys.exit(f"{folder / 'actions' / name} is there already; name another folder.")
    for name in names:
        target = folder / "actions" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source.joinpath(name).read_bytes())
        click.echo(f"written  {target}")


def _list_actions(source: Traversable) -> Iterator[str]:
    for one in source.iterdir():
        if one.name.endswith(".json"):
            yield one.name
        elif one.is_dir():
            yield from (f"{one.name}/{two.name}" for two in one.iterdir() if two.name[-3:] == ".js")


@main.command("secret")
def secret_command() -> None:
    """
    Print a new secret for SESSION_TOKEN_SECRETS or SELECTION_TOKEN_SECRETS.

    To rotate a secret without a failed login, change the list in both places, the service's
    environment and the Action's secrets. The Action signs with SESSION_TOKEN_SECRETS, the
    service with SELECTION_TOKEN_SECRETS.

    \b
      1. append the new secret in both places, so that both verify it
      2. move it to the front where the list is signed with
      3. ten minutes later remove the old secret in both places
    """
    click.echo(secrets_module.token_urlsafe(48))


for one in (orgs_group, users_group, members_group, invite_command):
    main.add_command(one)
