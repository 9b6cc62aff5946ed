"""
The way into one organization's rows, for the length of one transaction.

`enter_organization` (migration 0002) checks inside Postgres that the person is a member, in the
role that the route demands or a higher one, of an organization that is not suspended. Only then
does row-level security show that organization's rows. The call travels with BEGIN and the first
query, so a removed member is refused at the next request, without an additional round trip.

It protects against a forgotten `where` and against ids of other organizations. It does not protect
against SQL injection: SQL that runs as org_api can enter any organization.

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

# `select` puts the query between these two. Postgres has to run the entry first: the query is
# lateral and depends on the entry's result, and "offset 0" stops the planner from merging the two.
_BEFORE_QUERY: LiteralString = """
    select found.* from enter_organization(%s, %s, %s) as entered (role), lateral (
        select * from ("""
_AFTER_QUERY: LiteralString = """
        ) query where entered.role is not null offset 0
    ) found
"""
_ENTER: LiteralString = "select enter_organization(%s, %s, %s)"
_REFUSALS: dict[str, type[GuardError]] = {
    "ORG01": NotAMember,
    "ORG02": OrganizationSuspended,
    "ORG03": InsufficientRole,
}

Connections = Callable[[], AbstractContextManager[psycopg.Connection]]
Fetch = Callable[[LiteralString, Sequence[object]], list[tuple[Any, ...]]]


@dataclass(slots=True)
class Visit:
    """One call of a guarded view: the membership role it demands, and who has entered."""

    required_role: str
    entered_by: Principal | None = None

    def require_entered(self, principal: Principal, view_name: str) -> None:
        """
        Require that this visit entered for exactly *principal*, not for an equal or changed one.

        Raises:
            GuardError: it did not, so that no membership was checked.
        """
        if self.entered_by is not principal:
            raise GuardError(f"{view_name} answered without entering the organization")


class RowSecurity:
    """
    The way into an organization's rows. One object per process, safe for threads.

    Args:
        connections: lends one autocommit connection of the role org_api, such as
            `ConnectionPool.connection` of psycopg_pool; each new connection must have passed
            `require_row_security`.
        fetch: runs one statement that changes nothing and returns all its rows, for a pool that
            can try it again on another connection; `select` uses it.
    """

    def __init__(self, connections: Connections, fetch: Fetch | None = None) -> None:
        self._connections = connections
        self._fetch = fetch or self._fetch_once
        self._visit: ContextVar[Visit | None] = ContextVar("visit", default=None)

    @contextmanager
    def visit(self, required_role: str) -> Iterator[Visit]:
        """
        Let the block enter organizations, and demand *required_role* of the person each time.

        The guard does this around every view. Do it yourself where no view is: in a script, or in
        a thread that a view starts. A visit ends with its view, so a view that streams its answer
        reads all of it before it returns. Do not keep a visit open over a `yield` of your own.

        Postgres refuses a role that it does not know (InsufficientRole).
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
        Enter the principal's organization; yield a connection inside a transaction.

        BEGIN, the entry and the first query make one round trip (a pipeline); COMMIT is the
        second. An exception rolls everything back. To survive an expected error, wrap the
        statement in `with conn.transaction():` (a savepoint).

        Raises:
            NotAMember, OrganizationSuspended, InsufficientRole: at the first result, or at the end.
            GuardError: there is no visit; or the block swallowed an error of Postgres, and
                nothing of the block was kept.
        """
        visit = self._load_visit()
        with _refusals(), self._connections() as conn:
            try:
                with conn.pipeline() as pipeline:
                    # Read committed: a statement that waited for a lock sees what was committed
                    # meanwhile, whatever the database's default is.
                    conn.execute("begin isolation level read committed")
                    conn.execute(_ENTER, _entry(principal, visit))
                    try:
                        yield conn
                    except psycopg.DatabaseError:
                        # The pipeline skips what follows the error, and each skipped statement
                        # raises; psycopg would log that as a mistake in the use of the pipeline.
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
                conn.close()  # psycopg remembers prepared statements that Postgres has forgotten
                raise GuardError("went on after an error of Postgres")
            visit.entered_by = principal

    def enter_again(self, conn: psycopg.Connection, principal: Principal) -> None:
        """
        Check membership and role once more on a connection that `organization` yielded.

        For a block that has waited for a lock: the person may have been removed meanwhile. A
        refusal comes with the next result of *conn*, as in `organization`.

        Raises:
            GuardError: there is no visit.
        """
        conn.execute(_ENTER, _entry(principal, self._load_visit()))

    def select(
        self, principal: Principal, query: LiteralString, parameters: Sequence[object] = ()
    ) -> list[tuple[Any, ...]]:
        """
        Enter and read in one statement, which is one round trip and its own transaction.

        Args:
            query: one plain `select` without a semicolon and without an organization filter.
                Postgres runs the entry first; if it ever did not, row-level security would show
                no rows.
            parameters: the values of the query's `%s`.

        Raises:
            NotAMember, OrganizationSuspended, InsufficientRole: the entry was refused.
            GuardError: there is no visit.
        """
        visit = self._load_visit()
        entry = _entry(principal, visit)
        try:
            rows = self._fetch(_put_behind(query), (*entry, *parameters))
            if not rows:
                # Postgres does not run a query that is known to find nothing (a null parameter is
                # enough), and then it skips the entry, too. So ask for the entry by itself.
                self._fetch(_ENTER, entry)
        except psycopg.DatabaseError as error:
            _refuse(error)
            raise
        visit.entered_by = principal
        return rows

    def find_org_id(self, slug: str) -> str | None:
        """Return the id of the organization with that slug; it checks no membership."""
        [(org_id,)] = self._fetch("select find_organization_id(%s)::text", (slug,))
        return None if org_id is None else str(org_id)

    def _load_visit(self) -> Visit:
        visit = self._visit.get()
        if visit is None:
            raise GuardError(
                "entered outside of a guarded view, so no role is demanded; put "
                "`with rows.visit(role):` around it, with the membership role that it needs"
            )
        return visit

    def _fetch_once(
        self, statement: LiteralString, values: Sequence[object]
    ) -> list[tuple[Any, ...]]:
        with self._connections() as conn:
            return conn.execute(statement, values).fetchall()


@functools.lru_cache(512)  # psycopg finds a prepared statement faster by the same string object
def _put_behind(query: LiteralString) -> LiteralString:
    return _BEFORE_QUERY + query + _AFTER_QUERY


def _entry(principal: Principal, visit: Visit) -> tuple[str, str, str]:
    return principal.auth0_user_id, principal.org_id, visit.required_role


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
