"""Which names people may give, and what becomes of names that come from elsewhere."""

import re
import unicodedata
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from endpoint.names import MAX_LENGTH, MAX_MARKS, clean_name, find_fault
from local_stack.postgres import Postgres
from tests.kit.databases import find_unchanged_database

HINDI_JOINED = "\u0915\u094d\u200d\u0937"  # a vowel sign, a joiner and a letter
FIRE_HEART = "\u2764\ufe0f\u200d\U0001f525"
ACCEPTED = [
    "ABC Inc",
    "x",
    "\u0130stanbul \u015eirketi",
    "\u0634\u0631\u06a9\u062a \u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    HINDI_JOINED,
    FIRE_HEART,
    "\u6771\u4eac\u3000\u682a\u5f0f\u4f1a\u793e",
    "x" + "\u0323" * 4,
    "\u0323" * 4 + "x",
    "<b>Bold</b> & 'quoted'",
    "=HYPERLINK(1)",
    "n" * 200,
]
REFUSED = {
    "a zero width space alone": "\u200b",
    "a zero width space in a name": "ABC\u200bInc",
    "a word joiner": "ABC\u2060Inc",
    "a byte order mark": "\ufeffABC Inc",
    "an override of the direction": "ABC \u202ecnI",
    "an isolate": "\u2067ABC Inc\u2069",
    "a direction mark": "ABC\u200f",
    "150 combining marks": "e" + "\u0323" * 150,
    "one mark too many": "a" + "\u0323" * (MAX_MARKS + 1),
    "five marks at the start": "\u0323" * 5 + "x",
    "too many marks of Thai": "\u0e14" + "\u0e49" * 5,
    "a joiner at the start": "\u200dABC",
    "a joiner at the end": "ABC\u200d",
    "a joiner before a space": "ABC\u200d Inc",
    "two joiners": "a\u200d\u200db",
    "blanks of every kind": " \xa0\u2003\u3000\u2800",
    "marks alone": "\u0301\u0301",
    "a variation selector alone": "\ufe0f",
    "a filler of Hangul": "\u3164",
    "a line break": "ABC\nInc",
    "a line separator": "ABC\u2028Inc",
    "a control character": "ABC\x1b[31m",
    "tags": "ABC\U000e0041",
}


@pytest.fixture(scope="module")
def conn(postgres: Postgres) -> Iterator[psycopg.Connection]:
    """The database's own check, as a function; nothing is kept."""
    url = postgres.url(find_unchanged_database(postgres), "postgres")
    with psycopg.connect(url) as connection:
        [(check,)] = connection.execute(
            "select pg_get_expr(conbin, conrelid) from pg_constraint "
            "where conrelid = 'org.organization'::regclass and contype = 'c' "
            "and pg_get_expr(conbin, conrelid) like '%NORMALIZED%'"
        ).fetchall()
        connection.execute(
            f"create function pg_temp.may_be(name text) returns boolean language sql "
            f"begin atomic return {check}; end".encode()
        )
        yield connection
        connection.rollback()


def _find_refused(conn: psycopg.Connection, names: list[str]) -> set[str]:
    rows = conn.execute("select n from unnest(%s::text[]) n where not pg_temp.may_be(n)", (names,))
    return {name for (name,) in rows.fetchall()}


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_name_of_any_script_is_accepted(conn: psycopg.Connection, name: str) -> None:
    """By the service and by the database, and cleaning leaves it alone."""
    assert find_fault(name) is None
    assert _find_refused(conn, [name]) == set()
    assert clean_name(name, 300) == name


@pytest.mark.parametrize("name", REFUSED.values(), ids=REFUSED.keys())
def test_a_name_that_cannot_be_seen_as_it_is_stored_is_refused(
    conn: psycopg.Connection, name: str
) -> None:
    """By the service with a sentence, and by the database."""
    assert re.fullmatch(r"It .+\.", find_fault(name) or "")
    assert _find_refused(conn, [name]) == {name}


def test_service_and_database_agree_on_the_length(conn: psycopg.Connection) -> None:
    """In characters, not bytes."""
    longest = "\U0001f9ed" * MAX_LENGTH

    assert _find_refused(conn, [longest, longest + "a"]) == {longest + "a"}


def test_the_database_refuses_a_name_that_is_not_in_nfc(conn: psycopg.Connection) -> None:
    """The service normalizes, so two rows never differ in bytes alone."""
    assert _find_refused(conn, ["E\u0301cole", "\xc9cole"]) == {"E\u0301cole"}


@pytest.mark.parametrize("form", ["{0}", "{0}a", "a{0}", "a{0}b"])
def test_service_and_database_agree_on_every_character(conn: psycopg.Connection, form: str) -> None:
    """Alone, first, last and in the middle; alone, the database takes marks of a rare script."""
    characters = [chr(i) for i in range(1, 0x110000)]
    characters = [one for one in characters if unicodedata.category(one) not in ("Cs", "Cn")]
    names = [form.format(one) for one in characters]
    names = [one for one in names if unicodedata.is_normalized("NFC", one)]
    refused = _find_refused(conn, names)
    differ = [one for one in names if (find_fault(one) is not None) != (one in refused)]

    marks = [one for one in differ if unicodedata.category(one[0]).startswith("M")]
    assert differ == (marks if form == "{0}" else [])
    assert not set(differ) & refused  # the service is the stricter one


_PIECES = st.sampled_from("a \u0301\u0323\u200d\u200c\u200b\u202e\n")
_TEXTS = st.lists(st.one_of(_PIECES, st.characters(exclude_categories=["Cs"]))).map("".join)


@given(_TEXTS)
def test_a_cleaned_name_is_a_name(conn: psycopg.Connection, text: str) -> None:
    """And what is a name already stays as it is."""
    cleaned = clean_name(text, 20)

    if cleaned is None:
        assert find_fault(unicodedata.normalize("NFC", text)) is not None
        return
    assert find_fault(cleaned) is None
    assert len(cleaned) <= 20
    assert clean_name(cleaned, 20) == cleaned
    assert _find_refused(conn, [cleaned.replace("\0", "")]) == set()


def test_a_name_from_auth0_is_cleaned_and_never_refused() -> None:
    """Joe's line break becomes a space; what only hides is left out."""
    assert clean_name("Joe\r\nBloggs\u202e\u200b", 300) == "Joe Bloggs"
    assert clean_name("e" + "\u0323" * 150, 300) == "\u1eb9" + "\u0323" * MAX_MARKS
    assert clean_name("x" * 500, 300) == "x" * 300
    assert clean_name("x\u200d\u200d y", 300) == "x y"
    assert clean_name("ab\u200dc", 3) == "ab"
    assert clean_name("\u200b\u202e", 300) is None
    assert clean_name("", 300) is None
