"""The claims of ours: those of a session token, and the hash in a decision token."""

from typing import Final

from tests.kit.action_tokens import ABSENT, valid_decision_claims
from tests.kit.forged_action_tokens.kind import BODY, Row
from tests.kit.token_changes import change_claims

FORGED_SESSIONS: Final[dict[str, Row]] = {
    **{
        f"{name} {what}": change_claims(**{name: value})
        for name, shortest, longest in (
            ("client_id", 1, 255),
            ("client_name", 0, 80),
            ("nonce", 16, 64),
            ("hint", 0, 255),
            ("invitation", 0, 64),
            ("bound", 0, 64),
            ("notice", 0, 64),
            ("app_origin", 0, 255),
            ("locale", 0, 35),
        )
        for what, value in {
            "missing": ABSENT,
            "null": None,
            "a number": 7,
            "true": True,
            "a list": ["a" * shortest],
            "too long": "a" * (longest + 1),
            **({"too short": "a" * (shortest - 1)} if shortest else {}),
        }.items()
    },
    **{
        f"version {what}": change_claims(version=value)
        for what, value in {
            "missing": ABSENT,
            "null": None,
            "zero": 0,
            "negative": -1,
            "a fraction": 1.0,
            "true": True,
            "a text": "1",
            "a list": [1],
        }.items()
    },
}
FORGED_DECISIONS: Final[dict[str, Row]] = {
    f"body_sha256 {what}": change_claims(body_sha256=value)
    for what, value in {
        "missing": ABSENT,
        "null": None,
        "a number": 7,
        "a list": [valid_decision_claims(BODY)["body_sha256"]],
        "empty": "",
        "cut": valid_decision_claims(BODY)["body_sha256"][:-1],
        "in capitals": valid_decision_claims(BODY)["body_sha256"].upper(),
        "of another body": valid_decision_claims(BODY + b" ")["body_sha256"],
        "not ASCII": "\u00e9" * 64,
    }.items()
}
