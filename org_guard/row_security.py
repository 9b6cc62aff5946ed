"""
Enter one organization for one transaction: from then on Postgres shows its rows, and no others.

`enter_organization` (migration 0002) checks inside Postgres that the person is a member, with the
membership role that the view requires or a higher one, of an organization that is not suspended.
Only then
does row-level security show that organization's rows. So a removed member is refused at the next
request. The call travels together with the first query, so the check costs no extra round trip.

This protects against a forgotten `where` and against ids of other organizations. It does not
protect against SQL injection: SQL that runs as org_api can enter any organization.

Sources: PostgreSQL "Row Security Policies", "libpq Pipeline Mode".
"""

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

from org_guard.errors import GuardError, InsufficientRole, NotAMember, OrganizationSuspended
from org_guard.principal import Principal

# `select` puts the query between these two. Postgres has to enter first: the query is lateral and
# depends on the result of the entry; "offset 0" keeps the planner from merging query and entry.
_BEFORE_QUERY: LiteralString = """
    select found.* from org.enter_organization(%s, %s, %s) as entered (role), lateral (
        select * from ("""
_AFTER_QUERY: LiteralString = """
        ) query where entered.role is not null offset 0
    ) found
"""
_ENTER: LiteralString = "select org.enter_organization(%s, %s, %s)"
_REFUSALS: dict[str, type[GuardError]] = {
    "ORG01": NotAMember,
    "ORG02": OrganizationSuspended,
    "ORG03": InsufficientRole,
}

Connections = Callable[[], AbstractContextManager[psycopg.Connection]]
Fetch = Callable[[LiteralString, Sequence[object]], list[tuple[Any, ...]]]


@dataclass(slots=True)
class Visit:
    """One call of a guarded view: the membership role that it demands, and who has entered."""

    required_role: str
    entered_by: Principal | None = None

    def require_entered(self, principal: Principal, view_name: str) -> None:
        """Raise GuardError unless the view entered for this very *principal*, not for a copy."""
        if self.entered_by is not principal:
            raise GuardError(f"{view_name} answered without entering the organization")


class RowSecurity:
    """
    Enter organizations and read and write their rows. One object per process, safe for threads.

    Args:
        connections: lends one autocommit connection of the database role org_api, such as
            `ConnectionPool.connection` of psycopg_pool. Each new connection must have passed
            `require_row_security`.
        fetch: runs one statement that changes nothing and returns all its rows. Pass one if your
            pool can retry such a statement on another connection.
    """

    def __init__(self, connections: Connections, fetch: Fetch | None = None) -> None:
        self._connections = connections
        self._fetch = fetch or self._fetch_once
        self._visit: ContextVar[Visit | None] = ContextVar("visit", default=None)

    @contextmanager
    def visit(self, required_role: str) -> Iterator[Visit]:
        """
        Let the block enter organizations; each entry demands *required_role* of the person.

        The guard does this around every view, so a view that streams its answer must read all rows
        before it returns. Outside of a view, such as in a script or a thread, do it yourself, and
        do not `yield` inside. An unknown role is refused at the entry (InsufficientRole).
        """
        visit = Visit(required_role)
        token = self._visit.set(visit)
        try:
            yield visit
        finally:
            self._visit.reset(token)

    @contextmanager
    def organization(self, principal: Principal) -> Iterator[psycopg.Connection]:
        """
        Enter the principal's organization and yield a connection inside a transaction.

        BEGIN, the entry and the first query share one round trip; COMMIT is a second one. An
        exception rolls everything back. To survive an expected error, wrap the statement in
        `with conn.transaction():` (a savepoint).

        Raises:
            NotAMember, OrganizationSuspended, InsufficientRole: the entry was refused; raised by
                the first result that the block reads, or at its end.
            GuardError: called outside a guarded view and outside `visit`; or the block caught an
                error of Postgres and went on, and everything was rolled back.
        """
        visit = self._load_visit()
        with _refusals(), self._connections() as conn:
            try:
                with conn.pipeline() as pipeline:
                    # A statement that waited for a lock must see what was committed meanwhile, so
                    # the level is set here, whatever the database's default is.
                    conn.execute("begin isolation level read committed")
                    conn.execute(_ENTER, _entry(principal, visit))
                    try:
                        yield conn
                    except psycopg.DatabaseError:
                        # Postgres skips the rest of the pipeline, and each skipped statement is
                        # an error, too; psycopg would log those that were not collected here.
                        with suppress(psycopg.DatabaseError):
                            pipeline.sync()
                        raise
                    end = conn.execute("commit")
            except psycopg.errors.PipelineAborted as error:  # a pool would take it for an outage
                conn.rollback()
                raise GuardError("went on after an error of Postgres") from error
            except BaseException:
                conn.rollback()
                raise
            if end.statusmessage != "COMMIT":
                conn.close()  # Postgres has forgotten statements that psycopg takes for prepared
                raise GuardError("went on after an error of Postgres")
            visit.entered_by = principal

    def enter_again(self, conn: psycopg.Connection, principal: Principal) -> None:
        """
        Check membership and role once more, on a connection that `organization` yielded.

        For a block that has waited for a lock, because the person may have been removed meanwhile.
        A refusal is raised by the next result of *conn*.
        """
        conn.execute(_ENTER, _entry(principal, self._load_visit()))

    def select(
        self, principal: Principal, query: LiteralString, parameters: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]:
        """
        Enter and read in one statement: one round trip, and a transaction of its own.

        Args:
            query: one plain `select` without a semicolon and without an organization filter.
                Postgres enters first; if it ever did not, row-level security would show no rows.
            parameters: the values for each `%s` of the query.

        Raises:
            NotAMember, OrganizationSuspended, InsufficientRole: the entry was refused.
            GuardError: called outside a guarded view and outside `visit`.
        """
        visit = self._load_visit()
        entry = _entry(principal, visit)
        with _refusals():
            rows = self._fetch(_put_behind_entry(query), (*entry, *parameters))
            if not rows:
                # Postgres does not run a query that cannot find anything (a null parameter is
                # enough), and then it skips the entry, too. So run the entry by itself.
                self._fetch(_ENTER, entry)
        visit.entered_by = principal
        return rows

    def find_org_id(self, slug: str) -> str | None:
        """Return the id of the organization with that slug; no membership is checked."""
        [(org_id,)] = self._fetch("select org.find_organization_id(%s)::text", (slug,))
        return None if org_id is None else str(org_id)

    def _load_visit(self) -> Visit:
        visit = self._visit.get()
        if visit is None:
            raise GuardError("enter inside a guarded view, or inside `with rows.visit(role):`")
        return visit

    def _fetch_once(
        self, statement: LiteralString, values: Sequence[object]
    ) -> list[tuple[Any, ...]]:
        with self._connections() as conn:
            return conn.execute(statement, values).fetchall()


@functools.lru_cache(512)  # psycopg finds a prepared statement faster by the same string object
def _put_behind_entry(query: LiteralString) -> LiteralString:
    return _BEFORE_QUERY + query + _AFTER_QUERY


def _entry(principal: Principal, visit: Visit) -> tuple[str, str, str]:
    return principal.auth0_user_id, principal.org_id, visit.required_role


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except psycopg.DatabaseError as error:
        refusal = _REFUSALS.get(error.sqlstate or "")
        if refusal is None:
            raise
        raise refusal(error.sqlstate or "") from error
