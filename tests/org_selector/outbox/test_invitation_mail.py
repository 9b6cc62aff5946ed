"""What the mail of an invitation says, and what a name can do in it: nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default

import pytest

from org_selector.languages import TEMPLATES, Languages
from org_selector.outbox.invitation_mail import InvitationMails
from org_selector.outbox.rows import WaitingMail

ID = "b4d0c7f2-1e8a-4b65-93d7-5c2a9e6f1804"
WAITING = WaitingMail(
    ID,
    1,
    "nina@example.com",
    "admin",
    "",
    datetime(2026, 11, 27, 9, 30, tzinfo=UTC),
    datetime(2026, 12, 4, 9, 30, tzinfo=UTC),
    "ABC Inc",
    "Joe Doe",
)
MAILS = InvitationMails(
    Languages(TEMPLATES), "Example App <no-reply@example.com>", "https://app.example.com/?i={id}"
)


def make(**changes: object) -> EmailMessage:
    """Make a mail, write it as SMTP does, and read it as a mailbox does."""
    written = MAILS.make(replace(WAITING, **changes)).as_bytes()  # type: ignore[arg-type]
    return BytesParser(_class=EmailMessage, policy=default).parsebytes(written)


def text_of(mail: EmailMessage, kind: str) -> str:
    """Return a part of the mail: "plain" or "html"."""
    body = mail.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def test_a_mail_says_who_invites_where_and_until_when() -> None:
    """As text and as HTML, with the link; no token and no secret are in it."""
    mail = make()

    assert mail["From"] == "Example App <no-reply@example.com>"
    assert mail["To"] == "nina@example.com"
    assert mail["Subject"] == "Joe Doe invites you to ABC Inc"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].startswith(f"<{ID}.")
    for kind in ("plain", "html"):
        text = text_of(mail, kind)
        for words in (
            "Admin",
            "2026-12-04",
            "nina@example.com",
            f"https://app.example.com/?i={ID}",
        ):
            assert words in text, (kind, words)
    assert "Joe Doe invites you to ABC Inc" in text_of(mail, "plain")
    assert "<bdi>Joe Doe</bdi> invites you to <bdi>ABC Inc</bdi>" in text_of(mail, "html")


def test_an_invitation_of_the_service_names_no_person() -> None:
    mail = make(inviter=None)

    assert mail["Subject"] == "You are invited to ABC Inc"
    assert "<h1>You are invited to <bdi>ABC Inc</bdi></h1>" in text_of(mail, "html")


@pytest.mark.parametrize(
    ("language", "subject", "role", "direction"),
    [
        ("de-AT", "Joe Doe lädt Sie zu ABC Inc ein", "Admin", "ltr"),
        ("ar", "يدعوك Joe Doe إلى ABC Inc", "مسؤول", "rtl"),
        ("fr", "Joe Doe invites you to ABC Inc", "Admin", "ltr"),
        ("", "Joe Doe invites you to ABC Inc", "Admin", "ltr"),
    ],
)
def test_a_mail_is_in_the_language_of_the_invitation(
    language: str, subject: str, role: str, direction: str
) -> None:
    """English where there is no translation."""
    mail = make(language=language)

    assert mail["Subject"] == subject
    assert role in text_of(mail, "plain")
    assert f'dir="{direction}"' in text_of(mail, "html")


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "A & <b>B</b>", '"><img src=x>'])
def test_markup_in_a_name_is_shown_as_text(name: str) -> None:
    """In the plain text it stands as it is."""
    mail = make(organization=name, inviter=name)

    assert name in text_of(mail, "plain")
    assert name not in text_of(mail, "html")
    assert "&lt;" in text_of(mail, "html") or "&gt;" in text_of(mail, "html")
    assert mail["Subject"] == f"{name} invites you to {name}"


def test_a_percent_sign_in_a_name_is_a_percent_sign() -> None:
    mail = make(organization="100 %(inviter)s {id}", inviter="%s")

    assert mail["Subject"] == "%s invites you to 100 %(inviter)s {id}"


def test_a_name_with_a_line_break_makes_no_header() -> None:
    """Names cannot have one; if one had, there would be no mail."""
    with pytest.raises(ValueError, match="linefeed"):
        make(organization="ABC\r\nBcc: eve@example.com")
    assert make()["Bcc"] is None


@pytest.mark.parametrize(
    "email", ["a@example.com\r\nBcc: eve@example.com", "a@example.com, eve@example.com", "@@@"]
)
def test_an_address_that_is_more_than_one_makes_no_mail(email: str) -> None:
    """The API refuses it already."""
    with pytest.raises(Exception, match=r".") as caught:
        make(email=email)
    assert isinstance(caught.value, ValueError) or "Parse" in type(caught.value).__name__
    assert make(email="o'neil+x@example.com")["To"] == "o'neil+x@example.com"


def test_a_long_name_is_cut() -> None:
    mail = make(organization="n" * 200)

    assert mail["Subject"] == f"Joe Doe invites you to {'n' * 79}…"
    assert "n" * 80 not in text_of(mail, "html")


def test_a_right_to_left_name_is_isolated() -> None:
    """So that it does not reorder the words around it; other names stay as they are."""
    name = "شركة النور"

    assert make(organization=name)["Subject"] == f"Joe Doe invites you to \u2068{name}\u2069"
    assert f"<bdi>{name}</bdi>" in text_of(make(organization=name), "html")


def test_an_invitation_that_is_sent_again_has_another_id() -> None:
    """A repeated try of the same mail has the same one."""
    again = datetime(2026, 11, 28, tzinfo=UTC)

    assert make()["Message-ID"] == make(tries=2)["Message-ID"]
    assert make()["Message-ID"] != make(sent_at=again)["Message-ID"]
