"""
`POST /decisions`: may this user act, and for which organization?

Auth0's Action asks at every issuance: login, return from the picker, silent login, refresh.
`decide` is the table of the design, one row after the other; the first that fits wins. It
sees only what the database says now, so a removed member gets no further token.
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal
from uuid import UUID

import psycopg
from flask import Blueprint, Response, g, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from org_guard.compact_token import MalformedInput, parse_json_object
from org_selector import directory
from org_selector.directory import Organization, Profile, Standing
from org_selector.errors import InvalidDecisionRequest, InvalidDecisionToken
from org_selector.session_token import SelectorTokens
from service.pool import Database

MAX_BODY_BYTES = 16_384
MAX_NAME = 300  # characters, Auth0's own limit
_SLUG = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Text = Field(max_length=2048)
Reason = Literal[
    "organization_required",
    "not_a_member",
    "no_organization",
    "organization_suspended",
    "selection_failed",
]
Notice = Literal["", "hint_unknown", "organization_suspended", "bound_suspended"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class AskedUser(_Strict):
    """The user as Auth0 knows them; a profile may lack everything but the id."""

    id: str = Field(min_length=1, max_length=255)
    email: str | None = Text
    email_verified: bool | None
    name: str | None = Text
    picture: str | None = Text
    connection: str | None = Text
    strategy: str | None = Text


class AskedChoice(_Strict):
    """What the person chose on our page, as the Action read it from the selection token."""

    org_id: str = Field(pattern=f"^{_UUID.pattern}$")
    nonce: str = Field(min_length=16, max_length=64)
    remember: bool


class Question(_Strict):
    """
    The body of `POST /decisions`, made by `actions/select-organization/code.js`.

    `interaction` is how a page could be shown: "page" in a browser, "silent" where Auth0 will
    answer `interaction_required`, "refresh" where there is no browser at all.
    """

    user: AskedUser
    client_id: str = Text
    audience: str = Text
    protocol: str = Text
    interaction: Literal["page", "silent", "refresh"]
    hint: str | None = Text  # what the application wishes for: a slug or an id, user input
    bound: str | None = Text  # the one organization this application serves, set in Auth0
    remembered: str | None = Text  # the organization this refresh token was issued for
    invitation: str | None = Text
    prompt_select: bool
    choice: AskedChoice | None = None


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
    if len(standing.usable) == 1 and not (page and standing.invited):
        return Granted(standing.usable[0])
    if page and standing.default is not None and not standing.default.suspended:
        return Granted(standing.default)
    if refresh and not standing.usable:
        return Refused("no_organization")
    return ask


def create_blueprint(tokens: SelectorTokens, answer: Callable[[Question], Decision]) -> Blueprint:
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
        return jsonify(_serialize(decision))

    return blueprint


def parse_question(body: bytes) -> Question:
    """
    Read a body whose signature was verified.

    Raises:
        InvalidDecisionRequest: it is not a question this version understands.
    """
    try:
        return Question.model_validate(parse_json_object(body))
    except MalformedInput as error:
        raise InvalidDecisionRequest(str(error)) from error
    except ValidationError as error:
        fields = [".".join(map(str, one["loc"])) for one in error.errors(include_url=False)]
        raise InvalidDecisionRequest(f"fields: {', '.join(fields)}") from error


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
            granted = asdict(organization)
            del granted["suspended"]
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
