"""
Pages by keyset: where the last one ended, never how many rows to skip.

A cursor says when and which row came last. It is opaque to clients, and proves nothing: it only
chooses where in the caller's own organization a page begins.
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
_LIMIT = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
_LAST_ID = UUID(int=2**128 - 1)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Keyset:
    """Where a page begins: after the row of this time and id; and how long it may be."""

    at: str | None = None  # RFC 3339; None: from the beginning
    id: UUID | None = None
    limit: int = DEFAULT_LIMIT

    @property
    def before(self) -> tuple[str, UUID]:
        """For lists with the newest first."""
        return self.at or "infinity", self.id or _LAST_ID

    @property
    def after(self) -> tuple[str, UUID]:
        """For lists with the oldest first."""
        return self.at or "-infinity", self.id or UUID(int=0)

    def with_limit(self, unverified_limit: str) -> Self:
        """
        Take the parameter `limit`.

        Raises:
            ValueError: it is not a number from 1 to 100.
        """
        if not _LIMIT.fullmatch(unverified_limit) or int(unverified_limit) > MAX_LIMIT:
            raise ValueError("limit")
        return replace(self, limit=int(unverified_limit))

    def with_cursor(self, unverified_cursor: str) -> Self:
        """
        Take the parameter `after`.

        Raises:
            ValueError: it is no cursor of ours.
        """
        if len(unverified_cursor) > MAX_CURSOR:
            raise ValueError("too long")
        decoded = base64.b64decode(unverified_cursor.encode("ascii"), b"-_", validate=True)
        unverified_at, _, unverified_id = decoded.decode("ascii").partition(" ")
        try:
            # In one spelling only, and in the years Postgres knows as well.
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
    """One page; `next` goes into the parameter `after`, and is null at the end."""

    items: list[T]
    next: Annotated[str | None, Field(examples=[EXAMPLE_CURSOR])]

    @classmethod
    def of(cls, rows: list[T], keyset: Keyset, place: Callable[[T], tuple[datetime, str]]) -> Self:
        """Make a page of one row more than asked for; *place* tells (time, id) of a row."""
        if len(rows) <= keyset.limit:
            return cls(rows, None)
        items = rows[: keyset.limit]
        return cls(items, _cursor(*place(items[-1])))
