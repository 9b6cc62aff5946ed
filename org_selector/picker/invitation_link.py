"""The link of an invitation, opened by a person who may not be the one it was sent to."""

from org_selector.login_transaction import LoginTransaction
from org_selector.picker.lookup.rows import LookupRows
from org_selector.picker.masked_address import mask_address


def explain_link(lookups: LookupRows, transaction: LoginTransaction) -> tuple[str, str | None]:
    """
    Return the notice that says why the invitation cannot be accepted here; "" if it can be.

    With "invitation_elsewhere" comes the masked address that was invited.

    Raises:
        service.pool.Unavailable: Postgres does not answer.
    """
    found = lookups.find_invitation(
        transaction.auth0_user_id,
        invitation_id=transaction.invitation_id,
        bound_to=transaction.bound_to,
    )
    if found is None:
        return "invitation_closed", None
    if not found.same_address:
        return "invitation_elsewhere", mask_address(found.email)
    return ("" if found.verified else "invitation_unverified"), None
