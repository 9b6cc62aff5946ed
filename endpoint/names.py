"""
What a name may be made of, for organizations and whatever else people name.

A name is one line that people can see and tell from others: in NFC, without control characters,
without characters that have no width or turn the direction of text, with at least one visible
character, and with at most MAX_MARKS combining marks in a row, since more cover other lines.
U+200C and U+200D, which join letters and emoji, may stand inside a word only.

Not checked here: the length, and whether two names look alike. The check on
`org.organization.name` (schema/0001) has the same rule, except that it knows the combining marks of
the most used scripts only.
Source: Unicode Standard Annex 44, General_Category and Default_Ignorable_Code_Point.
"""

import re
from unicodedata import category, normalize

MAX_LENGTH = 200  # characters
MAX_MARKS = 4
# Controls; soft hyphen; zero width; direction; fillers of Hangul; separators of lines; tags.
HIDDEN = (
    "\x00-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff\ud800-\udfff"
)
BLANK = " \xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000"  # visible only as a gap
_HIDDEN = re.compile(f"[{HIDDEN}]")
# After a blank or a joiner, at the start, before a blank, at the end.
_STRAY_JOINER = re.compile(
    f"(?<![^{BLANK}])[\u200c\u200d]+|(?<=[\u200c\u200d])[\u200c\u200d]+"
    f"|[\u200c\u200d]+(?![^{BLANK}])"
)
_BLANK_OR_JOINER = re.compile(f"[{BLANK}\u200c\u200d]")
_LINE_BREAK = re.compile("[\t\n\v\f\r\x85\u2028\u2029]+")


def find_fault(name: str) -> str | None:
    """Return what is wrong with a name in NFC, as a sentence for the person who typed it."""
    if _HIDDEN.search(name) or _STRAY_JOINER.search(name):
        return "It has a character that cannot be seen or that turns the direction of text."
    if not _has_visible(name):
        return "It needs a visible character."
    if name != _cut_marks(name):
        return f"It has more than {MAX_MARKS} combining marks in a row."
    return None


def clean_name(text: str, limit: int) -> str | None:
    """Make a name of at most *limit* characters from any text; None where nothing is visible."""
    line = _HIDDEN.sub("", _LINE_BREAK.sub(" ", text))
    line = _STRAY_JOINER.sub("", _cut_marks(normalize("NFC", line))[:limit]).strip()
    return line if _has_visible(line) else None


def _has_visible(name: str) -> bool:
    return any(not _is_mark(one) and not _BLANK_OR_JOINER.match(one) for one in name)


def _is_mark(character: str) -> bool:
    return category(character).startswith("M")


def _cut_marks(name: str) -> str:
    """Leave out every combining mark after the first MAX_MARKS of a row."""
    kept, marks = [], 0
    for character in name:
        marks = marks + 1 if _is_mark(character) else 0
        if marks <= MAX_MARKS:
            kept.append(character)
    return "".join(kept)
