"""
Attacker: a person in the middle of a login, who copies the tokens that pass through the browser.
Wants: to use a token of one kind where another is expected, at the API or at the selector.
Stopped by: `org_guard/access_token.py` `_require_header`, `org_selector/action_tokens.py`
`_require_header` `_require_issuer_and_audience`

Each kind has its own verifier, and no two kinds share algorithm, keys, audience and form.
"""

import hashlib

import pytest
from werkzeug.test import TestResponse

from local_stack import access_tokens
from local_stack.access_tokens import segment
from tests.kit.action_tokens import (
    HEADER,
    SELECTION_SECRET,
    SESSION_SECRET,
    STATE,
    sign,
    valid_decision_claims,
    valid_selection_claims,
    valid_session_claims,
)
from tests.kit.running_selector import Selector, ask
from tests.kit.target import Target
from tests.kit.visit import OWN_ORIGIN, TRAVEL, enter

BODY = ask("joe", hint="xyz-travel").model_dump_json().encode()


@pytest.fixture
def target(standing_target: Target) -> Target:
    """The shared API: no test here changes a row."""
    return standing_target


def test_the_selectors_tokens_are_refused_as_access_tokens(
    target: Target, selector: Selector
) -> None:
    """Session and decision token pass at the selector at the same moment."""
    selection = enter(selector).select(TRAVEL).text.partition('name="selection_token" value="')[2]
    tokens = {
        "session": sign(HEADER, valid_session_claims(), SESSION_SECRET),
        "decision": sign(HEADER, valid_decision_claims(BODY), SESSION_SECRET),
        "selection": selection.partition('"')[0],
    }
    assert open_page(selector, tokens["session"]).status_code == 303
    assert decide(selector, tokens["decision"]).status_code == 200
    assert tokens["selection"].count(".") == 2
    assert target.get("/me").status_code == 200
    for name, token in tokens.items():
        assert target.get("/me", token=token).status_code == 401, name


def test_a_token_signed_with_a_selector_secret_is_refused_by_the_api(target: Target) -> None:
    """Even with the claims and the key id of an access token."""
    kinds = [valid_session_claims(), valid_decision_claims(BODY), valid_selection_claims()]
    assert target.get("/me").status_code == 200
    for claims in kinds:
        for secret in (SESSION_SECRET, SELECTION_SECRET):
            for header in (HEADER, access_tokens.valid_header(alg="HS256")):
                token = sign(header, claims | target.claims(), secret)
                assert target.get("/me", token=token).status_code == 401
        # Even signed with the tenant's key, the claims of a session token are refused.
        assert target.get("/me", token=access_tokens.sign(claims=claims)).status_code == 401


def test_an_access_token_is_refused_by_the_selector(target: Target, selector: Selector) -> None:
    """As a decision token and as a session token."""
    digest = hashlib.sha256(BODY).hexdigest()
    claims = target.claims()
    tokens = [
        target.token(),
        target.token(aud="org-selector/decisions", body_sha256=digest),
        target.token(aud="org-selector/select", nonce="n" * 22),
        access_tokens.sign(claims=valid_decision_claims(BODY)),
        access_tokens.sign(claims=valid_session_claims()),
        access_tokens.sign(access_tokens.valid_header(alg="HS256"), valid_decision_claims(BODY)),
        sign(HEADER, claims, SESSION_SECRET),
        f"{segment(HEADER)}.{segment(valid_session_claims())}.",
    ]
    assert target.get("/me", token=tokens[0]).status_code == 200
    assert decide(selector, sign(HEADER, valid_decision_claims(BODY), SESSION_SECRET)).json
    for token in tokens:
        assert decide(selector, token).status_code == 401
        assert open_page(selector, token).status_code == 400


def test_the_selector_refuses_its_own_tokens_in_each_others_place(selector: Selector) -> None:
    """Session and decision tokens share one secret; the audience tells them apart."""
    session = sign(HEADER, valid_session_claims(), SESSION_SECRET)
    decision = sign(HEADER, valid_decision_claims(BODY), SESSION_SECRET)
    selection = sign(HEADER, valid_selection_claims(), SELECTION_SECRET)

    assert open_page(selector, session).status_code == 303
    assert decide(selector, decision).status_code == 200
    for token in (decision, selection):
        assert open_page(selector, token).status_code == 400
    for token in (session, selection):
        assert decide(selector, token).status_code == 401


def open_page(selector: Selector, token: str) -> TestResponse:
    """Open the picker with *token* as the session token."""
    query = {"session_token": token, "state": STATE}
    return selector.app.test_client().get("/select", query_string=query, base_url=OWN_ORIGIN)


def decide(selector: Selector, token: str) -> TestResponse:
    """Ask for a decision as the Action does, with *token* as the decision token."""
    headers = {"Authorization": f"Bearer {token}"}
    return selector.app.test_client().post("/decisions", data=BODY, headers=headers)
