"""
The tenant's pages: login, errors, and two whose script delivers the answer of a login.

Jinja escapes every value. The content security policy allows one style sheet and, where a page
needs one, one script, each by a nonce.
"""

import json
import secrets
from typing import Any

from flask import Response, make_response, render_template_string
from markupsafe import Markup

STYLE = Markup("""
:root { color-scheme: light dark; --line: #8886; --accent: #3b5bdb; }
* { box-sizing: border-box; }
body {
  margin: 0; min-height: 100vh; padding: 1rem; display: grid; place-items: center;
  font: 1rem/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText;
}
main {
  width: min(100%, 24rem); padding: 1.5rem;
  border: 1px solid var(--line); border-radius: .75rem;
}
h1 { font-size: 1.35rem; margin: 0 0 .25rem; overflow-wrap: anywhere; }
p { margin: .25rem 0 1rem; overflow-wrap: anywhere; }
label { display: block; font-weight: 600; margin-top: .75rem; }
input, button {
  width: 100%; margin-top: .25rem; padding: .6rem .75rem; font: inherit;
  border: 1px solid var(--line); border-radius: .5rem;
}
button {
  margin-top: .75rem; background: transparent; color: inherit; cursor: pointer;
  overflow-wrap: anywhere; text-align: start;
}
button.main {
  background: var(--accent); border-color: var(--accent); color: #fff; text-align: center;
}
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
[role=alert] { border-inline-start: 4px solid #e03131; padding-inline-start: .75rem; }
hr { border: 0; border-top: 1px solid var(--line); margin: 1.25rem 0 .5rem; }
small { opacity: .75; }
""")

LAYOUT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style nonce="{{ nonce }}">{{ style }}</style>
<main>
%s
</main>
</html>
"""

LOGIN = """
<h1>Log in</h1>
<p>to continue to {{ client_name }}</p>
{% if refused %}<p role="alert" id="refused">Wrong email or password. Try again.</p>{% endif %}
<form method="post">
<label for="email">Email address</label>
<input id="email" name="email" type="email" autocomplete="username" required value="{{ email }}"
 {%- if refused %} aria-describedby="refused"{% endif %}{% if not email %} autofocus{% endif %}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
 {%- if email %} autofocus{% endif %}>
<button class="main" type="submit">Continue</button>
</form>
{% if users %}
<hr>
<p><small>This is a demo: one click logs in.</small></p>
<form method="post">
{% for user in users %}
<button name="user_id" value="{{ user.user_id }}">Log in as <bdi>{{ user.name or user.email }}</bdi>
 (<bdi>{{ user.email }}</bdi>)</button>
{% endfor %}
</form>
{% endif %}
"""

SECOND_FACTOR = """
<h1>{{ title }}</h1>
{% if enroll %}
<p>Your new factor shows this code: <strong>{{ code }}</strong></p>
{% else %}
<p>Type the code of your second factor.</p>
{% if code %}
<p><small>This is a demo: the code is <strong>{{ code }}</strong>.</small></p>
{% endif %}
{% endif %}
{% if refused %}<p role="alert" id="refused">Wrong code. Try again.</p>{% endif %}
<form method="post">
<label for="code">Code</label>
<input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required autofocus
 {%- if refused %} aria-describedby="refused"{% endif %}>
<button class="main" type="submit">Continue</button>
</form>
"""

ERROR = """
<h1>{{ title }}</h1>
<p>{{ why }}</p>
<p>{{ next_step }}</p>
<p><small>Error: <code>{{ error }}</code></small></p>
"""

FORM_POST = """
<h1>Continue</h1>
<form method="post" action="{{ action }}">
{% for name, value in fields %}<input type="hidden" name="{{ name }}" value="{{ value }}">
{% endfor %}
<button class="main" type="submit">Continue to the application</button>
</form>
<script nonce="{{ nonce }}">document.forms[0].submit();</script>
"""

WEB_MESSAGE = """
<p>You can close this window.</p>
<script nonce="{{ nonce }}">
(window.opener || window.parent).postMessage(
 {type: 'authorization_response', response: {{ response }}}, {{ origin }});
</script>
"""


def _page(body: str, *, title: str, status: int, script: bool = False, **values: Any) -> Response:
    nonce = secrets.token_urlsafe(16)
    html = render_template_string(
        LAYOUT % body,
        title=title,
        nonce=nonce,
        style=STYLE,
        **values,
    )
    response = make_response(html, status)
    policy = f"default-src 'none'; style-src 'nonce-{nonce}'; base-uri 'none'"
    if script:
        # Pages with a script may be framed: a silent login runs in a frame.
        policy += f"; script-src 'nonce-{nonce}'"
    else:
        policy += "; frame-ancestors 'none'"
    response.headers["Content-Security-Policy"] = policy
    return response


def login_page(
    *, client_name: str, email: str, users: tuple[Any, ...], refused: bool = False
) -> Response:
    """Show the login form; if `refused`, with status 401, a message and the e-mail address."""
    return _page(
        LOGIN,
        title="Log in",
        status=401 if refused else 200,
        client_name=client_name,
        email=email,
        users=users,
        refused=refused,
    )


def second_factor_page(*, enroll: bool, code: str, refused: bool) -> Response:
    """
    Ask for the code of a second factor; if `refused`, with status 401 and a message.

    Args:
        enroll: the factor is new.
        code: shown on the page; "" shows none.
    """
    title = "Add a second factor" if enroll else "Prove that it is you"
    status = 401 if refused else 200
    return _page(
        SECOND_FACTOR, title=title, status=status, enroll=enroll, code=code, refused=refused
    )


def error_page(status: int, error: str, why: str, next_step: str) -> Response:
    """Show an error that no application can be told; see `PageError` for the arguments."""
    title = "This login cannot go on"
    return _page(ERROR, title=title, status=status, error=error, why=why, next_step=next_step)


def form_post_page(action: str, fields: dict[str, str]) -> Response:
    """Show a form that submits itself to *action* (OAuth 2.0 Form Post Response Mode)."""
    fields_in_order = list(fields.items())
    return _page(
        FORM_POST, title="Continue", status=200, script=True, action=action, fields=fields_in_order
    )


def web_message_page(origin: str, answer: dict[str, str]) -> Response:
    """Show a page that posts the answer to its opener or parent, if that has this origin."""
    return _page(
        WEB_MESSAGE,
        title="Continue",
        status=200,
        script=True,
        response=_script_json(answer),
        origin=_script_json(origin),
    )


def _script_json(value: object) -> Markup:
    """Write a value as JSON for a script element, without characters that could end the element."""
    written = json.dumps(value)
    for character in "<>&\u2028\u2029":
        written = written.replace(character, f"\\u{ord(character):04x}")
    return Markup(written)  # noqa: S704  # escaped in the lines above
