"""
What the local tenant does where Auth0's documentation does not say what Auth0 does.

Each row is one assumption. Its comment says what the tenant does with the value that the row has,
and with other values. Tests change a value to see the product with the other behaviour, and one
session with a real tenant can confirm or correct each row. Only this file has such assumptions.

Three things differ from every real tenant and cannot be changed here. Host names carry a port, so
`event.request.hostname`, the `iss` of `encodeToken` and the issuer are `host:port`. The scheme is
`http` on localhost and 127.0.0.1. The audience of the Management API follows the host that the
request came to; Auth0's stays with the canonical domain.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Assumptions:
    """The assumed behaviours; a tenant is configured with one such object."""

    # /authorize

    # HTTP status of the error page for an unknown client_id, for a callback URL, logout URL or web
    # origin that the application does not allow, and for other requests with no safe redirect.
    error_page_status: int = 400
    # What happens to `ext-` parameters that break the documented limits (ten parameters, patterns
    # for name and value). "dropped": the Action does not see them. "passed": it sees them.
    # "refused": the login ends at the callback with invalid_request.
    invalid_ext_parameters: Literal["dropped", "passed", "refused"] = "dropped"
    # After POST /authorize the form fields are in event.request.query as well as in
    # event.request.body. False: they are in the body only.
    posted_parameters_in_query: bool = True
    # `error` and `error_description` when a blocked user logs in. The application gets them at its
    # callback; in a refresh or password grant /oauth/token answers with them and
    # `refused_grant_status`. A code of a user who was blocked since is an invalid_grant.
    blocked_error: str = "unauthorized"
    blocked_description: str = "user is blocked"
    # Seconds until a single sign-on session expires.
    session_lifetime: int = 3 * 86_400

    # Redirect and /continue

    # api.redirect.validateToken requires that the token's `iss` equals event.request.hostname.
    # False: any text is accepted. True is assumed because it finds more mistakes.
    return_token_iss_enforced: bool = True
    # Seconds before its `exp` at which validateToken already treats a token as expired. A support
    # answer by Auth0 once said 60.
    return_token_minimum_seconds: int = 0
    # /continue finds the login by the `state` in the query. If the form has a different `state`,
    # validateToken compares the token with the form's. False: it compares with the query's.
    body_state_overrides: bool = True
    # POST /continue without a `state` in the query takes the one in the form. False: it shows an
    # error page.
    continue_state_in_body: bool = False
    # A logout also ends the logins of this session that wait for /continue. False: they can still
    # be continued.
    continue_needs_session: bool = True
    # onContinuePostLogin may call sendUserTo, and the user is redirected a second time. False: the
    # login ends with access_denied.
    second_redirect: bool = True
    # The URL given to sendUserTo may contain a `state`: the tenant replaces it with its own. False:
    # the URL then has both.
    own_state_is_replaced: bool = True
    # Custom claims and scopes that Actions set before a redirect are still set after it. False:
    # they are lost.
    claims_survive_redirect: bool = True
    # If one run of an Action calls both deny and sendUserTo, the login is denied. False: the user
    # is redirected.
    deny_beats_redirect: bool = True
    # HTTP status of the error page for a login that cannot continue: its `state` is unknown, used
    # or expired, belongs to another browser, or its session has ended.
    dead_login_status: int = 400

    # Metadata and event

    # What happens when an Action writes metadata of a refresh token or session and the plan does
    # not include it (`refresh_token_metadata` and `session_metadata` of `TenantConfig` say what the
    # plan includes). "ignored": nothing is written. "throws": the call throws in the Action.
    metadata_write_without_plan: Literal["ignored", "throws"] = "ignored"
    # `event.session` in a refresh or password grant, where there is no browser. "empty": {}, which
    # Auth0's type definitions allow for. "absent": the property is missing.
    session_without_browser: Literal["empty", "absent"] = "empty"

    # `event.transaction.protocol` in onContinuePostLogin is that of the login. False: the property
    # is missing.
    protocol_at_continue: bool = True
    # Parts of `event` that are missing in a refresh; any of "connection", "resource_server" and
    # "request.hostname". Auth0's type definitions allow that for the first two.
    absent_in_refresh: tuple[Literal["connection", "resource_server", "request.hostname"], ...] = ()

    # Second factors (api.authentication.challengeWith, challengeWithAny, enrollWith, enrollWithAny)

    # `error` when an Action asks for a second factor in a login with prompt=none, and in a refresh
    # or password grant, where it stands beside `refused_grant_status`. Auth0 documents only that a
    # custom token exchange fails then.
    factor_error_silent: str = "interaction_required"
    factor_error_without_browser: str = "mfa_required"
    # `error` when the user is enrolled in none of the factors of a challenge, when all factors of
    # an enrollment are enrolled, and at the fifth such command of a login. Documented is only that
    # the login fails.
    factor_failed_error: str = "access_denied"
    # An Action that asks for a second factor and calls sendUserTo: the login is denied. Auth0
    # documents that the two belong into different Actions. False: the user is redirected.
    factor_with_redirect_fails: bool = True

    # /oauth/token

    # HTTP status of invalid_grant: the code or refresh token is unknown, used, expired or of
    # another client, or the password is wrong.
    invalid_grant_status: int = 403
    # HTTP status when a grant is refused although client and credentials are right: an Action
    # denied or failed (access_denied) or called sendUserTo (interaction_required), the user is
    # blocked, the API is unknown, or the machine has no client grant for the API or the scope.
    refused_grant_status: int = 403
    # HTTP status for an unknown client_id and for a wrong or missing client secret.
    invalid_client_status: int = 401
    # HTTP status for a grant type that is not served here (unsupported_grant_type), or that this
    # client may not use (unauthorized_client).
    unsupported_grant_status: int = 403
    # `error` for a wrong or missing client secret.
    wrong_secret_error: Literal["access_denied", "invalid_client"] = "access_denied"
    # Every client may send its secret by HTTP Basic as well as in the body. False: in the body
    # only. At Auth0 an application is set to one method; it is not documented what happens when it
    # uses the other one.
    secret_by_basic: bool = True
    # In a client credentials grant for an API whose token dialect ends in `_authz` and that
    # enforces RBAC, `permissions` lists the granted scopes. False: the list is empty.
    machine_permissions: bool = True
    # A refresh that an Action refused uses the refresh token up. False: the application can use the
    # same refresh token again.
    failed_refresh_spends_token: bool = False
    # In a password grant `password` is removed from event.request.body, like the five parameters
    # that Auth0 documents as removed. False: the Action sees it.
    password_hidden_from_actions: bool = True

    # /userinfo

    # The answer to an access token without the scope openid. "empty": 200 and {}, as a support
    # article says. "refused": 403 insufficient_scope. The reference says only that the endpoint
    # does not work then.
    userinfo_without_openid: Literal["empty", "refused"] = "empty"

    # Signing keys (Management API)

    # To rotate keys a token needs both scopes, create:signing_keys and update:signing_keys. False:
    # one of the two is enough.
    rotation_needs_both_scopes: bool = True
    # Which key the answer to a rotation describes. "next": the one that will sign after another
    # rotation. "current": the one that signs from now on.
    rotation_answers: Literal["next", "current"] = "next"
    # After a rotation the key set still holds every earlier key that was not revoked. False: it
    # holds only the latest of them.
    rotation_keeps_older_keys: bool = False
    # HTTP status when the key to revoke is the current or the next one, and when it is unknown.
    unrevocable_key_status: int = 400
    unknown_key_status: int = 404

    # Logout

    # A logout whose return URL is not registered ends the session, then shows an error page. False:
    # it shows the error page and the session stays.
    bad_return_still_logs_out: bool = True


# The rows that change what an Action itself sees. They are sent to the Node process with every
# call; `run_action.js` has the same names and defaults.
RUNNER_ROWS = (
    "body_state_overrides",
    "metadata_write_without_plan",
    "return_token_iss_enforced",
    "return_token_minimum_seconds",
)
