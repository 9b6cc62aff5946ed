"""Parameters of requests, and the request as an Action sees it in `event.request`."""

import re
from typing import Any

from flask import request
from werkzeug.datastructures import MultiDict

from local_tenant.assumptions import Assumptions

Parameters = dict[str, Any]

# Auth0 removed these from event.request in September 2025 (page on deprecations and migrations).
RESTRICTED = frozenset(
    {"auth_session", "authn_response", "client_secret", "client_assertion", "refresh_token"}
)
# The documented limits of `ext-` parameters (Auth0's page on customizing page templates).
EXT_COUNT = 10
EXT_NAME = re.compile(r"ext-[\w-]{1,28}", re.ASCII)
EXT_VALUE = re.compile(r"[-\w.*~@+ /:]{1,255}", re.ASCII)


def read_parameters(values: MultiDict[str, str]) -> Parameters:
    """Read parameters as Express does: a repeated one is a list, any other a string."""
    return {name: given[0] if len(given) == 1 else given for name, given in values.lists()}


def text(parameters: Parameters, name: str) -> str:
    """
    Return the value of a parameter that must be one string, or "" if it is absent.

    Raises:
        ValueError: it is repeated (RFC 6749 section 3.1) or not a string.
    """
    value = parameters.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"The parameter {name} must be given once, as text.")
    return value


def check_ext(parameters: Parameters, assumptions: Assumptions) -> Parameters:
    """
    Return the parameters without the `ext-` ones that break the documented limits.

    `Assumptions.invalid_ext_parameters` says whether they are dropped, kept or refused.

    Raises:
        ValueError: there is such a parameter, and it is refused.
    """
    if assumptions.invalid_ext_parameters == "passed":
        return parameters
    kept, count = {}, 0
    for name, value in parameters.items():
        if name.startswith("ext-"):
            count += 1
            values = value if isinstance(value, list) else [value]
            if (
                count > EXT_COUNT
                or not EXT_NAME.fullmatch(name)
                or not all(EXT_VALUE.fullmatch(entry) for entry in values)
            ):
                if assumptions.invalid_ext_parameters == "refused":
                    raise ValueError("An ext- parameter has a form that is not accepted.")
                continue
        kept[name] = value
    return kept


def describe_request(query: Parameters, body: Parameters) -> dict[str, Any]:
    """Build `event.request` for the current request, without the RESTRICTED parameters."""
    described = {
        "query": {name: value for name, value in query.items() if name not in RESTRICTED},
        "body": {name: value for name, value in body.items() if name not in RESTRICTED},
        "hostname": request.host,
        "ip": request.remote_addr or "",
        "method": request.method,
        "geoip": {},
    }
    if agent := request.headers.get("User-Agent"):
        described["user_agent"] = agent
    if language := request.headers.get("Accept-Language"):
        described["language"] = language.partition(",")[0].partition(";")[0].strip()
    return described
