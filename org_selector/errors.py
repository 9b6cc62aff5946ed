"""
The errors that the selector answers with, one class for each kind.

`status`, `code`, `title` and `advice` are constants of the class and may be shown to anyone; the
last two are translated. `detail` says what went wrong this time and goes to the log only.
"""


def _(message: str) -> str:
    """Mark *message* for extraction; it is translated where it is shown."""
    return message


class SelectorError(Exception):
    """
    Base of this tree, and the answer to a mistake of ours.

    It has the fields of `service.problem.Refusal`, so one class answers a browser with a page and
    the Action with `application/problem+json`.
    """

    status = 500
    code = "unexpected"
    title = _("Something went wrong on our side")
    advice = _("Try again. If it happens again, tell support the reference below.")
    description = ""  # for programs; pages show `title` and `advice`
    challenge: str | None = None  # what WWW-Authenticate says
    retry_after: int | None = None  # seconds

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidSessionToken(SelectorError):
    """The link, cookie or form does not show a waiting login. The page does not say why."""

    status = 400
    code = "invalid_session_token"
    title = _("This sign-in link is not valid any more")
    advice = _(
        "It may have expired, or it was opened in another browser. Start again from the app."
    )


class InvalidDecisionToken(SelectorError):
    """The caller of `POST /decisions` is not our Action."""

    status = 401
    code = "invalid_decision_token"
    title = "Unauthorized"
    advice = ""
    challenge = "Bearer"


class CallerGone(SelectorError):
    """The Action has given up waiting. The code of this answer is for the log."""

    status = 400
    code = "caller_gone"
    title = "The caller has gone"
    advice = ""


class InvalidDecisionRequest(SelectorError):
    """The Action sent something that this version does not understand."""

    status = 400
    code = "invalid_decision_request"
    title = "Bad Request"
    advice = ""


class CrossSiteForm(SelectorError):
    """The form was not sent by our own page in this browser."""

    status = 403
    code = "cross_site_form"
    title = _("This choice did not come from our page")
    advice = _("Nothing was chosen. Go back to the app and sign in again.")


class AlreadyChosen(SelectorError):
    """This login already has a choice: the person used a second window or the back button."""

    status = 409
    code = "already_selected"
    title = _("You have already chosen in this sign-in")
    advice = _("It continues in the window where you chose. To change, switch inside the app.")


class NoOrganization(SelectorError):
    """The user belongs to no organization, is blocked or is unknown."""

    status = 403
    code = "no_organization"
    title = _("You do not belong to an organization yet")
    advice = _("Ask an administrator of your organization to invite this address.")


class BoundOrganizationSuspended(SelectorError):
    """The application serves one organization only, and it is suspended."""

    status = 403
    code = "organization_suspended"
    title = _("This organization is suspended")
    advice = _("Nobody can sign in to it at the moment. Ask its owner or support.")


class DatabaseUnavailable(SelectorError):
    """Postgres does not answer at the moment. The fault is ours, not the caller's."""

    status = 503
    code = "temporarily_unavailable"
    title = _("Sign-in is taking a short break")
    advice = _("Nothing is lost. Wait a few seconds, then try again.")
    retry_after = 5
