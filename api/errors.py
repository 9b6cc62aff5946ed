"""What this API refuses by rules of its own; all other refusals are in `endpoint.errors`."""

from endpoint.errors import EndpointError


class LastOwner(EndpointError):
    """The change would leave the organization without an owner."""

    status = 409
    code = "last_owner"
    description = "An organization needs an owner: make another member an owner first"
