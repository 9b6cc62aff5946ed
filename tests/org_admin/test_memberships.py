"""An administrator looks after organizations, people and memberships without psql."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from local_stack import seed
from local_stack.stack import Stack
from org_admin.cli import main
from tests.kit.databases import copy_database

ABC = seed.organization("abc-inc")
TABLES = ("organization", "app_user", "membership", "invitation", "mail_outbox", "audit_event")


@dataclass
class Admin:
    """An administrator at a database."""

    url: str
    superuser: psycopg.Connection

    def run(self, *arguments: str, **options: Any) -> Result:
        """Run a command."""
        environment = {"OWNER_DATABASE_URL": self.url}
        return CliRunner().invoke(main, arguments, env=environment, **options)

    def run_json(self, *arguments: str) -> dict[str, Any]:
        """Run a command that succeeds, and return the object that it prints."""
        done = self.run(*arguments, "--json")
        assert done.exit_code == 0, done.output
        [line] = done.stdout.splitlines()
        found: dict[str, Any] = json.loads(line)
        return found

    def refuse(self, *arguments: str) -> str:
        """Run a command that must be refused and change nothing; return its message."""
        before = self.rows()
        refused = self.run(*arguments)
        assert refused.exit_code == 1, refused.output
        assert self.rows() == before
        return refused.output.strip()

    def rows(self) -> list[list[Any]]:
        """Return every row that a command could change."""
        return [
            self.superuser.execute(
                f"select md5(t::text) from org.{table} t order by 1".encode()  # noqa: S608
            ).fetchall()
            for table in TABLES
        ]

    def events(self) -> list[tuple[Any, ...]]:
        """Return slug, action, target and details of all events; none has a person as its actor."""
        found = self.superuser.execute(
            "select o.slug, e.action, e.target_name, e.details, e.actor_user_id, e.client_id "
            "from org.audit_event e left join org.organization o on o.id = e.org_id "
            "order by e.at, o.slug"
        ).fetchall()
        assert {row[4:] for row in found} <= {(None, "org-selector")}
        return [row[:4] for row in found]

    def role(self, login: str, slug: str = "abc-inc") -> str | None:
        """Return a person's membership role."""
        row = self.superuser.execute(
            "select m.role from org.membership m join org.app_user u on u.id = m.user_id "
            "where u.auth0_user_id = %s and m.org_id = %s",
            (f"auth0|{login}", seed.organization(slug).id),
        ).fetchone()
        return str(row[0]) if row else None


@pytest.fixture
def admin(stack: Stack) -> Iterator[Admin]:
    """An administrator at a database of their own, with the seeded people."""
    with copy_database(stack.postgres, "admin") as name:
        superuser_url = stack.postgres.url(name, "postgres")
        with psycopg.connect(superuser_url, autocommit=True) as superuser:
            yield Admin(stack.postgres.url(name, "org_owner"), superuser)


def test_an_organization_is_created_and_its_first_owner_invited(admin: Admin) -> None:
    """The slug is made from the name, unless the administrator names one."""
    assert admin.run("orgs", "create", "Cafe\u0301 Zürich").output == "created  cafe-zurich\n"
    done = admin.run_json("orgs", "create", "Another", "--slug", "other-1")
    assert (done["org_slug"], done["name"]) == ("other-1", "Another")
    names = admin.superuser.execute(
        "select name from org.organization where slug = any(%s) order by 1",
        (["cafe-zurich", "other-1"],),
    ).fetchall()
    assert names == [("Another",), ("Café Zürich",)]
    assert admin.run("invite", "cafe-zurich", "a@example.com", "--role", "owner").exit_code == 0

    assert [event[:3] for event in admin.events()] == [
        ("cafe-zurich", "organization.created", "Café Zürich"),
        ("other-1", "organization.created", "Another"),
        ("cafe-zurich", "invitation.created", "a@example.com"),
    ]


@pytest.mark.parametrize("organization", ["abc-inc", "ABC-Inc", str(ABC.id)])
def test_an_organization_is_suspended_and_resumed(admin: Admin, organization: str) -> None:
    """Again is no error, changes nothing and leaves no event."""
    for command, said, suspended in (
        ("suspend", "suspended  abc-inc\n", True),
        ("suspend", "unchanged  abc-inc\n", True),
        ("resume", "resumed  abc-inc\n", False),
        ("resume", "unchanged  abc-inc\n", False),
    ):
        done = admin.run("orgs", command, organization)
        assert (done.exit_code, done.output) == (0, said)
        rows = admin.superuser.execute(
            "select distinct org_suspended from org.membership where org_id = %s", (ABC.id,)
        ).fetchall()
        assert rows == [(suspended,)]

    assert admin.events() == [
        ("abc-inc", "organization.suspended", "ABC Inc", {}),
        ("abc-inc", "organization.resumed", "ABC Inc", {}),
    ]


