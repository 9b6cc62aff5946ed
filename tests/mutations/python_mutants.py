"""Every small mistake somebody could make in a Python file, found in its syntax tree."""

import ast
import copy
import re
from collections.abc import Iterator

Change = tuple[ast.AST, str]  # a node and the text that takes its place
# What stands in their brackets is for type checkers, or says how an object keeps its fields.
_IDLE_CALLS = {"TypeVar", "dataclass"}
_IDLE_TYPES = {"Callable", "Literal", "dict", "tuple"}

_BOUNDARY: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
}
_NEGATED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.LtE,
    ast.GtE: ast.Lt,
}


def make_mutants(source: str) -> list[tuple[int, int, str]]:
    """List (start, end, replacement) of each mutant of *source*; all of them are Python."""
    offsets = _line_offsets(source)
    found: dict[str, tuple[int, int, str]] = {}
    for node, now in _walk(ast.parse(source)):
        if not isinstance(node, ast.expr | ast.stmt | ast.keyword):
            raise TypeError(f"{node} has no place in the source")
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = _offset(source, offsets, node.lineno, node.col_offset)
        end = _offset(source, offsets, node.end_lineno, node.end_col_offset)
        changes = [(start, end, now)]
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            changes += [
                (start + begin, start + stop, word)
                for begin, stop, word in make_sql_mutants(source[start:end])
            ]
        for start, end, now in changes:
            mutant = source[:start] + now + source[end:]
            compile(mutant, "mutant", "exec")
            if mutant != source:
                found.setdefault(mutant, (start, end, now))
    return list(found.values())


def find_function(source: str, offset: int) -> int | None:
    """Return the first line of the innermost function whose body has *offset*, if any has."""
    line = source.count("\n", 0, offset) + 1
    firsts = [
        min(part.lineno for part in (node, *node.decorator_list))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body[0].lineno <= line <= (node.end_lineno or 0)
    ]
    return max(firsts, default=None)


def _line_offsets(source: str) -> list[int]:
    offsets = [0]
    for line in source.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    return offsets


def _offset(source: str, offsets: list[int], line: int, column: int) -> int:
    """Turn a line and a column in bytes of UTF-8 into an offset in characters."""
    text = source[offsets[line - 1] : offsets[line]]
    return offsets[line - 1] + len(text.encode()[:column].decode())


def _walk(node: ast.AST) -> Iterator[Change]:
    """Yield the changes of *node* and below; words for people and types are left alone."""
    if _is_idle(node):
        return
    yield from _changes(node)
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_params"):
            continue
        if isinstance(node, ast.Raise) and name == "exc" and isinstance(value, ast.Call):
            continue  # what is raised may say anything, and its class is seen by `raise` → `pass`
        if isinstance(node, ast.JoinedStr):
            continue  # Python before 3.12 does not tell where its parts stand
        for child in value if isinstance(value, list) else [value]:
            is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            if isinstance(child, ast.AST) and not is_docstring:
                yield from _walk(child)


def _is_idle(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return name in _IDLE_CALLS
        case ast.Subscript(value=ast.Name(id=name)):
            return name in _IDLE_TYPES
        case ast.If(test=ast.Name(id=name)):
            return name == "TYPE_CHECKING"
    return False


def _changes(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Raise() | ast.Continue() | ast.Break():
            yield node, "pass"
        case ast.If() | ast.IfExp() | ast.While():
            test = ast.unparse(node.test)
            yield node.test, f"(not ({test}))"
            yield node.test, "False"
        case ast.BoolOp():
            for at in range(len(node.values)):
                yield _without(node, "values", at)
        case ast.Compare():
            yield from _comparisons(node)
        case ast.UnaryOp(op=ast.Not()):
            yield node, f"({ast.unparse(node.operand)})"
        case ast.Call():
            for at in range(len(node.keywords)):
                yield _without(node, "keywords", at)
        case ast.List() | ast.Set() | ast.Tuple() if isinstance(
            getattr(node, "ctx", ast.Load()), ast.Load
        ):
            for at in range(len(node.elts)):
                yield _without(node, "elts", at)
        case ast.Dict():
            for at in range(len(node.keys)):
                yield _without_entry(node, at)
        case ast.JoinedStr():
            yield node, "''"
        case ast.Constant():
            yield from _constants(node)


def _without(node: ast.expr, field: str, at: int) -> Change:
    copied = copy.deepcopy(node)
    del getattr(copied, field)[at]
    if isinstance(copied, ast.BoolOp) and len(copied.values) == 1:
        return node, f"({ast.unparse(copied.values[0])})"
    if isinstance(copied, ast.Set) and not copied.elts:
        return node, "set()"
    return node, ast.unparse(copied)


def _without_entry(node: ast.Dict, at: int) -> Change:
    copied = copy.deepcopy(node)
    del copied.keys[at], copied.values[at]
    return node, ast.unparse(copied)


def _comparisons(node: ast.Compare) -> Iterator[Change]:
    for at, operator in enumerate(node.ops):
        for table in (_BOUNDARY, _NEGATED):
            if type(operator) in table:
                copied = copy.deepcopy(node)
                copied.ops[at] = table[type(operator)]()
                yield node, f"({ast.unparse(copied)})"
    if len(node.ops) > 1:
        operands = [node.left, *node.comparators]
        for at, operator in enumerate(node.ops):
            alone = ast.Compare(operands[at], [operator], [operands[at + 1]])
            yield node, f"({ast.unparse(alone)})"


def _constants(node: ast.Constant) -> Iterator[Change]:
    match node.value:
        case bool(value):
            yield node, repr(not value)
        case int(value):
            yield node, repr(value + 1)
            yield node, f"({value - 1})"
        case str(value):
            yield node, repr("" if value else "mutant")


# What a condition follows, and what ends it outside brackets.
_SQL = re.compile(r"\b(select|insert|update|delete)\s")
_BEFORE_CONDITION = re.compile(r"(?<!is )\b(where|and|or|not|on|when)\s+(?!conflict)")
_AFTER_CONDITION = re.compile(
    r"\b(and|or|order by|limit|offset|union|for update|then|returning)\b|[,;\n)]"
)
_SQL_COMPARISON = re.compile(r"(?<=\s)(<>|[<>]=?)(?=\s)|\bis (not )?null\b|\b(asc|desc)\b")
_OTHER_COMPARISON = {
    "<": "<=",
    "<=": "<",
    ">": ">=",
    ">=": ">",
    "<>": "=",
    "is null": "is not null",
    "is not null": "is null",
    "asc": "desc",
    "desc": "asc",
}


def make_sql_mutants(literal: str) -> Iterator[tuple[int, int, str]]:
    """Yield (start, end, replacement) for each condition and comparison of a statement."""
    if not _SQL.search(literal):
        return
    sql = re.sub("--[^\n]*", lambda comment: " " * len(comment[0]), literal)
    for word in _BEFORE_CONDITION.finditer(sql):
        depth, end = 0, word.end()
        while end < len(sql) - 1 and (depth or not _AFTER_CONDITION.match(sql, end)):
            depth += (sql[end] == "(") - (sql[end] == ")")
            end += 1
        yield word.end(), end, "false" if word[1] == "or" else "true"
    for found in _SQL_COMPARISON.finditer(sql):
        yield found.start(), found.end(), _OTHER_COMPARISON[found[0]]
