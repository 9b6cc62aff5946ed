"""
What the source of the product must not hold: SQL outside its homes, broad excepts, local imports.

Which package imports which is import-linter's part (setup.cfg). It cannot take single modules such
as wsgi.py, so their imports are looked at here.
"""

import ast
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

from tests.walls.sql_literals import find_sql

PRODUCT = ("org_selector", "org_guard", "api", "endpoint", "schema", "service", "org_admin")
SINGLE_MODULES = ("wsgi.py", "worker.py")
SQL_HOMES = (
    "*rows*",
    "org_guard/row_security.py",
    "org_guard/role_check.py",
    "schema/*",
    "org_admin/*",
)
# Functions that may catch everything, and why.
BROAD_EXCEPTS = {
    ("org_guard/row_security.py", "organization"): "rolls back, then raises the same error again",
}
LOCAL = {"local_tenant", "local_stack", "benchmarks", "tests", "demo"}


def find_breaches(root: Path) -> list[str]:
    """Check every product file below *root*; a breach is one line: file, line, what is wrong."""
    paths = [path for package in PRODUCT for path in sorted((root / package).rglob("*.py"))]
    paths += [root / name for name in SINGLE_MODULES if (root / name).exists()]
    breaches, unused = [], set(BROAD_EXCEPTS)
    for path in paths:
        name = path.relative_to(root).as_posix()
        tree = ast.parse(path.read_text(), name)
        found = [(line, "SQL outside its homes") for line in find_sql(tree) if not _is_home(name)]
        if name in SINGLE_MODULES:
            found += [(line, f"imports {module}") for line, module in _find_local_imports(tree)]
        for line, function in _find_broad_excepts(tree, "the module"):
            if (name, function) not in BROAD_EXCEPTS:
                found.append((line, f"broad except in {function}, not among BROAD_EXCEPTS"))
            unused.discard((name, function))
        breaches += [f"{name}:{line}: {what}" for line, what in sorted(found)]
    return breaches + [
        f"{name}: BROAD_EXCEPTS lists {function}, which has none" for name, function in unused
    ]


def _is_home(name: str) -> bool:
    return any(fnmatch(name, home) for home in SQL_HOMES)


def _find_broad_excepts(node: ast.AST, function: str) -> Iterator[tuple[int, str]]:
    """Find `except:`, `except Exception` and `suppress(Exception)`, with the function around."""
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            function = name
        case ast.ExceptHandler(type=kind) if kind is None or _is_broad(kind):
            yield node.lineno, function
        case ast.Call(func=called, args=kinds) if _last_name(called) == "suppress":
            if any(_is_broad(kind) for kind in kinds):
                yield node.lineno, function
    for child in ast.iter_child_nodes(node):
        yield from _find_broad_excepts(child, function)


def _is_broad(kind: ast.expr) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(_last_name(one) in {"Exception", "BaseException"} for one in kinds)


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _find_local_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                modules = [alias.name for alias in aliases]
            case ast.ImportFrom(module=str() as module):
                modules = [module]
            case _:
                continue
        yield from ((node.lineno, one) for one in modules if one.partition(".")[0] in LOCAL)
