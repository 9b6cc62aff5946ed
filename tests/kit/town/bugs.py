"""
Mistakes that the state machine must find, each a change of the product's text.

`selector` changes a module of the selector, `schema` a function of the database.
"""

import re
from dataclasses import dataclass

import psycopg

from local_stack.node import PROJECT


@dataclass(frozen=True)
class Change:
    """Replace *old* by *new* wherever it stands: in a module, or in a function of a migration."""

    where: str
    old: str
    new: str


@dataclass(frozen=True)
class Bug:
    """Changes that together are one mistake."""

    selector: tuple[Change, ...] = ()
    schema: tuple[Change, ...] = ()


_ROWS, _LOOKUP = "org_selector.rows", "org_selector.picker.lookup.rows"
BUGS = {
    "a suspended organization is usable": Bug(
        (Change(_ROWS, "where user_id = u.id and not org_suspended", "where user_id = u.id"),)
    ),
    "the choice is not checked for a suspension again": Bug(
        (
            Change(
                "org_selector.choice_rows", "= %(org_id)s and not m.org_suspended", "= %(org_id)s"
            ),
        )
    ),
    "an invitation is accepted with an unverified address": Bug(
        (Change(_LOOKUP, "u.email_verified and exists (", "exists ("),),
        (Change("accept_invitation", "and u.blocked_at is null and u.email_verified", ""),),
    ),
    "an invitation is accepted with another address": Bug(
        (Change(_LOOKUP, "and i.email = lower(u.email) and org.is_open(i)", ""),),
        (Change("accept_invitation", "and i.email = lower(person.email)", ""),),
    ),
    "an expired invitation is open": Bug(
        schema=(Change("is_open", "and one.expires_at > now()", ""),)
    ),
    "an invitation outlives its inviter's right to give the role": Bug(
        schema=(Change("is_open", "one.invited_by is null or exists", "true or exists"),)
    ),
    "a refresh takes the default organization": Bug(
        (Change("org_selector.decision_table", 'if question.interaction != "page" or', "if"),)
    ),
    "a hint needs no membership": Bug(
        (Change(_ROWS, "n on n.user_id = u.id and n.org_id", "n on n.org_id"),)
    ),
    "a blocked person is let in": Bug((Change(_ROWS, "u.blocked_at is not null", "false"),)),
    "the first of several organizations is taken without a question": Bug(
        (
            Change(
                "org_selector.decision_table",
                "if len(standing.usable) != 1:",
                "if not standing.usable:",
            ),
        )
    ),
    "the API lets members of a suspended organization in": Bug(
        schema=(Change("enter_organization", "if suspended then", "if false then"),)
    ),
}


def break_schema(bug: Bug, superuser: psycopg.Connection) -> None:
    """Replace functions of the database by broken ones."""
    migrations = "\n".join(path.read_text() for path in sorted((PROJECT / "schema").glob("0*.sql")))
    for change in bug.schema:
        found = re.search(
            rf"create (function org\.{change.where}\(.*?(?:\$\$;|\)\);))\n", migrations, re.S
        )
        assert found is not None, change
        assert change.old in found[1], change
        broken = found[1].replace(change.old, change.new)
        superuser.execute(f"create or replace {broken}".encode())
