"""What a person chose on the picker takes effect here, once, when the login comes back from it."""

from unicodedata import normalize
from uuid import UUID

from endpoint.names import find_fault
from org_selector.choice_rows import ChoiceRows
from org_selector.decision_table import Apply, Granted, Refused
from org_selector.question import Question
from org_selector.slug import make_slug


class Choices:
    """
    Apply choices.

    Args:
        new_organizations: whether people may create organizations.
    """

    def __init__(self, rows: ChoiceRows, *, new_organizations: bool) -> None:
        self._rows = rows
        self._new_organizations = new_organizations

    def apply(self, question: Question, apply: Apply) -> Granted | Refused:
        """
        Apply a choice that `decide` allowed to try; refuse it if it is not possible any more.

        Raises:
            service.pool.Unavailable: Postgres does not answer.
        """
        choice = apply.choice
        if choice.org_id is not None:
            granted = self._select(question, apply, UUID(choice.org_id))
        elif choice.invitation_id is not None:
            granted = self._accept(question, apply, UUID(choice.invitation_id))
        else:
            granted = self._create(question, apply, choice.new_organization or "")
        return granted or Refused("selection_failed")

    def _select(self, question: Question, apply: Apply, org_id: UUID) -> Granted | None:
        organization = self._rows.apply_selection(
            question.user.id,
            org_id=org_id,
            nonce=apply.choice.nonce,
            remember=apply.choice.remember,
            forget=apply.choice.forget,
        )
        return Granted(organization, "chosen") if organization else None

    def _accept(self, question: Question, apply: Apply, invitation_id: UUID) -> Granted | None:
        organization = self._rows.accept_invitation(
            question.user.id,
            invitation_id=invitation_id,
            client_id=question.client_id,
            bound_to=apply.bound_to,
            nonce=apply.choice.nonce,
            remember=apply.choice.remember,
            forget=apply.choice.forget,
        )
        return Granted(organization, "invitation") if organization else None

    def _create(self, question: Question, apply: Apply, unverified_name: str) -> Granted | None:
        name = normalize("NFC", unverified_name)
        if not self._new_organizations or find_fault(name):
            return None
        organization = self._rows.create_organization(
            question.user.id,
            name=name,
            slug=make_slug(name),
            client_id=question.client_id,
            nonce=apply.choice.nonce,
            remember=apply.choice.remember,
            forget=apply.choice.forget,
        )
        return Granted(organization, "created") if organization else None
