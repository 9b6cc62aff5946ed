"""What this API refuses by rules of its own; all other refusals are in `endpoint.errors`."""

from endpoint.errors import EndpointError


class AlreadyMember(EndpointError):
    """A member of the organization has this address."""

    status = 409
    code = "already_member"
    description = "A person with this address is a member already"


class AlreadyInvited(EndpointError):
    """An invitation of this address is open."""

    status = 409
    code = "already_invited"
    description = "This address is invited already: send that invitation again, or withdraw it"


class TooManyInvitations(EndpointError):
    """The organization has as many open invitations as it may have."""

    status = 409
    code = "too_many_invitations"
    description = "The organization has too many open invitations: withdraw one, or wait"


class MailedJustNow(EndpointError):
    """The organization asked for a mail to this address within the last minute."""

    status = 429
    code = "mailed_just_now"
    description = "A mail to this address was asked for within the last minute"
    retry_after = 60


class LastOwner(EndpointError):
    """The change would leave the organization without an owner."""

    status = 409
    code = "last_owner"
    description = "An organization needs an owner: make another member an owner first"
