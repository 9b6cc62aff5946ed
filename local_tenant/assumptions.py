"""
Every behaviour of the local tenant that Auth0 does not document, in one table.

One session with a real tenant can confirm or correct each row; nothing else in this package holds
such a guess. Not switchable, and true of no real tenant: host names here carry a port, so
`event.request.hostname`, the `iss` of `encodeToken` and the issuer are `host:port`, and `http` is
used on localhost and 127.0.0.1. The audience of the Management API follows the host in use, too,
where Auth0's stays with the canonical domain.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What this tenant does where Auth0's documentation says nothing."""

    # /authorize

    # Status of the page for an unknown client, an unregistered callback or return address.
    error_page_status: int = 400
    # `ext-` parameters outside the documented form (10 of them, name and value patterns): the form
    # is documented, what happens otherwise is not. "refused" is invalid_request at the callback.
    invalid_ext_parameters: Literal["dropped", "passed", "refused"] = "dropped"
    # POST /authorize: the form fields appear in event.request.query too, so that an Action need not
    # care.
    posted_parameters_in_query: bool = True
    # A blocked user: the error at the callback, and at the token endpoint with
    # `refused_grant_status`.
    blocked_error: str = "unauthorized"
    blocked_description: str = "user is blocked"
    # Seconds an SSO session lives.
    session_lifetime: int = 3 * 86_400

    # Redirect and /continue

    # Whether validateToken compares the value of `iss` with the host name. Strict finds more
    # mistakes.
    return_token_iss_enforced: bool = True
    # Seconds a return token must still live at /continue; support staff once wrote 60.
    return_token_minimum_seconds: int = 0
    # validateToken expects the `state` of the merged parameters, where the body wins, although the
    # login was found by the query's. False: it expects the query's.
    body_state_overrides: bool = True
    # Whether POST /continue finds its login by a `state` in the form when the query has none.
    continue_state_in_body: bool = False
    # Whether a logout ends the suspended logins of its session.
    continue_needs_session: bool = True
    # Whether sendUserTo works again inside onContinuePostLogin; False ends the login with
    # access_denied.
    second_redirect: bool = True
    # Whether a `state` the Action put into its URL gives way to the tenant's; False leaves both.
    own_state_is_replaced: bool = True
    # Whether claims and scopes set before a redirect are still there after it.
    claims_survive_redirect: bool = True
    # An Action that calls both deny and sendUserTo is denied; False redirects.
    deny_beats_redirect: bool = True
    # Status of the page for a login that cannot go on (unknown, used, expired, of another browser).
    dead_login_status: int = 400

    # Metadata and event

    # A metadata write on a plan without that metadata (`TenantConfig.refresh_token_metadata` and
    # `session_metadata` are the plan): dropped silently, or an exception in the Action.
    metadata_write_without_plan: Literal["ignored", "throws"] = "ignored"
    # `event.session` in a refresh exchange or password grant: {} or not there. The types warn of
    # {}.
    session_without_browser: Literal["empty", "absent"] = "empty"

    # /oauth/token

    # invalid_grant: code or refresh token unknown, used, expired, of another client.
    invalid_grant_status: int = 403
    # access_denied (an Action denied, or failed; a machine without a grant for the audience or with
    # another scope), interaction_required (an Action redirected), a blocked user.
    refused_grant_status: int = 403
    # An unknown client_id (invalid_client) or a wrong secret; a grant type that is not served here,
    # or not to this client.
    invalid_client_status: int = 401
    unsupported_grant_status: int = 403
    # The error of a wrong or missing client secret.
    wrong_secret_error: Literal["access_denied", "invalid_client"] = "access_denied"
    # Every client may send its secret by HTTP Basic; False: in the body only. A real application is
    # set to one of the two, and what the other one then does is not documented.
    secret_by_basic: bool = True
    # Whether client credentials fill `permissions` in the `_authz` dialects, with the granted
    # scopes; False leaves the list empty.
    machine_permissions: bool = True
    # Whether a refresh that an Action refused uses the refresh token up.
    failed_refresh_spends_token: bool = False
    # `password` leaves event.request.body of a password grant, beside the five documented names.
    password_hidden_from_actions: bool = True

    # /userinfo

    # An opaque token without the scope openid: {} and 200 as a support article says, or 403
    # insufficient_scope; the reference says only that the endpoint does not work then.
    userinfo_without_openid: Literal["empty", "refused"] = "empty"

    # Signing keys

    # A rotation needs create:signing_keys and update:signing_keys; False: one of them.
    rotation_needs_both_scopes: bool = True
    # The "next key" in the answer to a rotation: the one that will sign after the next rotation, or
    # the one that signs now.
    rotation_answers: Literal["next", "current"] = "next"
    # Whether a rotation leaves more than one key used before in the key set.
    rotation_keeps_older_keys: bool = False
    # Status of a revocation of the current or next key, and of one of an unknown key.
    unrevocable_key_status: int = 400
    unknown_key_status: int = 404

    # Logout

    # A logout with an unregistered return address shows a page; whether the session is gone by
    # then.
    bad_return_still_logs_out: bool = True


# The rows an Action can notice; they travel to the runner with every call (`run_action.js` knows
# the same).
RUNNER_ROWS = (
    "body_state_overrides",
    "metadata_write_without_plan",
    "return_token_iss_enforced",
    "return_token_minimum_seconds",
)
