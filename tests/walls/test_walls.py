"""The unchanged product passes the walls; each bad example is stopped by the wall it breaks."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local_stack.node import PROJECT
from tests.walls.source_walls import BROAD_EXCEPTS, PRODUCT, SINGLE_MODULES, find_breaches
from tests.walls.sql_literals import find_sql

DEVELOPMENT = ("local_tenant", "local_stack", "benchmarks")
PURE = (
    "org_selector/action_tokens.py",
    "org_selector/decision_table.py",
    "org_guard/access_token.py",
    "api/rows/roles.py",
)
MAY_IMPORT = {
    "org_selector": {"endpoint", "service", "org_guard"},
    "api": {"endpoint", "service", "org_guard"},
    "endpoint": {"service", "org_guard"},
    "org_guard": set(),
    "service": set(),
    "schema": set(),
    "org_admin": {"schema", "service", "org_guard", "org_selector"},
}
WRONG_IMPORTS = [
    *(
        (f"{package}/wrong.py", other)
        for package, allowed in MAY_IMPORT.items()
        for other in (*PRODUCT, *DEVELOPMENT, "tests")
        if other not in {*allowed, package}
    ),
    *((f"{package}/wrong.py", library) for package in PRODUCT for library in ("jwt", "joserfc")),
    *((file, "flask") for file in PURE),
    ("org_guard/signing_keys.py", "jwt"),
    ("org_selector/action_tokens.py", "joserfc"),
    ("benchmarks/wrong.py", "tests"),
]
STATEMENT = 'conn.execute("select 1")'


def copy_product(folder: Path) -> Path:
    """Copy every Python file that a wall looks at, and the contracts of import-linter."""
    python = shutil.ignore_patterns("*.html", "*.css", "*.js", "*.sql", "__pycache__")
    for package in (*PRODUCT, *DEVELOPMENT):
        shutil.copytree(PROJECT / package, folder / package, ignore=python)
    for name in (*SINGLE_MODULES, "setup.cfg"):
        if (PROJECT / name).exists():
            shutil.copy(PROJECT / name, folder)
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A product of few files, of which each keeps to the walls."""
    for file, _ in BROAD_EXCEPTS:
        append(tmp_path, file, *(PROJECT / file).read_text().splitlines())
    assert find_breaches(tmp_path) == []
    return tmp_path


def append(folder: Path, file: str, *lines: str) -> int:
    """Write lines at the end of a file, made where it is missing; return the first one's number."""
    path = folder / file
    for parent in reversed(path.relative_to(folder).parents[:-1]):
        (folder / parent).mkdir(exist_ok=True)
        (folder / parent / "__init__.py").touch()
    before = path.read_text() if path.exists() else ""
    path.write_text(before + "".join(f"{line}\n" for line in lines))
    return before.count("\n") + 1


def run(folder: Path, *command: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, *command], cwd=folder, capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def lint_imports(folder: Path) -> tuple[int, str]:
    return run(folder, "-c", "from importlinter.cli import lint_imports_command as l; l()")


def check_source(folder: Path) -> tuple[int, str]:
    return run(PROJECT, "-m", "tests.walls", str(folder))


def test_every_package_of_the_product_has_its_row() -> None:
    assert MAY_IMPORT.keys() == {*PRODUCT}


def test_the_unchanged_product_passes(tmp_path: Path) -> None:
    copy_product(tmp_path)

    assert lint_imports(tmp_path)[0] == 0
    assert check_source(tmp_path) == (0, "The walls of the source stand.\n")


def test_command_fails_and_names_the_line(tmp_path: Path) -> None:
    line = append(copy_product(tmp_path), "service/logs.py", STATEMENT)

    assert check_source(tmp_path) == (1, f"service/logs.py:{line}: SQL outside its homes\n")


def test_every_import_through_a_wall_is_named(tmp_path: Path) -> None:
    copy_product(tmp_path)
    wanted = []
    for file, module in WRONG_IMPORTS:
        line = append(tmp_path, file, f"import {module}")
        wanted.append(f"{file[:-3].replace('/', '.')} -> {module} (l.{line})")
    status, output = lint_imports(tmp_path)

    assert status == 1
    assert [one for one in wanted if one not in " ".join(output.split())] == []


