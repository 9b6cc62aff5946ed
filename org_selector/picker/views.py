"""
The picker: a person chooses one organization in the middle of a login.

`GET /select` takes the session token and Auth0's `state` from the redirect, puts both into a cookie
and redirects to an address without them. The page reads the cookie. The POST verifies the token
again and looks the membership up again before it signs the choice. The picker writes nothing: the
choice takes effect when the Action sends it to `POST /decisions`.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlencode

from flask import Blueprint, Response, g, request, url_for

from endpoint.names import MAX_LENGTH, find_fault
from org_guard.base_url import base_url
from org_selector.action_tokens import ActionTokens
from org_selector.errors import (
    AlreadyChosen,
    BoundOrganizationSuspended,
    CrossSiteForm,
    InvalidSessionToken,
    NoOrganization,
)
from org_selector.login_transaction import LoginTransaction
from org_selector.picker.address import PageAddress
from org_selector.picker.chosen import (
    ChosenInvitation,
    ChosenName,
    ChosenOrganization,
    read_chosen,
)
from org_selector.picker.cookie import LoginCookies, UnverifiedLogin, parse_login
from org_selector.picker.html import (
    CONTINUE_SCRIPT,
    continue_policy,
    find_language,
    render_page,
    show_to,
)
from org_selector.picker.invitation_link import explain_link
from org_selector.picker.lookalike import find_lookalike
from org_selector.picker.lookup.rows import Creatable, LookupRows, Selectable
from org_selector.picker.page import NewOrganization, build_page
from org_selector.picker.rows import OrganizationList, PickerRows

_Found = TypeVar("_Found", OrganizationList, Selectable, Creatable)


class Picker:
    """The three views; one object in each process."""

    def __init__(
        self,
        tokens: ActionTokens,
        cookies: LoginCookies,
        rows: PickerRows,
        lookups: LookupRows,
        own_origin: str,
        *,
        new_organizations: bool,
    ) -> None:
        self._tokens = tokens
        self._cookies = cookies
        self._rows = rows
        self._lookups = lookups
        self._own_origin = own_origin
        self._new_organizations = new_organizations

    def enter(self) -> Response:
        """Put the login into a cookie; a reload does the same again."""
        login = parse_login(_single("session_token"), _single("state"))
        transaction = self._tokens.verify_session_token(login.unverified_session_token)
        page = url_for("picker.show", login_id=login.login_id)
        response = Response(status=303, headers={"Location": page})
        self._cookies.make_room(response, request.cookies, login, transaction.auth0_user_id)
        self._cookies.save(response, login, max(1, transaction.expires_at - int(time.time())))
        return response

    def show(self, login_id: str) -> Response:
        """Show the person's organizations: all, one page of them, or what a search found."""
        login, transaction = self._verify(login_id)
        return self._show(login, transaction)

    def choose(self, login_id: str) -> Response:
        """Sign the choice and send the browser back to Auth0."""
        login, transaction = self._verify(login_id)
        self._require_own_form(login)
        chosen = read_chosen(request.form)
        if isinstance(chosen, ChosenName):
            return self._choose_name(login, transaction, chosen)
        found = _require_open(self._find(transaction, chosen))
        if isinstance(chosen, ChosenInvitation):
            if not found.selectable:
                return self._refuse(login, transaction, "invitation_closed")
            return self._sign(login, transaction, {"invitation_id": str(chosen.invitation_id)})
        # A bound application has one organization to offer, or none if that one is suspended. Its
        # members do not come here.
        if not found.selectable or transaction.bound or transaction.notice == "bound_suspended":
            return self._refuse(login, transaction, "not_selectable")
        return self._sign(login, transaction, {"org_id": str(chosen.org_id)})

    def _find(
        self, transaction: LoginTransaction, chosen: ChosenOrganization | ChosenInvitation
    ) -> Selectable | None:
        user, nonce = transaction.auth0_user_id, transaction.nonce
        if isinstance(chosen, ChosenOrganization):
            return self._lookups.find_selectable(user, org_id=chosen.org_id, nonce=nonce)
        return self._lookups.find_acceptable(
            user, invitation_id=chosen.invitation_id, bound_to=transaction.bound_to, nonce=nonce
        )

    def _choose_name(
        self, login: UnverifiedLogin, transaction: LoginTransaction, chosen: ChosenName
    ) -> Response:
        user, nonce = transaction.auth0_user_id, transaction.nonce
        found = _require_open(self._lookups.find_creatable(user, nonce=nonce))
        if not self._may_create(transaction) or not found.may_create:
            return self._refuse(login, transaction, "not_creatable")
        name = chosen.unverified_name
        fault = len(name) > MAX_LENGTH or find_fault(name) is not None
        lookalike = find_lookalike(name, found.names)
        if fault or (lookalike and not chosen.confirmed):
            again = NewOrganization(name, fault=fault, lookalike=lookalike)
            return self._show(login, transaction, status=422, again=again)
        return self._sign(login, transaction, {"new_organization": name})

    def _refuse(
        self, login: UnverifiedLogin, transaction: LoginTransaction, notice: str
    ) -> Response:
        g.log = {"error": notice}
        return self._show(login, transaction, notice=notice, status=403)

    def _sign(
        self, login: UnverifiedLogin, transaction: LoginTransaction, choice: dict[str, str | bool]
    ) -> Response:
        boxes = {name: name in request.form for name in ("remember", "forget")}
        tenant_url = base_url(transaction.issuer)
        return render_page(
            "continue.html",
            policy=continue_policy(tenant_url, transaction.app_origin),
            action=f"{tenant_url}/continue?{urlencode({'state': login.unverified_state})}",
            script=CONTINUE_SCRIPT,
            selection_token=self._tokens.sign_selection_token(
                transaction, login.unverified_state, choice | boxes
            ),
        )

    def _may_create(self, transaction: LoginTransaction) -> bool:
        return self._new_organizations and not transaction.bound

    def _verify(self, login_id: str) -> tuple[UnverifiedLogin, LoginTransaction]:
        """Return the cookie's login, and what its session token says, which is verified here."""
        login = self._cookies.read(request.cookies, login_id)
        transaction = self._tokens.verify_session_token(login.unverified_session_token)
        show_to(transaction)
        return login, transaction

    def _require_own_form(self, login: UnverifiedLogin) -> None:
        site = request.headers.get("Sec-Fetch-Site")
        origin = request.headers.get("Origin")
        if site not in (None, "same-origin") or origin not in (None, self._own_origin):
            raise CrossSiteForm("sent by another site")
        signatures = request.form.getlist("form")
        self._cookies.require_form(login, signatures[0] if len(signatures) == 1 else "")

    def _show(
        self,
        login: UnverifiedLogin,
        transaction: LoginTransaction,
        *,
        notice: str = "",
        status: int = 200,
        again: NewOrganization | None = None,
    ) -> Response:
        address = PageAddress.read(request.args.get("search", ""), request.args.getlist("after"))
        organizations = _require_open(self._load(transaction, address))
        account = organizations.email or organizations.name or transaction.auth0_user_id
        show_to(transaction, account)
        if transaction.notice == "bound_suspended":
            raise BoundOrganizationSuspended
        invited_address = None
        if transaction.invitation and not notice and not again:
            notice, invited_address = explain_link(self._lookups, transaction)
        form = again or NewOrganization("", fault=False, lookalike=None)
        may_create = self._may_create(transaction) and organizations.may_create
        page = build_page(
            organizations,
            address,
            find_language().page_texts,
            notice=notice or transaction.notice,
            today=datetime.now(UTC).date(),
            invited_address=invited_address,
            new_organization=form if may_create and address == PageAddress() else None,
        )
        if page.heading == "nothing" and not page.notice.startswith("invitation"):
            raise NoOrganization
        return render_page(
            "select.html",
            status=status,
            app=transaction.client_name,
            action=request.path,
            form=self._cookies.sign_form(login),
            page=page,
        )

    def _load(self, transaction: LoginTransaction, address: PageAddress) -> OrganizationList | None:
        user, nonce, after = transaction.auth0_user_id, transaction.nonce, address.after
        if address.search:
            return self._rows.search_page(user, nonce=nonce, after=after, search=address.search)
        found = self._rows.load_page(
            user,
            nonce=nonce,
            after=after,
            invitation_id=transaction.invitation_id,
            bound_to=transaction.bound_to,
        )
        # A bound application offers the invitation to its organization, and no other one.
        if found and transaction.bound:
            return replace(found, recent=(), by_name=(), more=False)
        return found


def create_blueprint(picker: Picker) -> Blueprint:
    """Return the picker's routes."""
    blueprint = Blueprint("picker", __name__)
    blueprint.add_url_rule("/select", "enter", picker.enter, methods=["GET"])
    blueprint.add_url_rule("/select/<login_id>", "show", picker.show, methods=["GET"])
    blueprint.add_url_rule("/select/<login_id>", "choose", picker.choose, methods=["POST"])
    return blueprint


def _require_open(found: _Found | None) -> _Found:
    """Return what was found for a person who is known, not blocked, and has not chosen yet."""
    if found is None:
        raise NoOrganization("unknown or blocked user")
    if found.already_chosen:
        raise AlreadyChosen
    return found


def _single(name: str) -> str:
    values = request.args.getlist(name)
    if len(values) != 1:
        raise InvalidSessionToken(f"{len(values)} times {name}")
    return values[0]
