"""
The mail of an invitation, as plain text and HTML.

Names come from people, so they are escaped in HTML and isolated: a right-to-left name cannot
reorder the words around it. The library refuses a header with a line break in it.
The id of the message is the same at every try, so that a mailbox can tell a repeated mail.

Source: RFC 5322 (message), RFC 3834 (Auto-Submitted).
"""

from collections.abc import Callable
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from unicodedata import bidirectional

from markupsafe import Markup, escape

from org_selector.errors import _
from org_selector.languages import Language, Languages
from org_selector.outbox.rows import WaitingMail
from org_selector.outbox.settings import PLACE_OF_ID

MAX_NAME = 80  # characters of a name in a mail; the picker shows all of it
_ENCODING = "quoted-printable"  # which every mail server takes
_FROM_PERSON = _("%(inviter)s invites you to %(organization)s")
_FROM_SERVICE = _("You are invited to %(organization)s")


class InvitationMails:
    """
    Make the mails.

    Args:
        sender: an address, perhaps with a name.
        invitation_url: the page of the app, with `{id}` in it.
    """

    def __init__(self, languages: Languages, sender: str, invitation_url: str) -> None:
        self._languages = languages
        self._name, self._address = parseaddr(sender)
        self._invitation_url = invitation_url

    def make(self, mail: WaitingMail) -> EmailMessage:
        """Return the message to send."""
        language = self._languages.choose([mail.language])
        domain = self._address.rpartition("@")[2]
        message = EmailMessage(policy=SMTP)
        message["From"] = Address(self._name, addr_spec=self._address)
        message["To"] = Address(addr_spec=mail.email)
        message["Subject"] = _write_heading(language, mail, _isolate)
        message["Date"] = format_datetime(mail.sent_at)
        # The time tells a mail that an admin sent again from one that this program tries again.
        message["Message-ID"] = f"<{mail.invitation_id}.{int(mail.sent_at.timestamp())}@{domain}>"
        message["Auto-Submitted"] = "auto-generated"
        message["Content-Language"] = language.tag
        context = {
            "url": self._invitation_url.replace(PLACE_OF_ID, mail.invitation_id),
            "role": language.page_texts.roles[mail.role],
            "email": mail.email,
            "open_until": mail.expires_at.date().isoformat(),
        }
        heading = _write_heading(language, mail, _isolate)
        text = language.render("mail/invitation.txt", heading=heading, **context)
        message.set_content(text, cte=_ENCODING)
        heading = _write_heading(language, mail, _mark)
        html = language.render("mail/invitation.html", heading=heading, **context)
        message.add_alternative(html, subtype="html", cte=_ENCODING)
        return message


def _write_heading(language: Language, mail: WaitingMail, write_name: Callable[[str], str]) -> str:
    sentence = language.catalog.gettext(_FROM_PERSON if mail.inviter else _FROM_SERVICE)
    # As markup, which keeps what `_mark` returns and escapes what is plain text.
    marked = escape(sentence) if write_name is _mark else sentence
    return marked % {
        "inviter": write_name(_cut(mail.inviter or "")),
        "organization": write_name(_cut(mail.organization)),
    }


def _cut(name: str) -> str:
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 1]}…"


def _isolate(name: str) -> str:
    """Put a right-to-left name between two invisible characters, which some mailboxes show."""
    turns = any(bidirectional(one) in ("R", "AL") for one in name)
    return f"\u2068{name}\u2069" if turns else name


def _mark(name: str) -> Markup:
    return Markup("<bdi>{}</bdi>").format(name)
