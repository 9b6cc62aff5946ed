"""What a person sent with the picker's form: one of three kinds of choices."""

from dataclasses import dataclass
from unicodedata import normalize
from uuid import UUID

from werkzeug.datastructures import MultiDict

from org_selector.errors import InvalidSessionToken


@dataclass(frozen=True, slots=True)
class ChosenOrganization:
    """An organization that the person is a member of."""

    org_id: UUID


@dataclass(frozen=True, slots=True)
class ChosenInvitation:
    """An invitation to accept."""

    invitation_id: UUID


@dataclass(frozen=True, slots=True)
class ChosenName:
    """The name of an organization to create, in NFC; nothing else is checked."""

    unverified_name: str
    confirmed: bool  # although it looks like another organization of the person


Chosen = ChosenOrganization | ChosenInvitation | ChosenName


def read_chosen(form: MultiDict[str, str]) -> Chosen:
    """
    Read the form.

    Raises:
        InvalidSessionToken: it does not have exactly one choice, of the form that our page sends.
    """
    given = {name: form.getlist(name) for name in ("org_id", "invitation_id", "new_organization")}
    match [(name, values) for name, values in given.items() if values]:
        case [("org_id", [org_id])]:
            return ChosenOrganization(_parse_id(org_id))
        case [("invitation_id", [invitation_id])]:
            return ChosenInvitation(_parse_id(invitation_id))
        case [("new_organization", [name])]:
            return ChosenName(normalize("NFC", name.strip()), "confirmed" in form)
    raise InvalidSessionToken("not one choice")


def _parse_id(unverified_id: str) -> UUID:
    try:
        return UUID(unverified_id)
    except ValueError as error:
        raise InvalidSessionToken("not an id") from error
