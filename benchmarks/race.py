"""
One login whose person chooses in forty windows of one browser at the same moment.

The picker writes nothing, so it may sign a choice for each window. Two checks let only one login
complete: the tenant continues a login once, and the selector applies one choice of a login. The
second check is also tested without the first, by forty simultaneous questions to the selector.

The tenant's applications have no `initiate_login_uri` here, so that the tenant itself must show
what happened.
"""

import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import httpx2

from benchmarks.load import CheckedRequest, exchange
from benchmarks.logins import RequestBuilder
from benchmarks.report import Line
from local_stack import seed
from local_stack.person import Person
from local_stack.stack import Stack
from local_tenant.configuration import TenantConfig

BROWSERS = 40
WAIT = 60.0  # seconds for all windows to finish
EMAIL, ORGANIZATION = "joe@example.com", "ABC Inc"
MANY_EMAIL = "max@example.com"  # a person with more organizations than there are browsers
COMPLETE = "callback with a code"

T = TypeVar("T")


class RaceStack(Stack):
    """The local stack, with applications that have no `initiate_login_uri`."""

    def tenant_config(self, *, one_click: bool = True) -> TenantConfig:
        """Return the tenant's configuration."""
        config = super().tenant_config(one_click=one_click)
        clients = tuple(replace(client, initiate_login_uri="") for client in config.clients)
        return replace(config, clients=clients)


def run(stack: Stack) -> list[Line]:
    """Log in once, choose and continue in forty windows, and count how each ends."""
    with Person(stack) as person:
        person.open_app().log_in(EMAIL)
        assert person.page is not None
        picker = str(person.page.url)
        windows = [_copy(person) for _ in range(BROWSERS)]
    try:
        chosen = _step_together(windows, lambda window: window.press(ORGANIZATION))
        continued = _step_together(windows, lambda window: window.proceed())
        reopened = _step_together(windows, lambda window: window.visit(picker))
    finally:
        for window in windows:
            window.http.close()
    return [
        Line("race", f"{BROWSERS} simultaneous choices", _render(chosen)),
        _judge(f"their {BROWSERS} continuations", continued, complete=1),
        _judge("the picker, opened again in each", reopened, complete=0),
        *_race_decisions(stack),
    ]


def _judge(what: str, outcomes: Counter[str], *, complete: int) -> Line:
    met = outcomes[COMPLETE] == complete and all(
        _says_why(outcome) for outcome in outcomes if outcome != COMPLETE
    )
    return Line("race", what, _render(outcomes), f"{complete} complete, the others say why", met)


def _race_decisions(stack: Stack) -> list[Line]:
    person = next(one for one in seed.PEOPLE if one.email == MANY_EMAIL)
    chosen = [str(seed.organization(slug).id) for slug in list(person.roles)[:BROWSERS]]
    equal = _decide_together(stack, person, chosen[:1] * BROWSERS)
    different = _decide_together(stack, person, chosen)
    return [
        Line(
            "race",
            f"{BROWSERS} equal choices of one login, decided at once",
            _render(equal),
            "all get the organization",
            equal == {"organization": BROWSERS},
        ),
        Line(
            "race",
            f"{BROWSERS} different choices of one login, decided at once",
            _render(different),
            "1 x organization, the others selection_failed",
            different == {"organization": 1, "selection_failed": BROWSERS - 1},
        ),
    ]


def _decide_together(stack: Stack, person: seed.SeedPerson, chosen: list[str]) -> Counter[str]:
    builder = RequestBuilder(stack.tenant_host, stack.session_secret, stack.selector_url)
    nonce = secrets.token_urlsafe(16)
    requests = [
        builder.question(
            person.auth0_user_id,
            person.email,
            person.name,
            "page",
            choice={"org_id": org_id, "nonce": nonce, "remember": False, "forget": False},
        )
        for org_id in chosen
    ]
    outcomes: Counter[str] = Counter()

    def decide(request: CheckedRequest) -> None:
        answer = json.loads(exchange(stack.ports.selector, request))
        outcomes[answer.get("reason", answer["outcome"])] += 1

    _start_together(requests, decide)
    return outcomes


def _copy(person: Person) -> Person:
    window = Person(person.stack, person.client_id)
    for cookie in person.http.cookies.jar:
        window.http.cookies.jar.set_cookie(cookie)
    window.page, window.verifier = person.page, person.verifier
    return window


def _step_together(windows: list[Person], step: Callable[[Person], object]) -> Counter[str]:
    outcomes: Counter[str] = Counter()

    def work(window: Person) -> None:
        try:
            step(window)
            outcome = _describe(window)
        except (httpx2.HTTPError, AssertionError, StopIteration) as error:
            outcome = f"failed: {type(error).__name__}"
        outcomes[outcome] += 1

    _start_together(windows, work)
    return outcomes


def _start_together(things: list[T], work: Callable[[T], None]) -> None:
    start = threading.Barrier(len(things))

    def run(thing: T) -> None:
        start.wait(WAIT)
        work(thing)

    threads = [threading.Thread(target=run, args=(thing,)) for thing in things]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)


def _describe(window: Person) -> str:
    if window.page is None and window.callback is not None:
        reason = window.callback.get("error_description", window.callback.get("error", ""))
        return COMPLETE if "code" in window.callback else f"callback, {reason}"
    assert window.page is not None
    return f"{window.page.status_code} {window.heading}"


def _says_why(outcome: str) -> bool:
    status, _, heading = outcome.partition(" ")
    return status.isdigit() and status.startswith("4") and bool(heading)


def _render(outcomes: Counter[str]) -> str:
    return "; ".join(f"{count} x {outcome}" for outcome, count in outcomes.most_common())
