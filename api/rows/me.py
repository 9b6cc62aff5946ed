"""The caller in the entered organization."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from api.ids import OrganizationIdText, UserIdText
from api.rows.roles import MembershipRole
from org_guard.errors import NotAMember
from org_guard.principal import Principal
from org_guard.row_security import RowSecurity


@dataclass(slots=True)
class OrganizationOfMe:
    """The organization that the access token names."""

    id: OrganizationIdText
    slug: Annotated[str, Field(examples=["abc-inc"])]
    name: Annotated[str, Field(examples=["ABC Inc"])]


@dataclass(slots=True)
class Me:
    """The caller, with membership role and organization."""

    id: UserIdText
    name: Annotated[str | None, Field(examples=["Joe Bloggs"])]
    email: Annotated[str | None, Field(examples=["joe@example.com"])]
    role: Annotated[MembershipRole, Field(examples=["admin"])]
    organization: OrganizationOfMe


class MeRows:
    """The caller in the entered organization."""

    def __init__(self, rows: RowSecurity) -> None:
        self._rows = rows

    def load_me(self, principal: Principal) -> Me:
        """Load the caller, with membership role and organization."""
        rows = self._rows.select(
            principal,
            """
            select u.id::text, u.name, u.email, m.role, o.id::text, o.slug, o.name
            from org.app_user u join org.membership m on m.user_id = u.id, org.organization o
            where u.id = (select org.entered_user())
            """,
        )
        if not rows:
            raise NotAMember("removed between the entry and now")
        id_, name, email, role, *organization = rows[0]
        return Me(id_, name, email, role, OrganizationOfMe(*organization))
