"""docs/your-own-table.md is right, and each line of it is needed."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import ModuleType
from typing import Any, LiteralString
from uuid import UUID, uuid4

import psycopg
import pytest
from flask.testing import FlaskClient
from psycopg.pq import TransactionStatus
from werkzeug.test import TestResponse

from local_stack import access_tokens, seed
from local_stack.node import PROJECT
from local_stack.postgres import Postgres
from org_guard import NotAMember, Principal, RowSecurity, UnsafeRole, require_row_security
from tests.kit.running_api import RunningApi, run_api

DOCUMENT = (PROJECT / "docs" / "your-own-table.md").read_text()
ABC, TRAVEL = seed.organization("abc-inc").id, seed.organization("xyz-travel").id
SCOPES = "read:invoices write:invoices"
SAFE_KEY = "foreign key (org_id, project_id) references org.project (org_id, id)"
UNSAFE_KEY = "foreign key (project_id) references org.project (id)"
ADD = "insert into invoice (project_id, number, cents) values (%s, '1', 1) returning org_id"


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT, re.S)


[MIGRATION] = _blocks("sql")
PYTHON = "\n".join(_blocks("python"))


# A copy of a database belongs to the superuser, and with it the schema.
OWN = "grant create on schema public to org_owner"


@pytest.fixture(scope="module")
def template(postgres: Postgres, keys_url: str) -> Iterator[RunningApi]:
    """A database for tests that leave nothing behind."""
    with run_api(postgres, keys_url) as running:
        running.superuser.execute(OWN)
        yield running


@pytest.fixture
def owner(postgres: Postgres, template: RunningApi) -> Iterator[psycopg.Connection]:
    """The tables' owner, who changes nothing for good."""
    with psycopg.connect(postgres.url(template.database_name, "org_owner")) as conn:
        yield conn
        conn.rollback()


@pytest.fixture
def superuser(postgres: Postgres, template: RunningApi) -> Iterator[psycopg.Connection]:
    """A superuser, who changes nothing for good."""
    with psycopg.connect(postgres.url(template.database_name, "postgres")) as conn:
        yield conn
        conn.rollback()


@pytest.fixture
def invoices() -> ModuleType:
    """The Python of the document."""
    return _load(PYTHON)


def _load(python: str) -> ModuleType:
    module = ModuleType("invoices")
    exec(compile(python, "docs/your-own-table.md", "exec", dont_inherit=True), module.__dict__)  # noqa: S102
    return module


@pytest.fixture
def app(
    postgres: Postgres, api: RunningApi, invoices: ModuleType, keys_url: str
) -> Iterator[FlaskClient]:
    """The app of the document on the migrated database."""
    api.superuser.execute(OWN)
    with psycopg.connect(postgres.url(api.database_name, "org_owner")) as conn:
        conn.execute(MIGRATION.encode())
    with _run(invoices, api.url, keys_url) as client:
        yield client


@contextmanager
def _run(invoices: ModuleType, url: str, keys_url: str) -> Iterator[FlaskClient]:
    domain = keys_url.removeprefix("http://").partition("/")[0]
    app = invoices.create_app(url, domain, access_tokens.AUDIENCE, access_tokens.NAMESPACE)
    try:
        yield app.test_client()
    finally:
        app.extensions["pool"].close()


def _headers(
    keys_url: str, login: str = "joe", slug: str = "abc-inc", scope: str = SCOPES
) -> dict[str, str]:
    claims = access_tokens.valid_claims(
        sub=f"auth0|{login}",
        iss=keys_url.removesuffix(".well-known/jwks.json"),
        scope=scope,
        **{access_tokens.ORG_CLAIM: str(seed.organization(slug).id)},
    )
    return {"Authorization": f"Bearer {access_tokens.sign(claims=claims)}"}


def _json(answer: TestResponse) -> dict[str, object]:
    body = answer.json
    assert isinstance(body, dict)
    return body


def _project(conn: psycopg.Connection, org_id: UUID = ABC) -> UUID:
    row = conn.execute("select id from org.project where org_id = %s limit 1", (org_id,)).fetchone()
    assert row is not None
    found: UUID = row[0]
    return found


def test_a_member_sees_the_rows_of_the_tokens_organization_only(
    app: FlaskClient, api: RunningApi, keys_url: str
) -> None:
    """Two organizations, one person in both, real tokens."""
    at_abc, at_travel = _headers(keys_url), _headers(keys_url, slug="xyz-travel")
    address = f"/projects/{_project(api.superuser)}/invoices/2026-1"
    added = app.post(address, headers=at_abc)

    assert (added.status_code, _json(added)["number"]) == (201, "2026-1")
    assert app.get("/invoices", headers=at_abc).json == [added.json]
    assert app.get("/invoices", headers=at_travel).json == []
    stored = api.superuser.execute("select org_id from invoice").fetchall()
    assert stored == [(ABC,)]