def test_an_organization_is_deleted_when_that_is_confirmed(admin: Admin) -> None:
    """Its slug is never used again, and its trail stays."""
    assert "--yes" in admin.refuse("orgs", "delete", "abc-inc")
    done = admin.run_json("orgs", "delete", "abc-inc", "--yes")

    assert done == {
        "action": "organization.deleted",
        "org_id": str(ABC.id),
        "org_slug": "abc-inc",
        "members": 2,
    }
    assert admin.role("joe") is None
    assert admin.role("joe", "xyz-travel") == "member"
    assert admin.events() == [(None, "organization.deleted", "ABC Inc", {})]
    with pytest.raises(psycopg.errors.UniqueViolation):
        admin.superuser.execute("insert into org.organization (slug, name) values ('abc-inc', 'X')")


@pytest.mark.parametrize("person", ["auth0|joe", "joe@example.com", "JOE@example.com"])
def test_a_person_is_blocked_and_unblocked(admin: Admin, person: str) -> None:
    """The trail of each of their organizations says so."""
    done = admin.run_json("users", "block", person)
    assert done == {
        "action": "member.blocked",
        "auth0_user_id": "auth0|joe",
        "organizations": 2,
        "changed": True,
    }
    assert admin.run_json("users", "block", person)["changed"] is False
    blocked = admin.superuser.execute(
        "select auth0_user_id from org.app_user where blocked_at is not null"
    ).fetchall()
    assert blocked == [("auth0|joe",)]
    assert admin.run("users", "unblock", person).output == (
        "unblocked  joe@example.com (2 organizations)\n"
    )

    assert admin.events() == [
        ("abc-inc", "member.blocked", "Joe Doe", {}),
        ("xyz-travel", "member.blocked", "Joe Doe", {}),
        ("abc-inc", "member.unblocked", "Joe Doe", {}),
        ("xyz-travel", "member.unblocked", "Joe Doe", {}),
    ]


def test_a_member_is_added_promoted_and_removed(admin: Admin) -> None:
    """Each step is in the trail; a step that changes nothing is not."""
    steps = (
        (("add", "abc-inc", "auth0|nina"), "added  nina@example.com in abc-inc\n", "member"),
        (("add", "abc-inc", "auth0|nina"), "unchanged  nina@example.com in abc-inc\n", "member"),
        (("role", "abc-inc", "auth0|nina", "owner"), "now owner  nina", "owner"),
        (("role", "abc-inc", "auth0|nina", "owner"), "unchanged  nina", "owner"),
        (("remove", "abc-inc", "auth0|nina"), "removed  nina@example.com in abc-inc\n", None),
    )
    for arguments, said, role in steps:
        done = admin.run("members", *arguments)
        assert done.exit_code == 0, done.output
        assert done.output.startswith(said)
        assert admin.role("nina") == role

    assert admin.events() == [
        ("abc-inc", "member.added", "Nina New", {"role": "member"}),
        ("abc-inc", "member.role_changed", "Nina New", {"role": ["member", "owner"]}),
        ("abc-inc", "member.removed", "Nina New", {}),
    ]


@pytest.mark.parametrize("other_owner", ["none", "blocked"])
def test_the_last_owner_who_can_log_in_stays(admin: Admin, other_owner: str) -> None:
    """Until another member is made an owner."""
    if other_owner == "blocked":
        admin.run("members", "role", "abc-inc", "auth0|sue", "owner")
        admin.run("users", "block", "auth0|sue")
    for arguments in (
        ("remove", "abc-inc", "auth0|joe"),
        ("role", "abc-inc", "auth0|joe", "admin"),
    ):
        message = admin.refuse("members", *arguments)
        assert message.startswith("joe@example.com is the last owner of abc-inc")

    admin.run("users", "unblock", "auth0|sue")
    admin.run("members", "role", "abc-inc", "auth0|sue", "owner")
    assert admin.run("members", "remove", "abc-inc", "auth0|joe").exit_code == 0


