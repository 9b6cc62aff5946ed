"""
The mails that the local stack has sent, as pages: `/dev/mail` of the example app's server.

aiosmtpd, an SMTP server, puts every mail that it gets into a Maildir folder; no mail leaves this
machine.
"""

import mailbox
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from pathlib import Path

from markupsafe import Markup
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

PATH = "/dev/mail"
_PARSER = BytesParser(_class=EmailMessage, policy=default)
# Mails have their styles inside, and need nothing else.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_PAGE = Markup(
    '<!doctype html><html lang="en"><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<meta name="color-scheme" content="light dark"><meta http-equiv="refresh" content="5">'
    "<title>Mails · Example app</title><style>body {{ max-width: 40rem; margin: 2rem auto; "
    "padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere }} "
    "li {{ margin-bottom: 1rem }}</style><h1>Mails</h1>"
    "<p>What this machine has sent, the newest first. No mail has left it.</p>{}</html>"
)
_ROW = Markup(
    '<li><a href="{path}/{key}"><bdi>{subject}</bdi></a><br>to <bdi>{to}</bdi>, {date} '
    '(<a href="{path}/{key}.txt">as text</a>)</li>'
)


class Mailbox:
    """The mails in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def answer(self, path: str) -> Response:
        """Return the list, or the mail that *path* names: as HTML, or as text with `.txt`."""
        maildir = mailbox.Maildir(self._folder, create=True)
        name = path.removeprefix(PATH).strip("/")
        if not name:
            return _respond(_list_page(maildir), "text/html")
        key, kind = name.removesuffix(".txt"), "plain" if name.endswith(".txt") else "html"
        body = _load(maildir, key).get_body((kind,)) if key in maildir else None
        if body is None:
            raise NotFound
        return _respond(str(body.get_content()), f"text/{kind}")


def _list_page(maildir: mailbox.Maildir) -> str:
    keys = sorted(maildir.keys(), key=lambda key: maildir.get_message(key).get_date(), reverse=True)
    rows = []
    for key in keys:
        mail = _load(maildir, key)
        rows.append(
            _ROW.format(
                path=PATH, key=key, subject=mail["Subject"], to=mail["To"], date=mail["Date"]
            )
        )
    listed = Markup("<ol>{}</ol>").format(Markup("").join(rows))
    return _PAGE.format(listed if rows else Markup("<p>No mail was sent yet.</p>"))


def _load(maildir: mailbox.Maildir, key: str) -> EmailMessage:
    return _PARSER.parsebytes(maildir.get_bytes(key))


def _respond(text: str, mimetype: str) -> Response:
    response = Response(text, mimetype=mimetype)
    response.headers["Content-Security-Policy"] = _POLICY
    return response
