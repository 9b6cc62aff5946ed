"""
`POST /decisions`: may this user act, and for which organization?

Auth0's Action asks at every issuance: login, return from the picker, silent login, refresh.
`decide` is the table of the design, one row after the other; the first that fits wins. It
sees only what the database says now, so a removed member gets no further token.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import psycopg
from flask import Blueprint, Response, g, request

from org_selector import rows as directory
from org_selector.action_tokens import ActionTokens
from org_selector.errors import InvalidDecisionRequest, InvalidDecisionToken
from org_selector.question import MAX_BODY_BYTES, UUID_PATTERN, AskedUser, Question, parse_question
from org_selector.rows import Organization, Profile, Standing
from service.pool import Database

MAX_NAME = 300  # characters, Auth0's own limit
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_UUID = re.compile(UUID_PATTERN)

Reason = Literal[
    "organization_required",
    "not_a_member",
    "no_organization",
    "organization_suspended",
    "selection_failed",
]
Notice = Literal["", "hint_unknown", "organization_suspended", "bound_suspended"]


@dataclass(frozen=True, slots=True)
class Granted:
    """The token shall name this organization."""

    organization: Organization


@dataclass(frozen=True, slots=True)
class Choose:
    """A page must ask; `notice` is what it says first."""

    notice: Notice = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """No token; `reason` is the fixed code the application sees."""

    reason: Reason


Decision = Granted | Choose | Refused


class Decisions:
    """
    Answer questions from the database.

    Args:
        trusted_connections: whose verified addresses count; `None` for database connections
            and google-oauth2. Anybody's enterprise connection may claim any address.
    """

    def __init__(self, database: Database, trusted_connections: tuple[str, ...] | None) -> None:
        self._database = database
        self._trusted_connections = trusted_connections

    def answer(self, question: Question) -> Decision:
        """
        Decide, keep the user current, and apply the choice if there is one.

        Raises:
            service.pool.Unavailable: Postgres cannot be had.
        """
        standing = self._load_standing(question)
        choice = question.choice
        if choice is None or standing.blocked:
            decision = decide(question, standing)
        elif question.interaction != "page" or question.bound not in (None, choice.org_id):
            decision = Refused("selection_failed")
        else:
            applied = self._database.write(
                lambda conn: directory.apply_selection(
                    conn,
                    question.user.id,
                    org_id=UUID(choice.org_id),
                    nonce=choice.nonce,
                    remember=choice.remember,
                )
            )
            decision = Granted(applied) if applied else Refused("selection_failed")
        if isinstance(decision, Granted) and question.hint and question.interaction == "page":
            org_id = decision.organization.id
            self._database.write(
                lambda conn: directory.save_last_use(conn, standing.user_id, org_id)
            )
        return decision

    def _load_standing(self, question: Question) -> Standing:
        org_id, slug = _parse_reference(_reference(question))

        def find(conn: psycopg.Connection) -> Standing | None:
            return directory.find_standing(conn, question.user.id, org_id=org_id, slug=slug)

        standing = self._database.read(find)
        profile = self._profile(question.user)
        if standing is not None and standing.profile == profile:
            return standing
        self._database.write(lambda conn: directory.save_profile(conn, profile))
        standing = self._database.read(find)
        if standing is None:
            raise InvalidDecisionRequest("the user was deleted at this very moment")
        return standing

    def _profile(self, user: AskedUser) -> Profile:
        if self._trusted_connections is None:
            trusted = user.strategy == "auth0" or user.connection == "google-oauth2"
        else:
            trusted = user.connection in self._trusted_connections
        return Profile(
            auth0_user_id=user.id,
            email=user.email,
            email_verified=bool(user.email) and user.email_verified is True and trusted,
            name=user.name[:MAX_NAME] if user.name else None,
        )


def decide(question: Question, standing: Standing) -> Decision:
    """
    Apply the table of the design to a question without a choice; pure.

    Returns:
        For "silent", `Choose` makes Auth0 answer `interaction_required`; for "refresh" there
        is never a `Choose`.
    """
    page = question.interaction == "page"
    refresh = question.interaction == "refresh"
    ask: Decision = Refused("organization_required") if refresh else Choose()
    named = standing.named
    if standing.blocked:
        return Refused("not_a_member")
    if question.bound is not None:
        if named is not None and named.suspended:
            return Choose("bound_suspended") if page else Refused("organization_suspended")
        return Granted(named) if named else Refused("not_a_member")
    if question.hint is not None and named is not None and named.suspended:
        return Choose("organization_suspended") if page else Refused("organization_suspended")
    if question.prompt_select or question.invitation is not None:
        return ask
    if question.hint is not None:
        if named is not None:
            return Granted(named)
        # Malformed, doubled, unknown and foreign look alike, else hints would tell who exists.
        return Choose("hint_unknown") if page else Refused("not_a_member")
    if refresh and question.remembered is not None:
        if named is not None and named.suspended:
            return Refused("organization_suspended")
        return Granted(named) if named else Refused("not_a_member")
    if len(standing.usable) == 1:
        return ask if page and standing.invited else Granted(standing.usable[0])
    if page and standing.default is not None and not standing.default.suspended:
        return Granted(standing.default)
    if refresh and not standing.usable:
        return Refused("no_organization")
    return ask


def create_blueprint(tokens: ActionTokens, answer: Callable[[Question], Decision]) -> Blueprint:
    """Serve `POST /decisions` for the Action; nobody else has the secret."""
    blueprint = Blueprint("decisions", __name__)

    @blueprint.post("/decisions")
    def decisions() -> Response:
        request.max_content_length = MAX_BODY_BYTES
        body = request.get_data(cache=False)
        auth0_user_id = tokens.verify_decision_token(_read_bearer(), body)
        question = parse_question(body)
        if question.user.id != auth0_user_id:
            raise InvalidDecisionToken("the token is for another user")
        decision = answer(question)
        g.log = _summary(question, decision)
        return Response(json.dumps(_serialize(decision)), content_type="application/json")

    return blueprint


def _read_bearer() -> str:
    values = request.headers.getlist("Authorization")
    scheme, _, unverified_token = (values[0] if len(values) == 1 else "").partition(" ")
    if scheme.lower() != "bearer":
        raise InvalidDecisionToken("no bearer token")
    return unverified_token


def _reference(question: Question) -> str | None:
    if question.bound is not None:
        return question.bound
    if question.hint is not None:
        return question.hint
    return question.remembered if question.interaction == "refresh" else None


def _parse_reference(text: str | None) -> tuple[UUID | None, str | None]:
    name = (text or "").strip().lower()
    if _UUID.fullmatch(name):
        return UUID(name), None
    return None, name if _SLUG.fullmatch(name) else None


def _serialize(decision: Decision) -> dict[str, object]:
    match decision:
        case Granted(organization):
            granted = {
                "id": organization.id,
                "slug": organization.slug,
                "name": organization.name,
                "role": organization.role,
            }
            return {"outcome": "organization", "organization": granted}
        case Choose(notice):
            return {"outcome": "choose", "notice": notice}
        case Refused(reason):
            return {"outcome": "refuse", "reason": reason}


def _summary(question: Question, decision: Decision) -> dict[str, str]:
    outcome = {"interaction": question.interaction, "client_id": question.client_id}
    match decision:
        case Granted(organization):
            return outcome | {"outcome": "organization", "org_id": organization.id}
        case Choose(notice):
            return outcome | {"outcome": "choose", "notice": notice}
        case Refused(reason):
            return outcome | {"outcome": "refuse", "reason": reason}