def test_an_address_is_invited_and_its_mail_waits(admin: Admin) -> None:
    """A second time replaces the invitation."""
    done = admin.run("invite", "abc-inc", "New@Example.com", "--role", "owner", "--language", "de")
    assert done.output.startswith("invited  New@example.com to abc-inc as owner, until 20")
    first = admin.superuser.execute("select id from org.invitation").fetchall()
    again = admin.run_json("invite", "abc-inc", "new@example.com")

    rows = admin.superuser.execute(
        "select i.id::text, i.email, i.role, i.invited_by, m.tries, org.is_open(i) "
        "from org.invitation i join org.mail_outbox m on m.invitation_id = i.id"
    ).fetchall()
    assert rows == [(again["invitation_id"], "new@example.com", "member", None, 0, True)]
    assert first != rows
    assert [event[1:] for event in admin.events()] == [
        ("invitation.created", "new@example.com", {"role": "owner"}),
        ("invitation.created", "new@example.com", {"role": "member"}),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("orgs", "suspend", "nowhere"), "There is no organization"),
        (("orgs", "create", "ABC Inc"), "The slug 'abc-inc' is or was"),
        (("orgs", "create", "\u202e"), "An organization cannot have this name."),
        (("orgs", "create", "X", "--slug", "Not a slug"), "An organization cannot have this slug."),
        (("orgs", "delete", "nowhere", "--yes"), "There is no organization"),
        (("users", "block", "stranger@example.com"), "There is no person"),
        (("members", "add", "nowhere", "auth0|joe"), "There is no organization"),
        (("members", "add", "abc-inc", "auth0|x"), "There is no person"),
        (("members", "add", "abc-inc", "auth0|sue", "--role", "owner"), "sue@example.com is a mem"),
        (("members", "remove", "abc-inc", "auth0|nina"), "nina@example.com is not a member"),
        (("members", "role", "abc-inc", "auth0|nina", "admin"), "nina@example.com is not a member"),
        (("invite", "nowhere", "a@example.com"), "There is no organization"),
        (("invite", "abc-inc", "a@b"), "'a@b' is no e-mail address"),
        (("invite", "abc-inc", "Sue@example.com"), "A person with the address"),
        (("invite", "frozen-foods", "a@example.com"), "frozen-foods is suspended"),
    ],
)
def test_what_cannot_be_done_is_explained_and_changes_nothing(
    admin: Admin, arguments: tuple[str, ...], message: str
) -> None:
    assert admin.refuse(*arguments).startswith(message)


def test_an_address_of_several_people_is_not_enough(admin: Admin) -> None:
    """The message lists what names one of them."""
    admin.superuser.execute(
        "insert into org.app_user (auth0_user_id, email) values ('google|joe', 'Joe@example.com')"
    )
    message = admin.refuse("users", "block", "joe@example.com")
    assert message.splitlines()[1:] == ["  auth0|joe", "  google|joe"]
    assert admin.run("users", "block", "google|joe").exit_code == 0


def test_a_database_that_does_not_answer_or_fit_is_explained(admin: Admin, stack: Stack) -> None:
    """With what to do."""
    admin.superuser.execute("alter table org.audit_event rename column details to gone")
    assert "org-selector migrate" in admin.refuse("orgs", "suspend", "abc-inc")
    admin.superuser.execute("alter table org.audit_event rename column gone to details")
    other = Admin(admin.url, admin.superuser)
    for role in ("org_api", "org_selector", "org_worker"):
        other.url = admin.url.replace("org_owner", role)
        assert "Name the owner" in other.refuse("orgs", "suspend", "abc-inc")
    other.url = stack.postgres.url("postgres", "org_owner")
    assert "org-selector migrate" in other.refuse("orgs", "suspend", "abc-inc")
    other.url = "postgresql://org_owner@127.0.0.1:1/organizations"
    assert "Cannot reach the database" in other.refuse("orgs", "suspend", "abc-inc")
    other.url = "nonsense"
    assert other.refuse("orgs", "suspend", "abc-inc").startswith("OWNER_DATABASE_URL ")


@pytest.mark.parametrize(
    "command",
    [
        ("orgs", "create", "New"),
        ("orgs", "suspend", "abc-inc"),
        ("orgs", "delete", "abc-inc", "--yes"),
        ("users", "block", "auth0|joe"),
        ("members", "add", "abc-inc", "auth0|nina"),
        ("members", "role", "abc-inc", "auth0|sue", "admin"),
        ("members", "remove", "abc-inc", "auth0|sue"),
        ("invite", "abc-inc", "a@example.com"),
    ],
)
def test_a_change_fails_with_its_audit_event(admin: Admin, command: tuple[str, ...]) -> None:
    admin.superuser.execute("alter table org.audit_event add constraint none_at_all check (false)")
    before = admin.rows()
    assert admin.run(*command).exit_code == 1
    assert admin.rows() == before

    admin.superuser.execute("alter table org.audit_event drop constraint none_at_all")
    assert admin.run(*command).exit_code == 0
