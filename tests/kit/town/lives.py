"""The state machine: anything that can happen to memberships, in any order."""

import re
from typing import ClassVar, Literal
from uuid import UUID

import httpx2
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from local_stack.person import Form, Person, Tokens
from tests.kit.town.model import ASK, REFUSED, Invited, Model, Role
from tests.kit.town.running_town import CLAIMED, LOGINS, UNVERIFIED, USER_IDS, Town

ORGANIZATIONS = 3
MOST_REDIRECTS = 3  # from a click to a page that ends the matter, or to the app
logins = st.sampled_from(LOGINS)
numbers = st.integers(0, ORGANIZATIONS - 1)
roles = st.sampled_from(["owner", "admin", "member"])
inviters = st.sampled_from([*[None] * 5, *LOGINS])  # None: an administrator of the service
# What happens while a person looks at the picker, or at the page behind it.
meanwhile = st.sampled_from(
    [*["nothing"] * 7, "removal", "suspension", "suspension", "block", "withdrawal"]
)
seldom = st.sampled_from([False, False, True])


class Lives(RuleBasedStateMachine):
    """One life of a town. Every issuance is compared with the model."""

    town: ClassVar[Town]

    def __init__(self) -> None:
        super().__init__()
        self.model = Model(frozenset({UNVERIFIED, CLAIMED}))
        self.slugs: list[str] = []
        self.people: dict[str, Person] = {}
        self.logged_in: set[str] = set()
        self.tokens: list[tuple[str, str, Tokens]] = []  # who, which organization
        self.rotated = False

    def teardown(self) -> None:
        """Close the browsers."""
        for person in self.people.values():
            person.http.close()

    @initialize(
        members=st.lists(st.tuples(logins, numbers, roles), min_size=6, max_size=12),
        invitations=st.lists(
            st.tuples(logins, numbers, roles, inviters, seldom), min_size=4, max_size=8
        ),
    )
    def settle(
        self,
        members: list[tuple[str, int, Role]],
        invitations: list[tuple[str, int, Role, str | None, bool]],
    ) -> None:
        """Begin with three organizations, some members and some invitations."""
        self.town.empty()
        self.slugs = [self.town.add_organization() for _ in range(ORGANIZATIONS)]
        for login, number, role in members:
            self._set_role(login, self.slugs[number], role)
        for login, number, role, inviter, expired in invitations:
            self._invite(login, self.slugs[number], role, inviter, expired)

    # What administrators do

    @rule(login=logins, number=numbers, role=roles)
    def let_in(self, login: str, number: int, role: Role) -> None:
        """Make a person a member, or change the role; end a block and a suspension."""
        slug = self.slugs[number]
        self._set_role(login, slug, role)
        if slug in self.model.suspended:
            self._suspend(slug, False)
        if login in self.model.blocked:
            self._block(login, False)

    @rule(login=logins, number=numbers, how=st.sampled_from(["remove", "suspend", "block"]))
    def shut_out(self, login: str, number: int, how: str) -> None:
        """End a membership, suspend an organization, or block a person."""
        if how == "remove":
            self._remove(login, self.slugs[number])
        elif how == "suspend":
            self._suspend(self.slugs[number], True)
        else:
            self._block(login, True)

    @rule(login=logins, number=numbers, role=roles, inviter=inviters, expired=seldom)
    def invite(
        self, login: str, number: int, role: Role, inviter: str | None, expired: bool
    ) -> None:
        """Invite the address of a person, unless an invitation waits; perhaps a week ago."""
        self._invite(login, self.slugs[number], role, inviter, expired)

    @precondition(lambda self: self.model.invitations)
    @rule(data=st.data(), how=st.sampled_from(["expire", "withdraw"]))
    def end_invitation(self, data: st.DataObject, how: str) -> None:
        """Let an invitation expire, or withdraw it."""
        id_ = data.draw(self._invitation_ids())
        if how == "expire":
            self.town.run("update org.invitation set expires_at = now() where id = %(id)s", id=id_)
            self.model.invitations[id_].expired = True
        else:
            self._withdraw(id_)

    @precondition(lambda self: not self.rotated)
    @rule()
    def rotate_keys(self) -> None:
        """Let the tenant sign with another key; tokens of the old one stay valid."""
        self.rotated = True
        self.town.rotate_keys()

    # What people do

    @rule(data=st.data(), login=logins, hinted=seldom, wants_page=st.booleans())
    def log_in(self, data: st.DataObject, login: str, hinted: bool, wants_page: bool) -> None:
        """Log in, and go through the picker if it comes."""
        hint = data.draw(st.sampled_from(self.slugs)) if hinted else None
        parameters = {"ext_org": hint} if hint else {}
        if wants_page:
            parameters["ext_org_prompt"] = "select"
        self._enter(data, login, hint, parameters, wants_page=wants_page)

    @rule(data=st.data(), login=logins)
    def switch(self, data: st.DataObject, login: str) -> None:
        """Choose again on the picker."""
        self._enter(data, login, None, {"ext_org_prompt": "select"}, wants_page=True)

    @precondition(lambda self: self.model.invitations)
    @rule(data=st.data(), login=logins, own=st.booleans())
    def follow_link(self, data: st.DataObject, login: str, own: bool) -> None:
        """Open the link of an invitation, of one's own or another's."""
        id_ = data.draw(self._invitation_ids())
        if own:
            login = self.model.invitations[id_].login
        self._enter(data, login, None, {"ext_invitation": str(id_)}, wants_page=True)

    @rule(data=st.data(), login=logins, hinted=st.booleans())
    def log_in_silently(self, data: st.DataObject, login: str, hinted: bool) -> None:
        """Ask for a token without a page."""
        hint = data.draw(st.sampled_from(self.slugs)) if hinted else None
        parameters = {"ext_org": hint} if hint else {}
        person = self._begin(login, prompt="none", **parameters)
        expected = self.model.decide(login, "silent", hint)
        if login not in self.logged_in:
            assert person.callback is not None
            assert person.callback["error"] == "login_required"
        elif expected == ASK:
            assert person.callback is not None
            assert person.callback.get("error") == "interaction_required", person.callback
        else:
            self._arrive(login, expected)

    @precondition(lambda self: self.tokens)
    @rule(data=st.data(), hinted=st.booleans())
    def refresh(self, data: st.DataObject, hinted: bool) -> None:
        """Renew a token, for the same organization or another, or without naming one."""
        login, _slug, tokens = self.tokens.pop(data.draw(self._token_numbers()))
        hint = data.draw(st.sampled_from(self.slugs)) if hinted else None
        parameters = {"ext_org": hint} if hint else {}
        answer = self._person(login).ask_refresh(tokens, **parameters)
        expected = self.model.decide(login, "refresh", hint)
        if expected.startswith(REFUSED):
            assert answer.status_code == 403, answer.text
            assert answer.json()["error_description"] == expected.removeprefix(REFUSED)
        else:
            assert answer.status_code == 200, (expected, answer.text)
            body = answer.json()
            renewed = Tokens(body["access_token"], body["id_token"], body["refresh_token"])
            self._got(login, expected, renewed)

    @precondition(lambda self: self.tokens)
    @rule(data=st.data())
    def call_api(self, data: st.DataObject) -> None:
        """Use a token, which may be older than the last change."""
        login, slug, tokens = self.tokens[data.draw(self._token_numbers())]
        answer = self.town.api.test_client().get(
            "/me", headers={"Authorization": f"Bearer {tokens.access_token}"}
        )
        if self.model.may_act(login, slug):
            assert answer.status_code == 200, answer.text
            assert answer.get_json()["organization"]["slug"] == slug
            assert answer.get_json()["role"] == self.model.roles[login, slug]
        else:
            assert answer.status_code == 403, answer.text

    # Steps of a login

    def _enter(
        self,
        data: st.DataObject,
        login: str,
        hint: str | None,
        parameters: dict[str, str],
        *,
        wants_page: bool,
    ) -> None:
        person = self._begin(login, **parameters)
        if 'name="password"' in person.text:
            person.log_in(f"{login}@example.com")
        self.logged_in.add(login)
        assert person.redirects <= MOST_REDIRECTS
        expected = self.model.decide(login, "page", hint, wants_page=wants_page)
        if expected != ASK:
            self._arrive(login, expected)
            return
        assert person.callback is None, (expected, person.callback)
        offered = self._read_offer(person)
        assert offered["org_id"] == {
            str(self.town.org_id(slug)) for slug in self.model.usable(login)
        }
        acceptable = {
            str(id_)
            for id_, invited in self.model.invitations.items()
            if self.model.may_accept(login, invited)
        }
        waiting = {str(id_) for id_ in self.model.waiting(login)}
        assert waiting <= offered["invitation_id"] <= acceptable
        self._choose(data, login, person)

    def _choose(self, data: st.DataObject, login: str, person: Person) -> None:
        """Choose what the picker offers, or what another person's page would offer."""
        kind, what = self._draw_choice(data, login)
        remember = data.draw(st.integers(0, 2)) > 0
        field = "org_id" if kind == "org" else "invitation_id"
        value = str(self.town.org_id(what)) if kind == "org" else what
        self._meanwhile(data, login, kind, what)
        possible = self._is_possible(login, kind, what)
        form = person.form("form")
        fields = {"form": form.fields["form"], field: value}
        if remember:
            fields["remember"] = "yes"
        person.submit(Form(form.action, "POST", fields))
        if not possible:
            assert "selection_token" not in person.text
            return
        self._meanwhile(data, login, kind, what)
        person.proceed()
        assert person.redirects <= MOST_REDIRECTS
        if not self._is_possible(login, kind, what):
            code = "not_a_member" if login in self.model.blocked else "selection_failed"
            self._arrive(login, REFUSED + code)
            return
        slug = what
        if kind == "invitation":
            invited = self.model.invitations[UUID(what)]
            slug, invited.accepted = invited.slug, True
            self.model.roles.setdefault((login, slug), invited.role)
        if remember:
            self.model.defaults[login] = slug
        self._arrive(login, slug)

    def _draw_choice(
        self, data: st.DataObject, login: str
    ) -> tuple[Literal["org", "invitation"], str]:
        """Mostly what the picker offers; else an invitation of theirs, or anything there is."""
        usable, waiting = self.model.usable(login), self.model.waiting(login)
        own = [id_ for id_, invited in self.model.invitations.items() if invited.login == login]
        honesty = data.draw(st.integers(0, 9))
        if honesty < 3 and own:
            slugs, ids = [], own
        elif honesty < 8 and (usable or waiting):
            slugs = [slug for slug in self.slugs if slug in usable]
            ids = [id_ for id_ in own if id_ in waiting]
        else:
            slugs, ids = self.slugs, list(self.model.invitations)
        choices: list[tuple[Literal["org", "invitation"], str]] = [
            *(("invitation", str(id_)) for id_ in ids),
            *(("org", slug) for slug in slugs),
        ]
        return data.draw(st.sampled_from(choices))

    def _is_possible(self, login: str, kind: str, what: str) -> bool:
        if kind == "org":
            return self.model.may_act(login, what)
        invited = self.model.invitations.get(UUID(what))
        return invited is not None and self.model.may_accept(login, invited)

    def _meanwhile(self, data: st.DataObject, login: str, kind: str, what: str) -> None:
        event = data.draw(meanwhile)
        invited = self.model.invitations.get(UUID(what)) if kind == "invitation" else None
        slug = what if kind == "org" else invited.slug if invited else None
        if event == "removal" and slug:
            self._remove(login, slug)
        elif event == "suspension" and slug:
            self._suspend(slug, True)
        elif event == "block":
            self._block(login, True)
        elif event == "withdrawal" and invited:
            self._withdraw(UUID(what))

    def _arrive(self, login: str, expected: str) -> None:
        """Require that the login ended in a token of this organization, or in this refusal."""
        person = self._person(login)
        assert person.callback is not None, (expected, person.heading)
        if expected.startswith(REFUSED):
            code = expected.removeprefix(REFUSED)
            assert person.callback.get("error_description") == code, person.callback
        else:
            assert "code" in person.callback, (expected, person.callback)
            self._got(login, expected, person.redeem())

    def _got(self, login: str, slug: str, tokens: Tokens) -> None:
        """At each issuance: an active member, exactly one organization, the one asked for."""
        assert self.model.may_act(login, slug)
        assert tokens.org_slug == slug
        assert tokens.org_id == str(self.town.org_id(slug))
        self.tokens.append((login, slug, tokens))

    def _read_offer(self, person: Person) -> dict[str, set[str]]:
        assert isinstance(person.page, httpx2.Response)
        return {
            name: set(re.findall(rf'name="{name}" value="([^"]+)"', person.text))
            for name in ("org_id", "invitation_id")
        }

    def _person(self, login: str) -> Person:
        if login not in self.people:
            self.people[login] = Person(self.town.stack)
        return self.people[login]

    def _begin(self, login: str, **parameters: str) -> Person:
        """Open the app, with no answer of an earlier login."""
        person = self._person(login)
        person.callback = None
        return person.open_app(**parameters)

    def _invitation_ids(self) -> st.SearchStrategy[UUID]:
        # In the order in which they were made: ids are random, and a life must be repeatable.
        return st.sampled_from(list(self.model.invitations))

    def _token_numbers(self) -> st.SearchStrategy[int]:
        return st.integers(0, len(self.tokens) - 1)

    # Changes, in the database and in the model

    def _set_role(self, login: str, slug: str, role: Role) -> None:
        self.town.run(
            "insert into org.membership (user_id, org_id, role) "
            "select u.id, o.id, %(role)s from org.app_user u, org.organization o "
            "where u.auth0_user_id = %(user)s and o.slug = %(slug)s "
            "on conflict (user_id, org_id) do update set role = excluded.role",
            user=USER_IDS[login],
            slug=slug,
            role=role,
        )
        self.model.roles[login, slug] = role

    def _remove(self, login: str, slug: str) -> None:
        self.town.run(
            "delete from org.membership where "
            "user_id = (select id from org.app_user where auth0_user_id = %(user)s) "
            "and org_id = (select id from org.organization where slug = %(slug)s)",
            user=USER_IDS[login],
            slug=slug,
        )
        self.model.remove(login, slug)

    def _suspend(self, slug: str, suspended: bool) -> None:
        self.town.run(
            "update org.organization set suspended_at = case when %(yes)s then now() end "
            "where slug = %(slug)s",
            slug=slug,
            yes=suspended,
        )
        (self.model.suspended.add if suspended else self.model.suspended.discard)(slug)

    def _block(self, login: str, blocked: bool) -> None:
        self.town.run(
            "update org.app_user set blocked_at = case when %(yes)s then now() end "
            "where auth0_user_id = %(user)s",
            user=USER_IDS[login],
            yes=blocked,
        )
        (self.model.blocked.add if blocked else self.model.blocked.discard)(login)

    def _invite(
        self, login: str, slug: str, role: Role, inviter: str | None, expired: bool
    ) -> None:
        waiting = [
            one
            for one in self.model.invitations.values()
            if (one.login, one.slug, one.accepted) == (login, slug, False)
        ]
        if waiting:
            return
        [(id_,)] = self.town.run(
            "insert into org.invitation (org_id, email, role, expires_at, invited_by) "
            "select o.id, %(email)s, %(role)s, now() + %(days)s * interval '1 day', "
            "(select id from org.app_user where auth0_user_id = %(inviter)s) "
            "from org.organization o where o.slug = %(slug)s returning id",
            slug=slug,
            days=0 if expired else 7,
            email=f"{login}@example.com",
            role=role,
            inviter=USER_IDS.get(inviter or ""),
        )
        self.model.invitations[UUID(str(id_))] = Invited(login, slug, role, inviter, expired)

    def _withdraw(self, id_: UUID) -> None:
        self.town.run("delete from org.invitation where id = %(id)s", id=id_)
        self.model.invitations.pop(id_, None)
