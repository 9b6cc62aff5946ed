"""Which part of a person's organizations the query of the picker's URL asks for; pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode
from uuid import UUID

from org_selector.picker.rows import ListedOrganization

MAX_SEARCH = 100  # characters


@dataclass(frozen=True, slots=True)
class PageAddress:
    """The part of the organizations that the query of the page's URL asks for."""

    search: str = ""
    after: tuple[str, UUID] = ("", UUID(int=0))  # (name_key, id) of the page before

    @classmethod
    def read(cls, unverified_search: str, unverified_after: Sequence[str]) -> Self:
        """Read the query; an `after` that cannot be read means the first page."""
        search = unverified_search.strip()[:MAX_SEARCH].replace("\0", "")
        try:
            (after,) = unverified_after
            org_id, _, name_key = after.partition(" ")
            return cls(search, (name_key.replace("\0", ""), UUID(org_id)))
        except ValueError:
            return cls(search)

    @property
    def first(self) -> bool:
        """Return whether this is the first page."""
        return self.after == ("", UUID(int=0))

    def link(self, after: ListedOrganization | None = None) -> str:
        """Return the link to the first page of the same search, or to the one after *after*."""
        query = {"search": self.search} if self.search else {}
        if after is not None:
            query["after"] = f"{after.id} {after.name_key}"
        return "?" + urlencode(query)
