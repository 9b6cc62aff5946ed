"""A selector in this process, with a database of its own that a test may change."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import psycopg
from flask import Flask

from local_stack import seed
from local_stack.postgres import Postgres
from org_selector.app import create_app
from org_selector.choice_rows import ChoiceRows
from org_selector.choices import Choices
from org_selector.decision_table import Decision
from org_selector.decisions import Decisions
from org_selector.question import AskedChoice, AskedUser, Question
from org_selector.rows import DecisionRows
from org_selector.settings import SelectorSettings
from service.pool import Database
from tests.kit.action_tokens import CUSTOM_DOMAIN, DOMAIN, SELECTION_SECRET, SESSION_SECRET
from tests.kit.databases import copy_database

DATABASE_CONNECTION = "Username-Password-Authentication"


@dataclass
class Selector:
    """The selector on a database with the seeded people."""

    app: Flask
    superuser: psycopg.Connection
    url: str
    owner_url: str
    _decisions: Decisions = field(init=False)

    def __post_init__(self) -> None:
        choices = Choices(ChoiceRows(self.database), new_organizations=True)
        self._decisions = Decisions(DecisionRows(self.database), choices, None)

    @property
    def database(self) -> Database:
        """The app's connection pool."""
        found = self.app.extensions["database"]
        assert isinstance(found, Database)
        return found

    def decide(self, login: str = "joe", /, **changes: object) -> Decision:
        """Decide about a login of a seeded person; *changes* are fields of the question."""
        return self._decisions.answer(ask(login, **changes))

    def add(self, login: str, slug: str, role: str = "member") -> None:
        """Make a person a member of an organization."""
        self.superuser.execute(
            "insert into org.membership (user_id, org_id, role) "
            "select u.id, o.id, %s from org.app_user u, org.organization o "
            "where u.auth0_user_id = %s and o.slug = %s",
            (role, f"auth0|{login}", slug),
        )

    def remove(self, login: str, slug: str) -> None:
        """End a membership."""
        self.superuser.execute(
            "delete from org.membership m using org.app_user u, org.organization o "
            "where m.user_id = u.id and u.auth0_user_id = %s and m.org_id = o.id and o.slug = %s",
            (f"auth0|{login}", slug),
        )

    def suspend(self, slug: str) -> None:
        """Suspend an organization."""
        self.superuser.execute(
            "update org.organization set suspended_at = now() where slug = %s", (slug,)
        )

    def block(self, login: str) -> None:
        """Block a user in the product's database."""
        self.superuser.execute(
            "update org.app_user set blocked_at = now() where auth0_user_id = %s",
            (f"auth0|{login}",),
        )

    def set_default(self, login: str, slug: str | None) -> None:
        """Set a person's default organization, so that no page is shown."""
        self.superuser.execute(
            "update org.app_user set default_org_id = "
            "(select id from org.organization where slug = %s) "
            "where auth0_user_id = %s",
            (slug, f"auth0|{login}"),
        )

    def invite(self, email: str, slug: str, *, days: int = 7) -> UUID:
        """Invite an e-mail address; with negative *days* the invitation has already expired."""
        [(invitation_id,)] = self.superuser.execute(
            "insert into org.invitation (org_id, email, role, expires_at) "
            "select id, %s, 'member', now() + %s * interval '1 day' from org.organization "
            "where slug = %s returning id",
            (email, days, slug),
        ).fetchall()
        return UUID(str(invitation_id))

    def find_default(self, login: str) -> UUID | None:
        """Return the id of a person's default organization."""
        row = self.superuser.execute(
            "select default_org_id from org.app_user where auth0_user_id = %s", (f"auth0|{login}",)
        ).fetchone()
        return row[0] if row else None


@contextmanager
def run_selector(postgres: Postgres, *, new_organizations: bool = True) -> Iterator[Selector]:
    """Run a selector on a new database with the seeded people."""
    with copy_database(postgres, "selector") as name:
        url = postgres.url(name, "org_selector")
        app = create_app(make_settings(url, new_organizations=new_organizations))
        try:
            with psycopg.connect(postgres.url(name, "postgres"), autocommit=True) as superuser:
                yield Selector(app, superuser, url, postgres.url(name, "org_owner"))
        finally:
            app.extensions["database"].close()


def make_settings(database_url: str, *, new_organizations: bool = True) -> SelectorSettings:
    """Make settings as an administrator would."""
    return SelectorSettings.model_validate(
        {
            "auth0_domain": f"{DOMAIN} {CUSTOM_DOMAIN}",
            "session_token_secrets": SESSION_SECRET,
            "selection_token_secrets": SELECTION_SECRET,
            "database_url": database_url,
            "selector_url": "https://select.example.com",
            "app_origins": "https://app.example.com",
            "new_organizations": new_organizations,
        }
    )


def ask(login: str = "joe", /, **changes: object) -> Question:
    """Return the Action's question about a login of a seeded person, with *changes*."""
    question = Question(
        version=1,
        user=AskedUser.model_validate(describe(login)),
        client_id="spa",
        interaction="page",
        hint=None,
        bound=None,
        remembered=None,
        invitation=None,
        prompt_select=False,
        choice=None,
    )
    return Question.model_validate(question.model_dump() | changes)


def describe(
    login: str,
    *,
    email: str | None = "",
    email_verified: bool | None = True,
    connection: str | None = DATABASE_CONNECTION,
    strategy: str = "auth0",
    **changes: object,
) -> dict[str, object]:
    """
    Return the user of a question as the Action reads it: a seeded person with one identity.

    Args:
        email: "" is the person's own.
    """
    person = next(one for one in seed.PEOPLE if one.login == login)
    address = person.email if email == "" else email
    identity = {
        "connection": connection,
        "email": address,
        "email_verified": email_verified is True,
    }
    return {
        "id": person.auth0_user_id,
        "email": address,
        "email_verified": email_verified,
        "name": person.name,
        "connection": connection,
        "strategy": strategy,
        "identities": [identity],
    } | changes


def choice(
    slug: str, *, nonce: str | None = None, remember: bool = False, forget: bool = False
) -> dict[str, object]:
    """Return a choice as the Action reads it from a selection token."""
    chosen = AskedChoice(
        org_id=str(seed.organization(slug).id),
        nonce=nonce or uuid4().hex,
        remember=remember,
        forget=forget,
    )
    return chosen.model_dump()
