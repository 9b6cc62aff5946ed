"""The texts of the picker that depend on data, in one language; pure."""

import gettext
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from org_selector.picker.rows import PAGE_SIZE

MAX_DAYS = 60  # a use longer ago is shown as a date


@dataclass(frozen=True, slots=True)
class PageTexts:
    """The texts of one language for `build_page`; made once, not for each page."""

    roles: Mapping[str, str]
    last_used: str  # stands before a date
    days_ago: tuple[str, ...]  # "Last used 2 days ago" has index 2
    found: tuple[str, ...]  # "3 organizations found" has index 3

    @classmethod
    def translate(cls, catalog: gettext.NullTranslations) -> Self:
        """Look up every text in *catalog*."""
        _, ngettext = catalog.gettext, catalog.ngettext
        days_ago = [_("today")]
        for n in range(1, MAX_DAYS):
            days_ago.append(ngettext("%(count)s day ago", "%(count)s days ago", n) % {"count": n})
        found = []
        for n in range(PAGE_SIZE + 1):
            text = ngettext("%(count)s organization found", "%(count)s organizations found", n)
            found.append(text % {"count": n})
        return cls(
            roles={"owner": _("Owner"), "admin": _("Admin"), "member": _("Member")},
            last_used=_("Last used"),
            days_ago=tuple(f"{_('Last used')} {days}" for days in days_ago),
            found=tuple(found),
        )
