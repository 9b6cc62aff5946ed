"""
`POST /decisions`: may this user act, and for which organization?

The Action asks before every token: at a login, on the way back from the picker, in a silent login
and at a refresh. Each answer comes from the database as it is now, so a removed member gets no
further token. `Decisions` works in three steps: load, decide (`decision_table.py`), apply.
"""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import psycopg
import structlog
from flask import Blueprint, Response, g, request

from endpoint.names import clean_name
from org_selector.action_tokens import ActionTokens
from org_selector.choices import Choices
from org_selector.decision_table import Apply, Choose, Decision, Granted, Refused, decide
from org_selector.errors import CallerGone, InvalidDecisionRequest, InvalidDecisionToken
from org_selector.question import MAX_BODY_BYTES, AskedUser, Question, parse_question
from org_selector.rows import DecisionRows
from org_selector.standing import Profile, Standing
from service.pool import Unavailable

VERSION = 1  # of the answer
MAX_NAME = 300  # characters; Auth0 has the same limit


class Decisions:
    """
    Answer questions from the database.

    Args:
        trusted_connections: the connections whose verified addresses count; `None` means database
            connections and google-oauth2. The administrator of an enterprise connection can
            claim any address, so such a connection counts only if it is named.
    """

    def __init__(
        self,
        rows: DecisionRows,
        choices: Choices,
        trusted_connections: tuple[str, ...] | None,
    ) -> None:
        self._rows = rows
        self._choices = choices
        self._trusted_connections = trusted_connections

    def answer(self, question: Question) -> Decision:
        """
        Decide, update the stored profile if it changed, and apply the choice if there is one.

        Raises:
            service.pool.Unavailable: Postgres does not answer.
        """
        standing = self._load(question)
        decision = decide(question, standing)
        return self._apply(question, standing, decision)

    def note_login(self, question: Question, granted: Granted) -> None:
        """
        Add a login in a browser to the audit trail; nothing for a refresh or a silent login.

        Call it after the answer was sent: a failure is logged and refuses nothing.
        """
        if question.interaction != "page":
            return
        with _never_refusing("login_not_noted"):
            self._rows.note_login(
                question.user.id,
                org_id=granted.organization.id,
                client_id=question.client_id,
                way=granted.way,
            )

    def _load(self, question: Question) -> Standing:
        standing = self._rows.find_standing(question.user.id, question.asked)
        profile = self._read_profile(question.user, standing.profile if standing else None)
        if standing is not None and standing.profile == profile:
            return standing
        # A new user, or one who changed in Auth0. Read again: invitations depend on the address,
        # so a login whose address cannot be stored is not decided.
        self._rows.save_profile(profile)
        standing = self._rows.find_standing(question.user.id, question.asked)
        if standing is None:
            raise InvalidDecisionRequest("the user was deleted while we asked")
        return standing

    def _apply(
        self, question: Question, standing: Standing, decision: Decision | Apply
    ) -> Decision:
        if isinstance(decision, Apply):
            return self._choices.apply(question, decision)
        # A hint in a page login means that a person switched in the app or followed a link, so the
        # picker lists that organization first next time. Refreshes and silent logins happen
        # without a person, and `apply_selection` notes the use by itself.
        if isinstance(decision, Granted) and question.hint and question.interaction == "page":
            org_id = decision.organization.id
            with _never_refusing("last_use_not_saved"):
                self._rows.save_last_use(standing.user_id, org_id)
        return decision

    def _read_profile(self, user: AskedUser, stored: Profile | None) -> Profile:
        """Return what to store; without a connection (at a refresh) the address stays as it is."""
        name = clean_name(user.name or "", MAX_NAME)
        if user.connection is None and stored is not None:
            return Profile(user.id, stored.email, stored.email_verified, name)
        return Profile(user.id, *self._find_address(user), name)

    def _find_address(self, user: AskedUser) -> tuple[str | None, bool]:
        """
        Return the address of the identity used now, and whether it counts as verified.

        The primary profile's address does not count if another connection was used: its
        administrator need not own that address. Nor does any of several that differ.
        """
        found = {
            (one.email, one.email_verified)
            for one in user.identities
            if one.connection == user.connection
        }
        if len(found) != 1 or not self._trusts(user):
            return user.email, False
        ((email, verified),) = found
        return email, bool(email) and verified

    def _trusts(self, user: AskedUser) -> bool:
        if user.connection is None:
            return False
        if self._trusted_connections is None:
            return user.strategy == "auth0" or user.connection == "google-oauth2"
        return user.connection in self._trusted_connections


@contextmanager
def _never_refusing(event: str) -> Iterator[None]:
    """Log *event* if a write fails without which the decision stands, as on a full disk."""
    try:
        yield
    except (Unavailable, psycopg.Error) as error:
        structlog.get_logger().warning(event, detail=type(error).__name__)


def create_blueprint(tokens: ActionTokens, decisions: Decisions) -> Blueprint:
    """Serve `POST /decisions` to the Action, the only caller that has the secret."""
    blueprint = Blueprint("decisions", __name__)

    @blueprint.post("/decisions")
    def decide_login() -> Response:
        request.max_content_length = MAX_BODY_BYTES
        auth0_user_id, body = tokens.verify_decision_token(
            _read_bearer(), lambda: request.get_data(cache=False)
        )
        question = parse_question(body)
        if question.user.id != auth0_user_id:
            raise InvalidDecisionToken("the token is for another user")
        require_caller(request.environ.get("gunicorn.socket"))
        decision = decisions.answer(question)
        g.log = _summarize(question, decision)
        response = Response(json.dumps(_serialize(decision)), content_type="application/json")
        if isinstance(decision, Granted):
            response.call_on_close(partial(decisions.note_login, question, decision))
        return response

    return blueprint


def require_caller(connection: socket.socket | None) -> None:
    """
    Refuse a question whose connection the Action has closed, before Postgres is asked.

    While Postgres is slow, such questions would queue up in front of those that still wait.
    Without a socket (another server than gunicorn) every question is answered.

    Raises:
        CallerGone: the connection is closed.
    """
    if connection is None:
        return
    try:
        gone = not connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        gone = False  # open, and nothing more was sent
    except OSError:
        gone = True
    if gone:
        raise CallerGone


def _read_bearer() -> str:
    # Two headers reach us as one, joined by a comma, which no token contains.
    scheme, _, unverified_token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise InvalidDecisionToken("no bearer token")
    return unverified_token


def _serialize(decision: Decision) -> dict[str, object]:
    answer: dict[str, object] = {"version": VERSION}
    match decision:
        case Granted(organization, _):
            granted = {
                "id": organization.id,
                "slug": organization.slug,
                "name": organization.name,
                "role": organization.role,
            }
            return answer | {"outcome": "organization", "organization": granted}
        case Choose(notice):
            return answer | {"outcome": "choose", "notice": notice}
        case Refused(reason):
            return answer | {"outcome": "refuse", "reason": reason}


def _summarize(question: Question, decision: Decision) -> dict[str, str]:
    """Return the fields of the log line: ids and codes, no names and no addresses."""
    asked = {"interaction": question.interaction, "client_id": question.client_id}
    match decision:
        case Granted(organization, way):
            return asked | {"outcome": "organization", "org_id": organization.id, "way": way}
        case Choose(notice):
            return asked | {"outcome": "choose", "notice": notice}
        case Refused(reason):
            return asked | {"outcome": "refuse", "reason": reason}