@pytest.mark.parametrize(
    ("file", "line", "breach"),
    [
        ("api/projects.py", STATEMENT, "SQL outside its homes"),
        ("api/rows/projects.py", STATEMENT, None),
        ("org_selector/decisions.py", STATEMENT, "SQL outside its homes"),
        ("org_selector/rows.py", STATEMENT, None),
        ("org_guard/flask.py", STATEMENT, "SQL outside its homes"),
        ("org_guard/row_security.py", STATEMENT, None),
        ("org_guard/role_check.py", STATEMENT, None),
        ("service/pool.py", STATEMENT, "SQL outside its homes"),
        ("endpoint/operation.py", STATEMENT, "SQL outside its homes"),
        ("schema/migrate.py", STATEMENT, None),
        ("org_admin/cli.py", STATEMENT, None),
        ("wsgi.py", STATEMENT, "SQL outside its homes"),
        ("wsgi.py", "import local_stack.seed", "imports local_stack.seed"),
        ("wsgi.py", "from local_tenant import app", "imports local_tenant"),
        ("worker.py", "from tests.kit import leaks", "imports tests.kit"),
        ("wsgi.py", "from org_selector import app", None),
        ("local_stack/seed.py", STATEMENT, None),
    ],
)
def test_sql_and_local_imports_are_found_by_file(
    tree: Path, file: str, line: str, breach: str | None
) -> None:
    number = append(tree, file, line)

    found = [] if breach is None else [f"{file}:{number}: {breach}"]
    assert find_breaches(tree) == found


@pytest.mark.parametrize(
    ("handler", "broad"),
    [
        ("except Exception:", True),
        ("except BaseException as error:", True),
        ("except:", True),
        ("except (ValueError, Exception):", True),
        ("except builtins.Exception:", True),
        ("except* Exception:", True),
        ("except ValueError:", False),
        ("except psycopg.Error:", False),
    ],
)
def test_broad_except_needs_a_reason(tree: Path, handler: str, broad: bool) -> None:
    lines = ("def work():", "    try:", "        pass", f"    {handler}", "        pass")
    number = append(tree, "service/logs.py", *lines) + 3

    found = f"service/logs.py:{number}: broad except in work, not among BROAD_EXCEPTS"
    assert find_breaches(tree) == ([found] if broad else [])


def test_suppressing_everything_is_a_broad_except(tree: Path) -> None:
    append(tree, "api/app.py", "with contextlib.suppress(ValueError): pass")
    assert find_breaches(tree) == []

    line = append(tree, "api/app.py", "with contextlib.suppress(Exception): pass")
    found = f"api/app.py:{line}: broad except in the module, not among BROAD_EXCEPTS"
    assert find_breaches(tree) == [found]


def test_reason_for_a_broad_except_that_is_gone_is_removed(tree: Path) -> None:
    file = tree / "org_guard" / "row_security.py"
    file.write_text(file.read_text().replace("except BaseException", "except OSError"))

    found = "org_guard/row_security.py: BROAD_EXCEPTS lists organization, which has none"
    assert find_breaches(tree) == [found]


@pytest.mark.parametrize(
    "source",
    [
        "'select 1'",
        "'SELECT name FROM organization'",
        "'Select * From organization'",
        "b'select 1'",
        "'''\n    select u.name, u.email\n    from app_user u\n'''",
        "'''\n    -- the members\n    select count(*)\n'''",
        "'(select org_id from project)'",
        "'select id::text from project'",
        "'select distinct org_id from project'",
        "'select case when true then 1 end'",
        "'select %s::int'",
        "'select {} from {}'.format(columns, table)",
        "'select %s from project' % columns",
        "f'select {columns} from project'",
        "f'{comment}select {columns} from project'",
        "'select ' + columns + ' from project'",
        "' '.join(['select id', 'from project'])",
        "'select from organization for update'",
        "'select a and b from pg_class where oid = %s'",
        "'with a as materialized (select 1) select * from a'",
        "'with recursive a (n) as (values (1)) table a'",
        "'insert into project (name) values (%s)'",
        "'insert into ' + table + ' default values'",
        "'insert into kept values (1)'",
        "f'update {table} set name = %s'",
        "'UPDATE org.membership AS m SET role = 1'",
        "'delete from project'",
        "'''delete\nfrom project where id = %s'''",
        "'merge into project p using added a on true'",
        "'truncate table project cascade'",
        "'truncate selection'",
        "'call org.sweep(1)'",
        "'do $$ begin end $$'",
    ],
)
def test_statement_is_recognized(source: str) -> None:
    assert [*find_sql(ast.parse(f"x = {source}"))] == [1]


@pytest.mark.parametrize(
    "source",
    [
        "'select'",
        "'Select an organization'",
        "'Select an organization from the list'",
        "'Select one or more names'",
        "'Select a file, then press Enter.'",
        "'Insert into the form what you know'",
        "'Update the settings of the tenant'",
        "'Delete a project'",
        "'Delete from the list what you do not need'",
        "'With two organizations, the picker is shown'",
        "f'With {count} organizations'",
        "'Merge into one'",
        "'Truncate the name after 80 characters'",
        "'Call the service (again) later'",
        "'Do not answer'",
        "'do it'",
        "count + 1",
        "'%s is selected from %s' % (a, b)",
        "['select', 'update', 'delete']",
    ],
)
def test_prose_is_no_statement(source: str) -> None:
    assert [*find_sql(ast.parse(f"x = {source}"))] == []


def test_docstring_is_no_statement_and_a_text_beside_it_is() -> None:
    source = "def f():\n    'select 1'\n    return 'select 1'\n"

    assert [*find_sql(ast.parse(source))] == [3]
