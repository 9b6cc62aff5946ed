"""
The picker: a person chooses one organization in the middle of a login.

`GET /select` takes the session token and Auth0's `state` from the redirect, keeps both in a
cookie and leads to an address without them. The page is shown from the cookie, and the POST
verifies the token again and looks the membership up again before it signs. Nothing is
written here: the choice takes effect when Auth0's Action brings it back.
"""

import time
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, g, request, url_for

from org_selector import rows as directory
from org_selector.action_tokens import ActionTokens
from org_selector.errors import (
    AlreadyChosen,
    BoundOrganizationSuspended,
    CrossSiteForm,
    InvalidSessionToken,
    NoOrganization,
)
from org_selector.login_transaction import LoginTransaction
from org_selector.picker.cookie import LoginCookies, UnverifiedLogin, parse_login
from org_selector.picker.html import continue_policy, render_page
from org_selector.rows import SelectionPage
from service.base_url import base_url
from service.pool import Database

MAX_SEARCH = 100  # characters
_START = ("", UUID(int=0))


class Picker:
    """The views and what they need; one object a process."""

    def __init__(
        self, tokens: ActionTokens, cookies: LoginCookies, database: Database, own_origin: str
    ) -> None:
        self._tokens = tokens
        self._cookies = cookies
        self._database = database
        self._own_origin = own_origin

    def enter(self) -> Response:
        """Take over the login that Auth0 sent here; a reload changes nothing."""
        login = parse_login(_single("session_token"), _single("state"))
        transaction = self._tokens.verify_session_token(login.unverified_session_token)
        page = url_for("select.show", login_id=login.login_id)
        response = Response(status=303, headers={"Location": page})
        self._cookies.forget_oldest(response, request.cookies, login)
        self._cookies.save(response, login, max(1, transaction.expires_at - int(time.time())))
        return response

    def show(self, login_id: str) -> Response:
        """Show the organizations: all, one page of them, or those that match a search."""
        login, transaction = self._verify(login_id)
        return self._show(login, transaction)

    def select(self, login_id: str) -> Response:
        """Sign the choice and lead the browser back to Auth0."""
        login, transaction = self._verify(login_id)
        self._require_own_form(login)
        org_id = _parse_org_id(request.form.getlist("org_id"))
        found = self._database.read(
            lambda conn: directory.find_selectable(
                conn, transaction.auth0_user_id, org_id=org_id, nonce=transaction.nonce
            )
        )
        if found is None:
            raise NoOrganization("unknown or blocked user")
        if found.already_selected:
            raise AlreadyChosen
        if not found.selectable or transaction.notice == "bound_suspended":
            g.log = {"error": "not_selectable"}
            return self._show(login, transaction, notice="not_selectable", status=403)
        tenant_url = base_url(transaction.issuer)
        return render_page(
            "continue.html",
            transaction=transaction,
            policy=continue_policy(tenant_url, transaction.app_origin),
            tenant_url=tenant_url,
            state=login.state,
            selection_token=self._tokens.sign_selection_token(
                transaction,
                login.state,
                org_id=str(org_id),
                remember="remember" in request.form,
            ),
        )

    def _verify(self, login_id: str) -> tuple[UnverifiedLogin, LoginTransaction]:
        login = self._cookies.read(request.cookies, login_id)
        transaction = self._tokens.verify_session_token(login.unverified_session_token)
        g.transaction = transaction
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
    ) -> Response:
        search = request.args.get("search", "").strip()[:MAX_SEARCH].replace("\0", "")
        after = _parse_after(request.args.getlist("after"))
        page = self._load(transaction, search, after)
        if page is None:
            raise NoOrganization("unknown or blocked user")
        if page.already_selected:
            raise AlreadyChosen
        g.account = page.email or page.name or transaction.auth0_user_id
        if transaction.notice == "bound_suspended":
            raise BoundOrganizationSuspended
        if not (page.rows or search or after != _START):
            raise NoOrganization
        return render_page(
            "select.html",
            transaction=transaction,
            status=status,
            login_id=login.login_id,
            form=self._cookies.sign_form(login),
            page=page,
            search=search,
            many=bool(search or after != _START) or len(page.rows) >= directory.SEARCH_FROM,
            first=after == _START,
            notice=notice or transaction.notice,
            account=g.account,
            switch_account_url=switch_account_url(transaction),
        )

    def _load(
        self, transaction: LoginTransaction, search: str, after: tuple[str, UUID]
    ) -> SelectionPage | None:
        user, nonce = transaction.auth0_user_id, transaction.nonce
        if search:
            return self._database.read(
                lambda conn: directory.search_selection_page(
                    conn, user, nonce=nonce, after=after, search=search
                )
            )
        return self._database.read(
            lambda conn: directory.load_selection_page(conn, user, nonce=nonce, after=after)
        )


def switch_account_url(transaction: LoginTransaction) -> str:
    """Return where "Not you?" leads: out of Auth0's session, then back to the app."""
    query = urlencode({"client_id": transaction.client_id, "returnTo": transaction.app_origin})
    return f"{base_url(transaction.issuer)}/v2/logout?{query}"


def create_blueprint(picker: Picker) -> Blueprint:
    """Serve the picker."""
    blueprint = Blueprint("select", __name__)
    blueprint.add_url_rule("/select", "enter", picker.enter, methods=["GET"])
    blueprint.add_url_rule("/select/<login_id>", "show", picker.show, methods=["GET"])
    blueprint.add_url_rule("/select/<login_id>", "select", picker.select, methods=["POST"])
    return blueprint


def _single(name: str) -> str:
    values = request.args.getlist(name)
    if len(values) != 1:
        raise InvalidSessionToken(f"{len(values)} times {name}")
    return values[0]


def _parse_org_id(unverified_values: list[str]) -> UUID:
    try:
        (unverified_org_id,) = unverified_values
        return UUID(unverified_org_id)
    except ValueError as error:
        raise InvalidSessionToken("not one organization") from error


def _parse_after(unverified_values: list[str]) -> tuple[str, UUID]:
    """Read a page's beginning; one that makes no sense is the first page."""
    try:
        (unverified_after,) = unverified_values
        org_id, _, name_key = unverified_after.partition(" ")
        return name_key.replace("\0", ""), UUID(org_id)
    except ValueError:
        return _START
