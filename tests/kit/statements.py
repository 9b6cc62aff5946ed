"""Run the selector's statements without the app, in a transaction that is rolled back."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, LiteralString, cast
from uuid import UUID

import psycopg

from local_stack import seed
from local_stack.postgres import Postgres
from service.pool import Database
from tests.kit.databases import find_unchanged_database


class Statements:
    """
    One transaction. In it the product's statements run as org_selector, a test's as superuser.

    `now()` returns the same time in all of them, so that a test can hit a time limit exactly.
    """

    def __init__(self, conn: psycopg.Connection) -> None:
        self.conn = conn

    @property
    def database(self) -> Database:
        """This object, for the product's classes, which expect the pool."""
        return cast("Database", self)

    def fetch(self, statement: LiteralString, values: Any) -> list[tuple[Any, ...]]:
        """Run a statement of the product as org_selector, and return its rows."""
        self.conn.execute("set local role org_selector")
        cursor = self.conn.execute(statement, values)
        found = cursor.fetchall() if cursor.description else []
        self.conn.execute("reset role")
        return found

    fetch_once = fetch

    def run(self, statement: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        """Run a statement of the test as superuser, and return its rows."""
        cursor = self.conn.execute(statement, values)
        return cursor.fetchall() if cursor.description else []

    def user_id(self, login: str) -> UUID:
        """Return the id of a seeded person."""
        [(found,)] = self.run(
            "select id from org.app_user where auth0_user_id = %s", f"auth0|{login}"
        )
        return cast("UUID", found)

    def join(self, login: str, slug: str, role: str = "member") -> None:
        """Make a person a member of an organization."""
        self.run(
            "insert into org.membership (user_id, org_id, role) values (%s, %s, %s)",
            *(self.user_id(login), seed.organization(slug).id, role),
        )

    def invite(
        self, email: str, org_id: UUID, *, inviter: str | None = None, hours_ago: int = 0
    ) -> UUID:
        """Invite an address with the role of an admin."""
        [(invitation_id,)] = self.run(
            "insert into org.invitation "
            "(org_id, email, role, expires_at, invited_by, created_at) values "
            "(%s, %s, 'admin', now() + interval '1 day', %s, now() - %s * interval '1 hour') "
            "returning id",
            *(org_id, email, self.user_id(inviter) if inviter else None, hours_ago),
        )
        return cast("UUID", invitation_id)

    def list_defaults(self) -> set[tuple[object, ...]]:
        """Return who has which default organization."""
        return set(
            self.run(
                "select auth0_user_id, default_org_id from org.app_user "
                "where default_org_id is not null"
            )
        )

    def block(self, login: str) -> None:
        """Block a person."""
        self.run("update org.app_user set blocked_at = now() where id = %s", self.user_id(login))


@contextmanager
def roll_back(postgres: Postgres) -> Iterator[Statements]:
    """Open a transaction and roll it back at the end."""
    url = postgres.url(find_unchanged_database(postgres), "postgres")
    with psycopg.connect(url) as conn:
        yield Statements(conn)
        conn.rollback()
