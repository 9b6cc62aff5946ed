"""The claim that names the one organization of a token (designs A, B and D)."""

import re
from collections.abc import Callable
from typing import Final

from local_stack.access_tokens import ABSENT, NAMESPACE, ORG_CLAIM
from tests.kit.forged_access_tokens.changes import ODD
from tests.kit.forged_access_tokens.kind import Row
from tests.kit.token_changes import change_claims, fill

_OTHER: Final = "5d3d0b6c-8a6e-4d5b-9f57-1e2d3c4b5a69"
# ONE is the organization of the valid token.
_FORMS: Final = {
    "two in one string": f"ONE {_OTHER}",
    "two with a comma": f"ONE,{_OTHER}",
    "in braces": "{ONE}",
    "as a URN": "urn:uuid:ONE",
    "with a space before": " ONE",
    "with a space after": "ONE ",
    "with a line feed before": "\nONE",
    "with a line feed after": "ONE\n",
    "with a letter too many": "ONE0",
    "its slug": "abc-inc",
    "Auth0's": "org_AbCdEf0123456789",
    "SQL": "ONE' or '1'='1",
    "everybody's": "*",
}
_CHANGES: Final[dict[str, Callable[[str], object]]] = {
    "in a list": lambda one: [one],
    "two in a list": lambda one: [one, _OTHER],
    "twice in a list": lambda one: [one, one],
    "as a name": lambda one: {one: "member"},
    "in an object": lambda one: {"id": one},
    "in capitals": str.upper,
    "with one capital": lambda one: re.sub("[a-f]", lambda at: at[0].upper(), one, count=1),
    "without hyphens": lambda one: one.replace("-", ""),
    "with a hyphen too many": lambda one: f"{one[:4]}-{one[4:]}",
    "with other hyphens": lambda one: one.replace("-", "\u2010"),
    "with underscores": lambda one: one.replace("-", "_"),
    "with hyphens elsewhere": lambda one: f"{one[:7]}-{one[7]}{one[9:]}",
    "in digits of another script": lambda one: one.translate({48: 0x0660, 49: 0x0661}),
    "in full-width digits": lambda one: one.translate(
        {ord(digit): 0xFEE0 + ord(digit) for digit in "0123456789"}
    ),
    "with a letter that is not hexadecimal": lambda one: f"g{one[1:]}",
    "cut short": lambda one: one[:-1],
    "with a wildcard": lambda one: f"{one[:-1]}%",
    "as a number": lambda one: int(one.replace("-", ""), 16) % 10**19,
}
# The names of claims that are not ours.
_ELSEWHERE: Final = {
    "another namespace": "https://attacker.example/claims/org_id",
    "our namespace with http": ORG_CLAIM.replace("https", "http"),
    "our namespace without its slash": f"{NAMESPACE[:-1]}org_id",
    "our namespace in capitals": ORG_CLAIM.upper(),
    "no namespace": "org_id",
    "a name that begins alike": f"{ORG_CLAIM}s",
    "a name with a space": f"{ORG_CLAIM} ",
    "the slug's claim": f"{NAMESPACE}org_slug",
    "the scopes": "scope",
}
_PERMISSIONS: Final = {
    "an organization": ["org:xyz-travel"],
    "this organization": ["read:projects", "org:abc-inc"],
    "a nameless organization": ["org:"],
}


def _change(change: Callable[[str], object]) -> Row:
    return lambda kind: kind.token(**{ORG_CLAIM: change(kind.org_id)})


def _write(form: str) -> Row:
    return _change(lambda one: fill(form, {"ONE": one}))


def _move(name: str) -> Row:
    return lambda kind: kind.token(**{ORG_CLAIM: ABSENT, name: kind.org_id})


FORGED_ORGANIZATIONS: Final[dict[str, Row]] = {
    **{f"organization {what}": change_claims(**{ORG_CLAIM: value}) for what, value in ODD.items()},
    **{f"organization {what}": _write(form) for what, form in _FORMS.items()},
    **{f"organization {what}": _change(change) for what, change in _CHANGES.items()},
    **{f"organization in {what}": _move(name) for what, name in _ELSEWHERE.items()},
    **{
        f"{what} among the permissions": change_claims(permissions=value)
        for what, value in _PERMISSIONS.items()
    },
}
