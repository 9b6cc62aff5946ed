"""SQL statements among the string literals of a Python file."""

import ast
import re
from collections.abc import Iterator

# Stands for what an f-string or a concatenation inserts: a name, a list of columns, anything.
_HOLE = "_hole_"
# How a statement goes on after its verb, so that a sentence with the same verb is left alone.
_FORMS = (
    r"select \s+ (?: (?: all | distinct ) \s+ )? NAME (?: \s+ as \s+ NAME )? \s*"
    r"   (?: [,;|<>=+*/-] | :: | \b(?: from | where | into | union | for )\b | $ )",
    r"select \s+ (?: NAME [(\[] | [*(':$] | %[s(] | HOLE | $ )",
    r"select \s+ (?: distinct | from | case | exists | null | not | array )\b",
    r"select \s .* \b from \s+ NAME \s+ ALIAS (?: where | join | order | group | limit )\b",
    r"insert \s+ into \s+ NAME \s* ALIAS (?: \( | \b(?: values | select | default )\b | $ )",
    r"update \s+ (?: only \s+ )? NAME \s+ ALIAS (?: set\b | $ )",
    r"delete \s+ from \s+ (?: only \s+ )? NAME \s* ALIAS"
    r"   (?: \b(?: where | using | returning )\b | ; | $ )",
    r"with \s+ (?: recursive \s+ )? NAME \s* (?: \([^()]*\) \s* )?"
    r"   as \s* (?: (?: not \s+ )? materialized \s* )? \(",
    r"merge \s+ into \s+ NAME \s+ ALIAS (?: using\b | $ )",
    r"truncate \s+ (?: table \s+ )? (?: only \s+ )? NAME \s*"
    r"   (?: [,;] | \b(?: restart | continue | cascade | restrict )\b | $ )",
    r"call \s+ NAME \(",
    r"do \s+ (?: language \s+ \w+ \s+ )? (?: \$\w*\$ | ' )",
)
_BEFORE = r"(?: \s | \( | HOLE | --[^\n]*\n | /\*.*?\*/ )*"
_STATEMENT = re.compile(
    f"{_BEFORE} (?: {' | '.join(_FORMS)} )".replace("HOLE", _HOLE)
    .replace("ALIAS", r"(?: (?: as \s+ )? \w+ \s+ )?")
    .replace("NAME", r'(?: [\w.%"] | \{[^{}]*\} )+'),
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
# No statement ends like a sentence.
_SENTENCE = re.compile(r"[.!?…:]\s*$")


def find_sql(tree: ast.AST) -> Iterator[int]:
    """
    Find the lines where a literal begins that is a statement of SQL, or the beginning of one.

    Looked at are texts, bytes, f-strings and concatenations (`+`, `%`), upper or lower case.
    Docstrings are not looked at. A clause without its statement (`where org_id = %s`) is not
    found, and a sentence such as "Select a name from the list" is not taken for SQL.
    """
    docstrings = {id(text) for node in ast.walk(tree) for text in _docstring(node)}
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        text = None if id(node) in docstrings else _text(node)
        if text and isinstance(node, ast.expr) and _is_sql(text):
            yield node.lineno
        else:
            waiting += ast.iter_child_nodes(node)


def _is_sql(text: str) -> bool:
    return _STATEMENT.match(text) is not None and not _SENTENCE.search(text)


def _docstring(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
            yield first.value


def _text(node: ast.AST) -> str | None:
    """Return the text of a literal, with a hole for each part that is not known here."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.Constant(value=bytes() as octets):
            return octets.decode("latin-1")
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) or _HOLE for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            texts = (_text(left), _text(right))
            return None if texts == (None, None) else "".join(text or _HOLE for text in texts)
        case ast.BinOp(left=left, op=ast.Mod()):
            return _text(left)
        case _:
            return None
