"""`iss` and `aud`: of whom the token is, and for which API."""

import json
from typing import Final

from local_stack.access_tokens import AUDIENCE, CLIENT_ID, CUSTOM_DOMAIN, DOMAIN, ISSUER
from tests.kit.forged_access_tokens.changes import ODD
from tests.kit.forged_access_tokens.kind import Row
from tests.kit.token_changes import list_claims

_ISSUERS: Final[dict[str, object]] = {
    "another tenant": "https://attacker.eu.auth0.com/",
    "the same name in another region": ISSUER.replace(".eu.", ".us."),
    "with http": ISSUER.replace("https", "http"),
    "without its slash": ISSUER[:-1],
    "with two slashes": f"{ISSUER}/",
    "in capitals": ISSUER.upper(),
    "with a host in capitals": f"https://{DOMAIN.upper()}/",
    "a host alone": DOMAIN,
    "with a path": f"{ISSUER}attacker/",
    "with a query": f"{ISSUER}?",
    "with a fragment": f"{ISSUER}#",
    "with a port": f"https://{DOMAIN}:443/",
    "with a trailing dot": f"https://{DOMAIN}./",
    "with a space": f"{ISSUER} ",
    "with a line feed": f"{ISSUER}\n",
    "in front of another host": f"https://{DOMAIN}.attacker.example/",
    "as the user of another host": f"https://{DOMAIN}@attacker.example/",
    "in the path of another host": f"https://attacker.example/{DOMAIN}/",
    "cut short": ISSUER[:-2],
    "of one letter": "h",
    "with a letter that looks alike": ISSUER.replace("a", "\u0430", 1),
    "in a list": [ISSUER],
    "in a list with another": ["https://attacker.eu.auth0.com/", ISSUER],
    "as a name": {ISSUER: True},
    "with the custom domain's host alone": CUSTOM_DOMAIN,
    "with both domains": f"{ISSUER} https://{CUSTOM_DOMAIN}/",
}
_AUDIENCES: Final[dict[str, object]] = {
    "another API": "https://other.example.com/",
    "other APIs": ["https://other.example.com/", f"{ISSUER}userinfo"],
    "userinfo alone": f"{ISSUER}userinfo",
    "the Management API": f"{ISSUER}api/v2/",
    "without its slash": AUDIENCE[:-1],
    "with two slashes": f"{AUDIENCE}/",
    "in capitals": AUDIENCE.upper(),
    "with http": AUDIENCE.replace("https", "http"),
    "with a space": f"{AUDIENCE} ",
    "with more after": f"{AUDIENCE}v2/",
    "with more after, in a list": [f"{AUDIENCE}v2/"],
    "with more before": f"x{AUDIENCE}",
    "of one letter": "h",
    "two in one string": f"{AUDIENCE} {ISSUER}userinfo",
    "two in one string with a comma": f"{AUDIENCE},{ISSUER}userinfo",
    "a list in a list": [[AUDIENCE]],
    "a list in a string": json.dumps([AUDIENCE]),
    "an object in a list": [{"aud": AUDIENCE}],
    "the right one beside an object": [AUDIENCE, {"aud": AUDIENCE}],
    "the right one beside a number": [AUDIENCE, 7],
    "the right one beside null": [None, AUDIENCE],
    "the right one beside a list": [AUDIENCE, [AUDIENCE]],
    "as a name": {AUDIENCE: True},
    "nothing in a list": [None],
    "letter by letter": list(AUDIENCE),
    "the application": CLIENT_ID,
    "the application in a list": [CLIENT_ID],
    "the application and the API": [AUDIENCE, CLIENT_ID],
    "of the selector": "org-selector/select",
    "of a selection token": "select-organization",
}

ISSUER_AND_AUDIENCE: Final[dict[str, Row]] = {
    **list_claims("iss", ODD | _ISSUERS),
    **list_claims("aud", ODD | _AUDIENCES),
}
