"""Harmless differences, which must pass."""

import json
from typing import Final

from local_stack.access_tokens import ABSENT, AUDIENCE, CUSTOM_DOMAIN
from tests.kit.forged_access_tokens.changes import (
    change_client,
    issue,
    nest,
    write_claims,
    write_header,
    write_number,
)
from tests.kit.forged_access_tokens.kind import ORG_ROLE, Row, now
from tests.kit.forged_access_tokens.signature_blocks import RIGHT_BLOCK, sign_block
from tests.kit.token_changes import change_claims

Valid = tuple[Row, dict[str, object]]  # the token, and what differs in what it stands for


def _valid(row: Row, **differences: object) -> Valid:
    return row, differences


VALID: Final[dict[str, Valid]] = {
    "unchanged": _valid(lambda kind: kind.token()),
    "signed by hand": _valid(lambda kind: sign_block(kind, RIGHT_BLOCK)),
    "the API alone, as a string": _valid(change_claims(aud=AUDIENCE)),
    "the API alone, in a list": _valid(change_claims(aud=[AUDIENCE])),
    "the API last of three": _valid(change_claims(aud=["https://b.example/", "c", AUDIENCE])),
    "the custom domain": _valid(change_claims(iss=f"https://{CUSTOM_DOMAIN}/")),
    "claims of other Actions": _valid(
        change_claims(
            **{"https://other.example/x": {"y": [1, 2.5, None, True]}, "more": "\U0001f9ed"}
        )
    ),
    "organizations of another namespace": _valid(
        change_claims(
            **{"https://other.example/org_id": "x", "https://other.example/org_slug": "y"}
        )
    ),
    "a session's id and a password grant": _valid(change_claims(sid="s" * 32, gty="password")),
    "times with fractions": _valid(
        lambda kind: kind.token(iat=now() - 0.5, exp=now() + 600.5), expires_at=600.5
    ),
    "times in scientific notation": _valid(
        lambda kind: write_number("exp", f"{now() + 600}e0")(kind)
    ),
    "issued in 29 s": _valid(issue(29, 629), expires_at=629),
    "expired 29 s ago": _valid(issue(-629, -29), expires_at=-29),
    "a lifetime of one second": _valid(issue(0, 1), expires_at=1),
    "a lifetime of 30 days": _valid(issue(0, 2_592_000), expires_at=2_592_000),
    "sub of one character": _valid(change_claims(sub="s"), auth0_user_id="s"),
    "sub of 255 characters": _valid(change_claims(sub="s" * 255), auth0_user_id="s" * 255),
    "sub not ASCII": _valid(
        change_claims(sub="samlp|\u00f1|\U0001f9ed"), auth0_user_id="samlp|\u00f1|\U0001f9ed"
    ),
    "sub of another machine's form": _valid(
        change_claims(sub="email|joe@clients"), auth0_user_id="email|joe@clients"
    ),
    "another application": _valid(change_client("mobile"), client_id="mobile"),
    "the profile of a user": _valid(change_claims(sub_profile="user")),
    "two scopes with several spaces": _valid(
        change_claims(scope=" read:projects  read:members "),
        scopes=frozenset({"read:projects", "read:members"}),
    ),
    **{
        f"scopes divided by {what}, which are one": _valid(
            change_claims(scope=f"read:projects{space}read:members"),
            scopes=frozenset({f"read:projects{space}read:members"}),
        )
        for what, space in {
            "a tab": "\t",
            "a line feed": "\n",
            "a no-break space": "\u00a0",
            "an ideographic space": "\u3000",
            "a line separator": "\u2028",
        }.items()
    },
    "no scope": _valid(change_claims(scope=ABSENT), scopes=frozenset()),
    "an empty scope": _valid(change_claims(scope=""), scopes=frozenset()),
    "one scope, twice": _valid(
        change_claims(scope="read:projects read:projects"), scopes=frozenset({"read:projects"})
    ),
    "white space around the claims": _valid(write_claims(" \r\n\tTEXT\n")),
    "white space in the header": _valid(write_header("TEXT\n")),
    "names written with escapes": _valid(
        lambda kind: kind.signed_text(
            json.dumps(kind.claims()).replace('"sub"', r'"\u0073\u0075\u0062"')
        )
    ),
    "nested as deep as anybody needs": _valid(nest("[", "]", 31)),
}
VALID_ORGANIZATIONS: Final[dict[str, Valid]] = {
    "permissions that are no organizations": _valid(
        change_claims(permissions=["read:projects", "ORG:x", "xorg:abc", "org", 7, None, ["org:x"]])
    ),
    "no permissions": _valid(change_claims(permissions=[])),
    "no role": _valid(change_claims(**{ORG_ROLE: ABSENT}), org_role=None),
    "a role that is no string": _valid(change_claims(**{ORG_ROLE: ["owner"]}), org_role=None),
    "an owner": _valid(change_claims(**{ORG_ROLE: "owner"}), org_role="owner"),
}
VALID_PERMISSIONS: Final[dict[str, Valid]] = {
    "no permissions": _valid(change_claims(permissions=ABSENT), org_slugs=frozenset()),
    "an empty list of permissions": _valid(change_claims(permissions=[]), org_slugs=frozenset()),
    "permissions that are no slugs": _valid(
        change_claims(
            permissions=["org:", "org:A", "org:a_b", "org:-a", "org:a\n", 7, None, ["org:b"]]
        ),
        org_slugs=frozenset(),
    ),
    "one organization": _valid(
        change_claims(permissions=["org:solo-works"]), org_slugs=frozenset({"solo-works"})
    ),
}
