"""
The picker: a person chooses one organization in the middle of a login.

`GET /select` takes the session token and Auth0's `state` from the redirect, puts both into a cookie
and redirects to an address without them. The page reads the cookie. The POST verifies the token
again and looks the membership up again before it signs the choice. The picker writes nothing: the
choice takes effect when the Action sends it to `POST /decisions`.
"""

import time
from datetime import UTC, datetime
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, g, request, url_for

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
from org_selector.picker.cookie import LoginCookies, UnverifiedLogin, parse_login
from org_selector.picker.html import (
    CONTINUE_SCRIPT,
    continue_policy,
    find_language,
    render_page,
    show_to,
)
from org_selector.picker.page import PageAddress, build_page
from org_selector.picker.rows import OrganizationList, PickerRows


class Picker:
    """The three views; one object in each process."""

    def __init__(
        self, tokens: ActionTokens, cookies: LoginCookies, rows: PickerRows, own_origin: str
    ) -> None:
        self._tokens = tokens
        self._cookies = cookies
        self._rows = rows
        self._own_origin = own_origin

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
        org_id = _parse_org_id(request.form.getlist("org_id"))
        found = self._rows.find_selectable(
            transaction.auth0_user_id, org_id=org_id, nonce=transaction.nonce
        )
        if found is None:
            raise NoOrganization("unknown or blocked user")
        if found.already_chosen:
            raise AlreadyChosen
        # A bound application has one organization to offer, or none if that one is suspended.
        if not found.selectable or transaction.notice == "bound_suspended":
            g.log = {"error": "not_selectable"}
            return self._show(login, transaction, notice="not_selectable", status=403)
        tenant_url = base_url(transaction.issuer)
        return render_page(
            "continue.html",
            policy=continue_policy(tenant_url, transaction.app_origin),
            action=f"{tenant_url}/continue?{urlencode({'state': login.unverified_state})}",
            script=CONTINUE_SCRIPT,
            selection_token=self._tokens.sign_selection_token(
                transaction,
                login.unverified_state,
                {
                    "org_id": str(org_id),
                    "remember": "remember" in request.form,
                    "forget": "forget" in request.form,
                },
            ),
        )

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
    ) -> Response:
        address = PageAddress.read(request.args.get("search", ""), request.args.getlist("after"))
        organizations = self._load(transaction, address)
        if organizations is None:
            raise NoOrganization("unknown or blocked user")
        if organizations.already_chosen:
            raise AlreadyChosen
        account = organizations.email or organizations.name or transaction.auth0_user_id
        show_to(transaction, account)
        if transaction.notice == "bound_suspended":
            raise BoundOrganizationSuspended
        if not organizations.by_name and address == PageAddress():
            raise NoOrganization
        page = build_page(
            organizations,
            address,
            find_language().page_texts,
            notice=notice or transaction.notice,
            today=datetime.now(UTC).date(),
        )
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
        return self._rows.load_page(user, nonce=nonce, after=after)


def create_blueprint(picker: Picker) -> Blueprint:
    """Return the picker's routes."""
    blueprint = Blueprint("picker", __name__)
    blueprint.add_url_rule("/select", "enter", picker.enter, methods=["GET"])
    blueprint.add_url_rule("/select/<login_id>", "show", picker.show, methods=["GET"])
    blueprint.add_url_rule("/select/<login_id>", "choose", picker.choose, methods=["POST"])
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
