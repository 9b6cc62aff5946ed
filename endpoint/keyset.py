"""
Pages by keyset: a page begins after the last row of the page before, found through an index.

A cursor is the time and the id of that row. Clients treat it as opaque. It is not signed, since it
gives access to nothing: a page shows rows of the entered organization only.
"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Generic, Self, TypeVar
from uuid import UUID

from pydantic import Field

MAX_LIMIT = 100  # rows of one page
DEFAULT_LIMIT = 20
MAX_CURSOR = 128  # characters
_LIMIT = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)  # int() alone would also take "+5" and "1_0"
_LAST_ID = UUID(int=2**128 - 1)  # comes after every other id

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Keyset:
    """A page begins after the row of this time and id, and has at most `limit` rows."""

    at: str | None = None  # RFC 3339; None: from the first row
    id: UUID | None = None
    limit: int = DEFAULT_LIMIT

    @property
    def before(self) -> tuple[str, UUID]:
        """Where to begin in a list that is sorted newest first."""
        return self.at or "infinity", self.id or _LAST_ID

    @property
    def after(self) -> tuple[str, UUID]:
        """Where to begin in a list that is sorted oldest first."""
        return self.at or "-infinity", self.id or UUID(int=0)

    def with_limit(self, unverified_limit: str) -> Self:
        """
        Return a copy with the query parameter `limit`.

        Raises:
            ValueError: it is not a number from 1 to 100.
        """
        if not _LIMIT.fullmatch(unverified_limit) or int(unverified_limit) > MAX_LIMIT:
            raise ValueError("limit")
        return replace(self, limit=int(unverified_limit))

    def with_cursor(self, unverified_cursor: str) -> Self:
        """
        Return a copy with the query parameter `after`.

        Raises:
            ValueError: it does not have the form of a cursor.
        """
        if len(unverified_cursor) > MAX_CURSOR:
            raise ValueError("too long")
        decoded = base64.b64decode(unverified_cursor.encode("ascii"), b"-_", validate=True)
        unverified_at, _, unverified_id = decoded.decode("ascii").partition(" ")
        try:
            # Rewritten, so that Postgres gets one spelling only, of a year that it can read.
            at = datetime.fromisoformat(unverified_at).astimezone(UTC).isoformat()
        except OverflowError as error:
            raise ValueError("out of range") from error
        return replace(self, at=at, id=UUID(unverified_id))


def _cursor(at: datetime, id_: str) -> str:
    return base64.urlsafe_b64encode(f"{at.isoformat()} {id_}".encode()).decode()


EXAMPLE_CURSOR = _cursor(
    datetime(2026, 3, 2, 9, 30, tzinfo=UTC), "1e9b6a04-5d2c-4f83-a7c1-0b6e8f3d2a45"
)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list; `next` is the cursor of the following page, None on the last one."""

    items: list[T]
    next: Annotated[str | None, Field(examples=[EXAMPLE_CURSOR])]

    @classmethod
    def of(cls, rows: list[T], keyset: Keyset, place: Callable[[T], tuple[datetime, str]]) -> Self:
        """Make a page; *place* returns time and id of a row."""
        # The statement asked for one row more than the limit. If it came, another page follows.
        if len(rows) <= keyset.limit:
            return cls(rows, None)
        items = rows[: keyset.limit]
        return cls(items, _cursor(*place(items[-1])))