@pytest.mark.parametrize(
    ("status", "code", "token"),
    [
        (403, "not_a_member", {"login": "nina"}),
        (403, "not_a_member", {"slug": "solo-works"}),
        (403, "organization_suspended", {"login": "sue", "slug": "frozen-foods"}),
        (403, "insufficient_scope", {"scope": "openid"}),
        (401, "missing_token", None),
    ],
)
def test_a_request_without_token_scope_or_membership_is_refused(
    app: FlaskClient, keys_url: str, status: int, code: str, token: dict[str, str] | None
) -> None:
    """By the guard or by the database, each with its own answer."""
    headers = {} if token is None else _headers(keys_url, **token)
    answer = app.get("/invoices", headers=headers)

    assert (answer.status_code, _json(answer)["code"]) == (status, code)


def test_a_view_that_does_not_enter_is_a_500_and_the_log_names_it(
    api: RunningApi, keys_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A refused caller is logged, too, but not as an error."""
    line = "jsonify(invoices.list_newest(principal))"
    assert line in PYTHON
    forgetful = _load(PYTHON.replace(line, "jsonify(['the secret'])"))
    caplog.set_level(logging.INFO)
    with _run(forgetful, api.url, keys_url) as client:
        answer = client.get("/invoices", headers=_headers(keys_url))
        assert client.get("/invoices").status_code == 401

    assert (answer.status_code, _json(answer)["code"]) == (500, "unexpected")
    assert "secret" not in answer.text
    mistake, refusal = (one for one in caplog.records if one.name == "org_guard")
    assert (mistake.levelname, refusal.levelname) == ("ERROR", "INFO")
    assert "list_invoices answered without entering the organization" in mistake.getMessage()
    assert "missing_token" in refusal.getMessage()


def test_an_invoice_needs_the_role_and_a_project_of_the_same_organization(
    app: FlaskClient, api: RunningApi, keys_url: str
) -> None:
    """A project of another organization looks like one that does not exist."""
    own = f"/projects/{_project(api.superuser)}/invoices/1"
    refusal = app.post(own, headers=_headers(keys_url, "sue"))
    assert _json(refusal)["code"] == "insufficient_role"
    for project_id in (_project(api.superuser, TRAVEL), uuid4()):
        with pytest.raises(psycopg.errors.ForeignKeyViolation) as refused:
            _add(api.url, project_id)
        assert "is not present in table" in str(refused.value)
    assert api.superuser.execute("select 1 from invoice").fetchall() == []


@pytest.mark.parametrize(
    "query",
    [
        "select id from invoice order by created_at desc, id desc limit 5",
        "select id from invoice",
        "with own as (select * from invoice) select count(*) from own",
    ],
)
def test_a_query_of_a_large_table_still_enters_first(
    app: FlaskClient, api: RunningApi, query: LiteralString
) -> None:
    """Otherwise it would return no rows."""
    assert app.get("/invoices").status_code == 401
    api.superuser.execute(
        "insert into invoice (org_id, project_id, number, cents) "
        "select org_id, id, n, 1 from org.project, generate_series(1, 3000) n"
    )
    api.superuser.execute("vacuum analyze invoice")
    with psycopg.connect(api.url, autocommit=True) as conn:
        rows = RowSecurity(lambda: nullcontext(conn))
        with rows.visit("member"):
            found = rows.select(_principal(), query)
        with pytest.raises(NotAMember), rows.visit("member"):
            rows.select(_principal("auth0|nina"), query)

    assert len(found) in (5, 9000, 1)
    assert found != [(0,)]


def test_the_migration_as_written_is_safe_and_works(superuser: psycopg.Connection) -> None:
    """The tests below leave out one line each."""
    _migrate(superuser, MIGRATION)
    project = _project(superuser)
    with _as_org_api(superuser):
        require_row_security(superuser)
        assert superuser.execute(ADD, (project,)).fetchone() == (ABC,)
        assert superuser.execute("update invoice set cents = 2").rowcount == 1
        assert superuser.execute("delete from invoice").rowcount == 1


@pytest.mark.parametrize("line", ["enable", "force"])
def test_without_forced_row_security_the_app_does_not_start(
    postgres: Postgres, api: RunningApi, invoices: ModuleType, keys_url: str, line: str
) -> None:
    """The message names the table."""
    left_out = MIGRATION.replace(f"alter table invoice {line} row level security;\n", "")
    assert left_out != MIGRATION
    api.superuser.execute(OWN)
    with psycopg.connect(postgres.url(api.database_name, "org_owner")) as conn:
        conn.execute(left_out.encode())

    with (
        pytest.raises(UnsafeRole, match=r"invoice\..*docs/your-own-table\.md"),
        _run(invoices, api.url, keys_url),
    ):
        pass


@pytest.mark.parametrize(
    ("line", "instead", "told"),
    [
        (" default org.entered_organization()", "", "new row violates"),
        (
            re.search(r"create policy entered .*?;\n", MIGRATION, re.S)[0],  # type: ignore[index]
            "",
            "new row violates row-level security policy",
        ),
        ("grant select, delete on invoice to org_api;\n", "", "permission denied for table"),
        (SAFE_KEY, UNSAFE_KEY, "no unique constraint"),
    ],
    ids=["default", "policy", "grant", "foreign key"],
)
def test_without_any_other_line_of_the_migration_the_app_does_not_work(
    superuser: psycopg.Connection, line: str, instead: str, told: str
) -> None:
    """It shows no row of another organization then."""
    assert line in MIGRATION
    project = _project(superuser)
    with pytest.raises(psycopg.Error, match=told):
        _migrate(superuser, MIGRATION.replace(line, instead))
        with _as_org_api(superuser):
            superuser.execute(ADD, (project,))


def test_a_foreign_key_without_the_organization_reaches_rows_of_others(
    superuser: psycopg.Connection,
) -> None:
    """Postgres checks foreign keys without policies: so the document's has `org_id`."""
    superuser.execute("create unique index on org.project (id)")
    _migrate(superuser, MIGRATION.replace(SAFE_KEY, UNSAFE_KEY))
    theirs = _project(superuser, TRAVEL)
    with _as_org_api(superuser):
        assert superuser.execute(ADD, (theirs,)).fetchone() == (ABC,)


def test_without_its_policy_the_owner_sees_an_empty_table(owner: psycopg.Connection) -> None:
    """Forced row-level security applies to the owner, too."""
    line = "create policy owner_manages on invoice to current_user using (true);\n"
    add = "insert into invoice (org_id, project_id, number, cents) select org_id, id, '1', 1 from "
    for migration, seen in ((MIGRATION, True), (MIGRATION.replace(line, ""), False)):
        with owner.transaction(force_rollback=True):
            owner.execute(migration.encode())
            try:
                with owner.transaction():
                    owner.execute(f"{add} org.project".encode())
            except psycopg.errors.InsufficientPrivilege:
                assert not seen
            assert bool(owner.execute("select 1 from invoice").fetchall()) is seen


def test_a_primary_key_without_the_organization_shows_which_ids_exist(
    superuser: psycopg.Connection,
) -> None:
    """With `org_id` in the key, every organization may use every id."""
    for key, told in (("(org_id, id)", False), ("(id)", True)):
        with superuser.transaction(force_rollback=True):
            superuser.execute("grant insert (id) on org.project to org_api")
            _migrate(superuser, MIGRATION.replace("primary key (org_id, id)", f"primary key {key}"))
            superuser.execute("grant insert (id) on invoice to org_api")
            own, theirs = _project(superuser), _project(superuser, TRAVEL)
            superuser.execute(
                "insert into invoice (org_id, id, project_id, number, cents) "
                "values (%s, %s, %s, '1', 1)",
                (TRAVEL, theirs, theirs),
            )
            taken = pytest.raises(psycopg.errors.UniqueViolation) if told else nullcontext()
            with _as_org_api(superuser), taken:
                superuser.execute(
                    "insert into invoice (id, project_id, number, cents) values (%s, %s, '1', 1)",
                    (theirs, own),
                )


def test_a_view_or_function_of_the_owner_shows_every_row(superuser: psycopg.Connection) -> None:
    """The document warns of it, and recommends another form."""
    _migrate(superuser, MIGRATION)
    superuser.execute("set local role org_owner")
    superuser.execute(
        "insert into invoice (org_id, project_id, number, cents) "
        "select org_id, id, '1', 1 from org.project"
    )
    superuser.execute(
        """
        create view wrong as select org_id from invoice;
        create view fine with (security_invoker = true) as select org_id from invoice;
        create function wrong() returns setof uuid language sql security definer
            as 'select org_id from public.invoice';
        create function fine() returns setof uuid language sql
            as 'select org_id from public.invoice';
        grant select on wrong, fine to org_api
        """
    )
    superuser.execute("reset role")
    with _as_org_api(superuser):
        for name, own in (("wrong", False), ("wrong()", False), ("fine", True), ("fine()", True)):
            found = set(superuser.execute(f"select * from {name}".encode()).fetchall())  # noqa: S608
            assert (found == {(ABC,)}) is own, name
        with pytest.raises(UnsafeRole, match=" wrong\\."):
            require_row_security(superuser)


def _migrate(superuser: psycopg.Connection, migration: str) -> None:
    superuser.execute("set local role org_owner")
    superuser.execute(migration.encode())
    superuser.execute("reset role")


@contextmanager
def _as_org_api(conn: psycopg.Connection) -> Iterator[None]:
    conn.execute("set local role org_api")
    conn.execute("select org.enter_organization('auth0|joe', %s)", (ABC,))
    yield
    if conn.info.transaction_status is TransactionStatus.INTRANS:
        conn.execute("reset role")


def _add(url: str, project_id: UUID) -> Any:
    with psycopg.connect(url, autocommit=True) as conn:
        rows = RowSecurity(lambda: nullcontext(conn))
        with rows.visit("member"), rows.organization(_principal()) as entered:
            return entered.execute(ADD, (project_id,)).fetchone()


def _principal(auth0_user_id: str = "auth0|joe") -> Principal:
    return Principal(auth0_user_id, str(ABC), None, frozenset(), "spa", 0.0)
