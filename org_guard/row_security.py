"""
One organization's rows, for the length of one transaction.

`enter_organization` (migration 0002) checks inside Postgres that the person is a member whose
role covers the request, of an organization that is not suspended; only then does row-level
security show that organization's rows. It travels with BEGIN and the first query, so a removed
member is refused at the next request without a round trip of its own.

It protects against a forgotten `where` and against ids of other organizations. It does not
protect against SQL of an attacker's own: whoever can run that as org_api can enter any scope.

Sources: PostgreSQL "Row Security Policies", "libpq Pipeline Mode".
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from typing import Any, LiteralString, TypeVar

import psycopg

from org_guard.errors import GuardError, InsufficientRole, NotAMember, OrganizationSuspended
from org_guard.principal import Principal

# The inner query depends on the entry, and "offset 0" keeps the planner from taking it apart: so
# Postgres must enter first.
_ENTER_AND: LiteralString = """
    select found.* from enter_organization(%s, %s, %s) as entered (role), lateral (
        select * from ("""
_FENCE: LiteralString = """
        ) query where entered.role is not null offset 0
    ) found
"""
_ENTER: LiteralString = "select enter_organization(%s, %s, %s)"
_REFUSALS: dict[str, type[GuardError]] = {
    "ORG01": NotAMember,
    "ORG02": OrganizationSuspended,
    "ORG03": InsufficientRole,
}

T = TypeVar("T")
Connections = Callable[[], AbstractContextManager[psycopg.Connection]]


class RowSecurity:
    """
    The way into an organization's rows.

    Args:
        connections: gives one autocommit connection of the role org_api, such as
            `ConnectionPool.connection` of psycopg_pool; opened with `require_row_security`.
        read: runs a read-only function with a connection, if the pool knows better than to try
            once; `select` uses it.
    """

    def __init__(
        self,
        connections: Connections,
        read: Callable[[Callable[[psycopg.Connection], Any]], Any] | None = None,
    ) -> None:
        self._connections = connections
        self._read = read or self._read_once
        self.entered: ContextVar[Principal | None] = ContextVar("entered", default=None)

    @contextmanager
    def organization(self, principal: Principal) -> Iterator[psycopg.Connection]:
        """
        Enter the principal's organization; yield a connection inside a transaction.

        BEGIN, the entry and the first query make one round trip (a pipeline); COMMIT is the
        second. An exception rolls everything back. Put `with conn.transaction():` around what may
        fail without an end to it all.

        Raises:
            NotAMember, OrganizationSuspended, InsufficientRole: at the first result, or at the end.
            GuardError: the block swallowed an error of Postgres; nothing of it was kept.
        """
        with _refusals(), self._connections() as conn:
            try:
                with conn.pipeline() as pipeline:
                    # Whoever waits for a lock must see what was committed meanwhile.
                    conn.execute("begin isolation level read committed")
                    conn.execute(_ENTER, _entry(principal))
                    try:
                        yield conn
                    except psycopg.DatabaseError:
                        # What stood behind the error in the pipeline was skipped, and says so;
                        # psycopg would log that as a mistake of ours.
                        with suppress(psycopg.DatabaseError):
                            pipeline.sync()
                        raise
                    end = conn.execute("commit")
            except psycopg.errors.PipelineAborted as error:  # to a pool it looks like an outage
                conn.rollback()
                raise GuardError("went on after an error of Postgres") from error
            except BaseException:
                conn.rollback()
                raise
            if end.statusmessage != "COMMIT":
                conn.close()  # psycopg still knows statements that Postgres has forgotten
                raise GuardError("went on after an error of Postgres")
            self.entered.set(principal)

    def select(
        self, principal: Principal, query: LiteralString, parameters: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]:
        """
        Enter and read in one statement, which is one round trip and its own transaction.

        *query* is a plain `select` without a semicolon and without a thought of organizations: it
        is put behind the entry. Were it ever read first, nothing would be found: without a scope
        there are no rows. Where nothing is found the entry is asked for once more, in a second
        round trip.

        Raises:
            NotAMember, OrganizationSuspended, InsufficientRole: the entry was refused.
        """
        entry = _entry(principal)
        try:
            rows: list[tuple[Any, ...]] = self._read(
                lambda conn: conn.execute(_put_behind(query), (*entry, *parameters)).fetchall()
            )
            if not rows:
                # What is known to find nothing (null for a parameter is enough) Postgres skips
                # altogether, and the entry with it.
                self._read(lambda conn: conn.execute(_ENTER, entry))
        except psycopg.DatabaseError as error:
            _refuse(error)
            raise
        self.entered.set(principal)
        return rows

    def find_org_id(self, slug: str) -> str | None:
        """Return the id a slug stands for; it says nothing about who belongs there."""
        row = self._read(
            lambda conn: conn.execute("select find_organization_id(%s)::text", (slug,)).fetchone()
        )
        return row[0] if row else None

    def _read_once(self, query: Callable[[psycopg.Connection], T]) -> T:
        with self._connections() as conn:
            return query(conn)


@functools.lru_cache(512)  # psycopg looks a text up faster that it has seen before
def _put_behind(query: LiteralString) -> LiteralString:
    return _ENTER_AND + query + _FENCE


def _entry(principal: Principal) -> tuple[str, str, str]:
    return principal.auth0_user_id, principal.org_id, principal.required_role


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except psycopg.DatabaseError as error:
        _refuse(error)
        raise


def _refuse(error: psycopg.DatabaseError) -> None:
    refusal = _REFUSALS.get(error.sqlstate or "")
    if refusal is not None:
        raise refusal(error.sqlstate or "") from error
