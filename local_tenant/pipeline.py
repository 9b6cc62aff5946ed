"""Run the Actions of one login in order, and apply what each asked for before the next runs."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from local_tenant.assumptions import RUNNER_ROWS
from local_tenant.configuration import Action
from local_tenant.events import build_event
from local_tenant.logins import AskedFactor, Effects, Login, format_time

if TYPE_CHECKING:
    from local_tenant.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Granted:
    """The Actions let the login pass."""


@dataclass(frozen=True, slots=True)
class Denied:
    """The login ends with this OAuth error."""

    error: str
    description: str


@dataclass(frozen=True, slots=True)
class Redirect:
    """The Action at `login.position` redirects the user to `url`, which has no `state` yet."""

    url: str


@dataclass(frozen=True, slots=True)
class FactorAsked:
    """The user must prove or enroll the first of `login.asked_factors`; the next Action follows."""


Outcome = Granted | Denied | Redirect | FactorAsked
_FACTOR_NEEDED = "Multifactor authentication required"
MAX_FACTOR_COMMANDS = 4  # in a login; page "Customize MFA selection for Universal Login"


def run_actions(tenant: "Tenant", login: Login, *, resumed: bool = False) -> Outcome:
    """
    Run the Actions from `login.position` on, until one denies or redirects.

    As at Auth0, metadata of sessions and users is written even if an Action denies.

    Args:
        resumed: run `onContinuePostLogin` of the first of these Actions instead.
    """
    person = tenant.records.people[login.user_id]
    if person.blocked:
        return Denied(
            tenant.config.assumptions.blocked_error, tenant.config.assumptions.blocked_description
        )
    outcome: Outcome = Granted()
    user_changes: dict[str, dict[str, Any]] = {"app_metadata": {}, "user_metadata": {}}
    while login.position < len(tenant.config.actions):
        action = tenant.config.actions[login.position]
        handler = "onContinuePostLogin" if resumed else "onExecutePostLogin"
        outcome = _run_one(tenant, login, action, handler, user_changes)
        if isinstance(outcome, Granted | FactorAsked):
            login.position, resumed = login.position + 1, False
        if not isinstance(outcome, Granted):
            break
    # Only now, because Auth0 writes user metadata at the end of the flow (page "Actions:
    # limitations").
    with tenant.records.lock:
        _merge(person.app_metadata, user_changes["app_metadata"])
        _merge(person.user_metadata, user_changes["user_metadata"])
    return outcome


def _run_one(
    tenant: "Tenant",
    login: Login,
    action: Action,
    handler: str,
    user_changes: dict[str, dict[str, Any]],
) -> Outcome:
    config = tenant.config
    execution = tenant.action_host.run(
        {
            "file": str(action.code),
            "name": action.name,
            "handler": handler,
            "event": build_event(tenant, login, action, handler),
            "assumptions": {row: getattr(config.assumptions, row) for row in RUNNER_ROWS},
            "plan": {
                "refresh_token_metadata": config.refresh_token_metadata,
                "session_metadata": config.session_metadata,
            },
        }
    )
    asked = execution.effects
    if asked:
        _apply(tenant, login, asked)
        user_changes["app_metadata"].update(asked["app_metadata"])
        user_changes["user_metadata"].update(asked["user_metadata"])
    outcome = _decide(tenant, login, asked, execution.error, handler)
    tenant.records.executions.append(
        {
            "action": action.name,
            "handler": handler,
            "outcome": type(outcome).__name__,
            "error": execution.error,
            "console": execution.console,
            "milliseconds": execution.milliseconds,
        }
    )
    return outcome


def _decide(tenant: "Tenant", login: Login, asked: Any, error: str | None, handler: str) -> Outcome:
    assumptions = tenant.config.assumptions
    if error is not None:
        return Denied("access_denied", error)
    denied, url = asked["deny"], asked["redirect"]
    if denied is not None and (url is None or assumptions.deny_beats_redirect):
        return Denied("access_denied", denied)
    if url is None:
        return _ask_factors(tenant, login, asked["factors"]) if asked["factors"] else Granted()
    if asked["factors"] and assumptions.factor_with_redirect_fails:
        return Denied(assumptions.factor_failed_error, "A redirect and a factor in one Action.")
    if handler == "onContinuePostLogin" and not assumptions.second_redirect:
        return Denied("access_denied", "This login was already redirected once.")
    if login.protocol != "oidc-basic-profile" or "none" in login.prompt:
        return Denied("interaction_required", "External interaction required")
    if not assumptions.claims_survive_redirect:
        login.effects = Effects()
    return Redirect(url)


def _ask_factors(tenant: "Tenant", login: Login, commands: list[Any]) -> Outcome:
    assumptions = tenant.config.assumptions
    login.factor_commands += len(commands)
    if login.factor_commands > MAX_FACTOR_COMMANDS:
        return Denied(assumptions.factor_failed_error, "More than four commands for factors.")
    if login.protocol != "oidc-basic-profile":
        return Denied(assumptions.factor_error_without_browser, _FACTOR_NEEDED)
    if "none" in login.prompt:
        return Denied(assumptions.factor_error_silent, _FACTOR_NEEDED)
    for command in commands:
        enroll, types = command["what"] == "enroll", tuple(command["types"])
        login.asked_factors.append(AskedFactor(enroll, types))
    return find_asked_factor(tenant, login)


def find_asked_factor(tenant: "Tenant", login: Login) -> Granted | Denied | FactorAsked:
    """
    Leave out the factors that this login has proved already; say what is first of the others.

    A challenge ignores the types that the user is not enrolled in, an enrollment those that they
    are. If that leaves none, the login fails.
    """
    enrolled = tenant.records.people[login.user_id].factors
    while login.asked_factors:
        asked = login.asked_factors[0]
        if not any(factor in login.proved_factors for factor in asked.types):
            fitting = [one for one in asked.types if (one in enrolled) is not asked.enroll]
            if fitting:
                login.asked_factors[0] = AskedFactor(asked.enroll, tuple(fitting))
                return FactorAsked()
            return Denied(
                tenant.config.assumptions.factor_failed_error, "There is no such factor to use."
            )
        login.asked_factors.pop(0)
    return Granted()


def _apply(tenant: "Tenant", login: Login, asked: Any) -> None:
    """Keep what the tokens will contain; change what the next Actions see in `event`."""
    records = tenant.records
    effects = login.effects
    effects.access_token_claims.update(asked["access_token_claims"])
    effects.id_token_claims.update(asked["id_token_claims"])
    effects.add_scopes += asked["add_scopes"]
    effects.remove_scopes += asked["remove_scopes"]
    effects.refresh_token_metadata += asked["refresh_token_metadata"]
    login.metadata = asked["transaction_metadata"]
    with records.lock:
        session = records.sessions.get(login.session_id)
        if session is not None:
            change_metadata(session.metadata, asked["session_metadata"])
            session.methods += [
                {"name": url, "timestamp": format_time(time.time())} for url in asked["methods"]
            ]
    if asked["revoke_refresh_token"] and login.refresh_token is not None:
        records.revoke_family(login.refresh_token.family)
    if asked["revoke_session"]:
        records.drop_session(login.session_id, with_refresh_tokens=True)


def change_metadata(metadata: dict[str, str], operations: list[list[str]]) -> None:
    """Apply `set`, `delete` and `evict` operations of an Action, in their order."""
    for operation in operations:
        match operation:
            case ["set", key, value]:
                metadata[key] = value
            case ["delete", key]:
                metadata.pop(key, None)
            case ["evict"]:
                metadata.clear()


def _merge(metadata: dict[str, Any], changes: dict[str, Any]) -> None:
    for key, value in changes.items():
        if value is None:
            metadata.pop(key, None)
        else:
            metadata[key] = value
