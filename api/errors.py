"""What this API refuses by its own rules; the other refusals are in `endpoint.errors`."""

from endpoint.errors import EndpointError


class LastOwner(EndpointError):
    """The organization would be left without a person who may do everything."""

    status = 409
    code = "last_owner"
    description = "An organization needs an owner: make somebody else one first"
