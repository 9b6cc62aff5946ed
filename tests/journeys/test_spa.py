"""What people do in the example app with the API: real browser, real tokens, real rows."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import psycopg
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, Request, Route, expect

from local_stack import seed
from local_stack.stack import DATABASE, Stack
from tests.kit.window import Window, open_window

TRAVEL, ABC = seed.organization("xyz-travel"), seed.organization("abc-inc")
MARKUP = "<img src=x onerror=document.title='bad'>"
RIGHT_TO_LEFT = "مشروع \u202eتجريبي"


@contextmanager
def restored(superuser: psycopg.Connection, stack: Stack) -> Iterator[psycopg.Connection]:
    """Let a test change people, roles and suspensions; restore them afterwards."""
    roles = superuser.execute(
        "select role, org_id, user_id from org.membership where org_id = any(%s)",
        ([TRAVEL.id, ABC.id, seed.organization("solo-works").id],),
    ).fetchall()
    try:
        yield superuser
    finally:
        superuser.execute(
            "update org.organization set suspended_at = null where slug <> 'frozen-foods'"
        )
        seed.seed(stack.postgres.url(DATABASE, "postgres"))
        with superuser.cursor() as cursor:
            cursor.executemany(
                "update org.membership set role = %s where org_id = %s and user_id = %s", roles
            )


def enter(window: Window, login: str, slug: str) -> Window:
    """Log in where no page asks, and wait until the app shows who is logged in."""
    return window.sign_in(login, hint=slug).expect_organization(slug).wait_for_lists()


def enter_empty(window: Window, superuser: psycopg.Connection, number: int) -> str:
    """Log max in as an admin of an organization without projects that no other test uses."""
    slug = f"customer-{number}"
    superuser.execute("delete from org.project where org_id = %s", (seed.organization(slug).id,))
    enter(window, "max", slug)
    expect(section(window, "Projects")).to_contain_text("There is no project yet.")
    return slug


def section(window: Window, name: str) -> Locator:
    """Find a section by its heading."""
    return window.page.get_by_role("region", name=name, exact=True)


def row(window: Window, of: str, name: str) -> Locator:
    """Find the row of a project or a member."""
    heading = window.page.locator("h3 bdi").get_by_text(name, exact=True)
    return section(window, of).get_by_role("listitem").filter(has=heading)


def button(place: Locator, name: str) -> Locator:
    """Find a button by its whole name."""
    return place.get_by_role("button", name=name, exact=True)


def names(window: Window, of: str = "Projects") -> Locator:
    """Return the names of the rows, from the top."""
    return section(window, of).locator("h3 bdi")


def create(window: Window, name: str, description: str = "") -> None:
    """Fill in the form and press its button, without waiting."""
    projects = section(window, "Projects")
    projects.get_by_label("Name of a new project").fill(name)
    projects.get_by_label("Description").fill(description)
    button(projects, "Create project").click()


def events(window: Window) -> Locator:
    """Return the sentences of the audit trail."""
    return section(window, "Audit trail").locator("[data-part=what]")


def count_projects(superuser: psycopg.Connection, slug: str) -> int:
    """Count the projects in the database."""
    found = superuser.execute(
        "select count(*) from org.project where org_id = %s", (seed.organization(slug).id,)
    ).fetchone()
    assert found is not None
    return int(found[0])


def assert_forgotten(page: Page, *words: str) -> None:
    """Require that nothing of an organization is in the page, not even hidden."""
    html = page.locator("body").inner_html()
    assert [word for word in words if word in html] == []


def expect_no_session(window: Window) -> None:
    """Wait until the page holds no token."""
    gone = window.page.evaluate(
        """async () => {
            for (let n = 0; n < 500; n += 1) {
                if (!(await organizations.current())) return true;
                await new Promise((done) => setTimeout(done, 20));
            }
            return false;
        }"""
    )
    assert gone


# Projects


def test_max_creates_renames_and_deletes_a_project(
    window: Window, superuser: psycopg.Connection
) -> None:
    """
    The page says and shows each change, the trail records it, and the focus is where work
    continues.
    """
    enter_empty(window, superuser, 1001)
    projects = section(window, "Projects")
    create(window, "Atlas", "Maps of\neverything")

    expect(projects.get_by_role("status")).to_have_text("You created Atlas.")
    expect(projects.get_by_label("Name of a new project")).to_be_focused()
    expect(projects.get_by_label("Name of a new project")).to_have_value("")
    expect(row(window, "Projects", "Atlas")).to_contain_text("Maps of\neverything")
    expect(row(window, "Projects", "Atlas").locator("time")).to_have_attribute(
        "datetime", re.compile(r"^\d{4}-\d\d-\d\dT.*Z$")
    )
    expect(events(window).first).to_have_text("Max Many created the project Atlas.")

    button(projects, "Rename Atlas").click()
    expect(projects.get_by_label("New name of Atlas")).to_be_focused()
    window.press("ControlOrMeta+a", *"Borealis", "Enter")
    expect(projects.get_by_role("status")).to_have_text("It is called Borealis now.")
    expect(button(projects, "Rename Borealis")).to_be_focused()
    expect(events(window).first).to_have_text("Max Many renamed the project Atlas to Borealis.")

    button(projects, "Delete Borealis").click()
    expect(projects.get_by_role("group", name="Delete Borealis for good?")).to_be_visible()
    expect(button(projects, "Cancel")).to_be_focused()
    window.press("Escape")
    expect(button(projects, "Delete Borealis")).to_be_focused()
    window.press("Enter").tab_to("[data-part=yes]")
    window.press("Shift+Tab", "Shift+Tab").tab_to("[data-part=yes]").press("Enter")
    expect(projects.get_by_role("status")).to_have_text("You deleted Borealis.")
    expect(projects.get_by_role("heading", name="Projects")).to_be_focused()
    expect(names(window)).to_have_count(0)
    expect(events(window).first).to_have_text("Max Many deleted the project Borealis.")


def test_a_double_click_creates_one_project(window: Window, superuser: psycopg.Connection) -> None:
    """The button is disabled while the request runs."""
    slug = enter_empty(window, superuser, 1002)
    held: list[Route] = []
    window.page.route("**/projects", lambda route: held.append(route))
    section(window, "Projects").get_by_label("Name of a new project").fill("Atlas")
    creating = button(section(window, "Projects"), "Create project")
    with window.page.expect_request("**/projects"):
        creating.dblclick()
    expect(creating).to_be_disabled()
    assert len(held) == 1
    held[0].continue_()

    expect(names(window)).to_have_text(["Atlas"])
    expect(creating).to_be_enabled()
    assert count_projects(superuser, slug) == 1


def test_an_answer_does_not_disturb_a_person_who_types_elsewhere(
    window: Window, superuser: psycopg.Connection
) -> None:
    """The project appears; the focus and the unfinished name stay."""
    enter_empty(window, superuser, 1012)
    held: list[Route] = []
    window.page.route("**/projects", lambda route: held.append(route))
    with window.page.expect_request("**/projects"):
        create(window, "Atlas")
    field = section(window, "Organization").get_by_label("Name of the organization")
    field.fill("Half of a na")
    held[0].continue_()

    expect(names(window)).to_have_text(["Atlas"])
    expect(events(window).first).to_have_text("Max Many created the project Atlas.")
    expect(field).to_be_focused()
    expect(field).to_have_value("Half of a na")


def test_field_errors_are_shown_beside_their_fields(
    window: Window, superuser: psycopg.Connection
) -> None:
    """After a 422, what was typed elsewhere stays, and the field has the focus."""
    enter_empty(window, superuser, 1003)
    projects = section(window, "Projects")
    name = projects.get_by_label("Name of a new project")
    create(window, "  ", "A description")

    expect(name).to_be_focused()
    expect(name).to_have_accessible_description("Type a name: one line of at most 200 characters.")
    expect(projects.get_by_label("Description")).to_have_value("A description")
    name.fill("Atlas")
    window.press("Enter")
    expect(names(window)).to_have_text(["Atlas"])
    expect(name).to_have_attribute("aria-invalid", "false")


def test_names_are_shown_as_text(window: Window, superuser: psycopg.Connection) -> None:
    """Markup is not read, and a right-to-left name does not turn the text around it."""
    enter_empty(window, superuser, 1004)
    for name in (MARKUP, RIGHT_TO_LEFT):
        create(window, name, name)
        expect(names(window).first).to_have_text(name)

    expect(events(window).first).to_have_text(f"Max Many created the project {RIGHT_TO_LEFT}.")
    expect(button(section(window, "Projects"), f"Rename {MARKUP}")).to_be_visible()
    assert window.page.locator("main img").count() == 0
    assert window.page.title().startswith("You are in")
    assert set(names(window).evaluate_all("all => all.map(({ tagName }) => tagName)")) == {"BDI"}


def test_more_projects_are_shown_page_by_page(
    window: Window, superuser: psycopg.Connection
) -> None:
    """Newest first. The focus moves to the first new one, and a change keeps what is shown."""
    slug = enter_empty(window, superuser, 1005)
    superuser.execute(
        "insert into org.project (org_id, name, created_at) select %s, 'Project ' || n, "
        "now() - n * interval '1 minute' from generate_series(1, 45) n",
        (seed.organization(slug).id,),
    )
    window.page.reload()
    window.settle().wait_for_lists()
    more = button(section(window, "Projects"), "Show more")
    expect(names(window)).to_have_count(20)
    more.click()
    expect(names(window)).to_have_count(40)
    expect(section(window, "Projects").get_by_role("listitem").nth(20)).to_be_focused()
    create(window, "Atlas")
    expect(names(window).first).to_have_text("Atlas")
    expect(names(window)).to_have_count(40)
    more.click()

    expect(names(window)).to_have_text(["Atlas", *(f"Project {n}" for n in range(1, 46))])
    expect(more).to_be_hidden()


def test_a_project_that_another_person_deleted_is_reported_and_removed(
    window: Window, superuser: psycopg.Connection
) -> None:
    """After a 404 the list is loaded again; a name that is typed in another row stays."""
    slug = enter_empty(window, superuser, 1006)
    for name in ("Atlas", "Borealis"):
        create(window, name)
        expect(names(window).first).to_have_text(name)
    projects = section(window, "Projects")
    button(projects, "Rename Borealis").click()
    projects.get_by_label("New name of Borealis").fill("Half of a na")
    button(projects, "Rename Atlas").click()
    superuser.execute(
        "delete from org.project where org_id = %s and name = 'Atlas'",
        (seed.organization(slug).id,),
    )
    projects.get_by_label("New name of Atlas").fill("Atlas II")
    window.press("Enter")

    expect(projects.get_by_role("alert").first).to_contain_text("another person removed it")
    expect(names(window)).to_have_text(["Borealis"])
    expect(projects.get_by_label("New name of Borealis")).to_have_value("Half of a na")
    expect(projects.get_by_role("heading", name="Projects")).to_be_focused()


# What can go wrong on the way


def test_a_lost_answer_does_not_lead_to_a_second_project(
    window: Window, superuser: psycopg.Connection
) -> None:
    """The network broke after the creation; the second try has the same Idempotency-Key."""
    slug = enter_empty(window, superuser, 1007)
    keys: list[str | None] = []
    window.page.on(
        "request",
        lambda asked: keys.extend(
            [asked.headers.get("idempotency-key")]
            * (asked.method == "POST" and "/projects" in asked.url)
        ),
    )

    def lose_answer(route: Route) -> None:
        route.fetch()
        route.abort()

    window.page.route("**/projects", lose_answer, times=1)
    create(window, "Atlas", "All of it")
    projects = section(window, "Projects")
    expect(projects.get_by_role("alert").first).to_contain_text("cannot be reached")
    expect(projects.get_by_label("Name of a new project")).to_have_value("Atlas")
    expect(projects.get_by_label("Description")).to_have_value("All of it")
    assert count_projects(superuser, slug) == 1
    button(projects, "Try again").click()

    expect(projects.get_by_role("status")).to_have_text("You created Atlas.")
    expect(projects.get_by_role("alert").first).to_be_empty()
    expect(names(window)).to_have_text(["Atlas"])
    create(window, "Atlas", "All of it")  # on purpose this time
    expect(names(window)).to_have_text(["Atlas", "Atlas"])
    assert keys[0] == keys[1] != keys[2]


def test_an_outage_of_the_api_loses_no_input(window: Window, superuser: psycopg.Connection) -> None:
    """After a 503, while reading or writing, the page offers one button to try again."""
    enter_empty(window, superuser, 1008)

    def refuse(route: Route) -> None:
        route.fulfill(
            status=503,
            headers={"Access-Control-Allow-Origin": window.stack.spa_url, "Retry-After": "5"},
            content_type="application/problem+json",
            json={"status": 503, "code": "temporarily_unavailable", "title": "Unavailable"},
        )

    projects, members = section(window, "Projects"), section(window, "Members")
    window.page.route(f"{window.stack.api_url}/**", refuse)
    create(window, "Atlas")
    expect(projects.get_by_role("alert").first).to_contain_text("Try again in a moment")
    expect(projects.get_by_label("Name of a new project")).to_have_value("Atlas")
    window.page.reload()
    window.settle().expect_state("logged-in")
    expect(members.get_by_role("alert").first).to_contain_text("Try again in a moment")
    window.page.unroute(f"{window.stack.api_url}/**")
    button(members, "Try again").click()

    expect(names(window, "Members")).to_have_text(["Max Many"])
    expect(members.get_by_role("heading", name="Members")).to_be_focused()
    expect(members.get_by_role("alert").first).to_be_empty()
    button(window.page.locator("#myself"), "Try again").click()
    expect(section(window, "Audit trail")).to_be_visible()


@pytest.mark.long
def test_a_token_that_is_refused_is_renewed_once(
    window: Window, superuser: psycopg.Connection
) -> None:
    """After a 401 the app tries again with a new token; after a second one it tells the person."""
    enter_empty(window, superuser, 1009)
    sent: list[str] = []

    def refuse(route: Route) -> None:
        sent.append(route.request.headers["authorization"])
        route.fulfill(
            status=401,
            headers={"Access-Control-Allow-Origin": window.stack.spa_url},
            json={"code": "invalid_token"},
        )

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/projects"):
            sent.append(request.headers["authorization"])

    window.page.route("**/projects", refuse, times=1)
    window.page.on("request", note)
    create(window, "Atlas")
    expect(names(window)).to_have_text(["Atlas"])
    assert len(set(sent)) == 2

    window.page.route("**/projects", refuse)
    create(window, "Borealis")
    alert = section(window, "Projects").get_by_role("alert").first
    expect(alert).to_contain_text("invalid_token")


# Members and roles


def test_a_member_sees_no_controls_of_admins(window: Window) -> None:
    """Joe is a member of XYZ Travel: he creates and renames projects, and may leave."""
    enter(window, "joe", "xyz-travel")
    expect(names(window, "Members")).to_have_count(2)
    expect(button(section(window, "Projects"), "Create project")).to_be_visible()
    expect(section(window, "Projects").get_by_role("button", name="Rename").first).to_be_visible()

    for control in ("Delete", "Remove", "Change role"):
        assert window.page.get_by_role("button", name=control).count() == 0
    assert section(window, "Members").get_by_role("combobox").count() == 0
    assert section(window, "Organization").count() == 0
    assert section(window, "Audit trail").count() == 0
    assert window.page.get_by_role("button", name="Leave organization").count() == 1


def test_an_owner_changes_a_role_and_the_trail_records_it(
    window: Window, superuser: psycopg.Connection
) -> None:
    """Joe owns ABC Inc; sue is a member there until he makes her an admin."""
    with restored(superuser, window.stack):
        enter(window, "joe", "abc-inc")
        members = section(window, "Members")
        assert (
            button(members, "Change role of Sue Frost").count() == 0
        )  # no other role is selected yet
        members.get_by_label("Role of Sue Frost").select_option("admin")
        button(members, "Change role of Sue Frost").click()

        expect(members.get_by_role("status")).to_have_text("Sue Frost has the role admin now.")
        expect(members.get_by_label("Role of Sue Frost")).to_be_focused()
        expect(row(window, "Members", "Sue Frost")).to_contain_text("sue@example.com · admin")
        expect(events(window).first).to_have_text(
            "Joe Doe changed the role of Sue Frost from member to admin."
        )


def test_an_admin_cannot_change_or_make_owners(
    window: Window, superuser: psycopg.Connection
) -> None:
    """There are no buttons for it."""
    with restored(superuser, window.stack):
        superuser.execute(
            "update org.membership set role = 'admin' where org_id = %s and role = 'member'",
            (ABC.id,),
        )
        enter(window, "sue", "abc-inc")
        members = section(window, "Members")
        expect(members.get_by_label("Role of Sue Frost").locator("option")).to_have_text(
            ["member", "admin"]
        )

        assert members.get_by_role("combobox", name="Role of Joe Doe").count() == 0
        assert button(members, "Remove Joe Doe").count() == 0


def test_a_role_that_was_lost_meanwhile_is_explained_to_the_person(
    window: Window, superuser: psycopg.Connection
) -> None:
    """After a 403 insufficient_role the page says why, and is a member's page from then on."""
    with restored(superuser, window.stack):
        enter(window, "sue", "xyz-travel")
        projects = section(window, "Projects")
        project = names(window).first.inner_text()
        superuser.execute(
            "update org.membership set role = 'member' where org_id = %s", (TRAVEL.id,)
        )
        button(projects, f"Delete {project}").click()
        button(projects, "Delete").click()

        expect(projects.get_by_role("alert").first).to_contain_text("Your role does not allow that")
        expect(button(projects, f"Delete {project}")).to_have_count(0)
        expect(section(window, "Audit trail")).to_have_count(0)
        window.expect_text("#organization-role", "member")
        expect(button(projects, f"Rename {project}")).to_be_visible()
        assert events(window).count() == 0


@pytest.mark.long
def test_an_admin_who_steps_down_sees_the_page_of_a_member(
    window: Window, superuser: psycopg.Connection
) -> None:
    """At once, and the focus stays on the page."""
    with restored(superuser, window.stack):
        enter(window, "sue", "xyz-travel")
        members = section(window, "Members")
        members.get_by_label("Role of Sue Frost").select_option("member")
        button(members, "Change role of Sue Frost").click()

        expect(members.get_by_role("status")).to_have_text("Sue Frost has the role member now.")
        window.expect_text("#organization-role", "member")
        expect(members.get_by_role("combobox")).to_have_count(0)
        expect(section(window, "Audit trail")).to_have_count(0)
        expect(members.get_by_role("heading", name="Members")).to_be_focused()


def test_the_last_owner_cannot_leave(window: Window) -> None:
    """The page explains the 409 last_owner; ann is still a member."""
    enter(window, "ann", "solo-works")
    members = section(window, "Members")
    button(members, "Leave organization").click()
    button(members, "Leave").click()

    expect(members.get_by_role("alert").first).to_contain_text("Make another member an owner first")
    expect(button(members, "Leave organization")).to_be_focused()
    window.expect_organization("solo-works")


def test_a_member_who_leaves_has_no_organization_in_the_app(
    window: Window, superuser: psycopg.Connection
) -> None:
    """The page forgets XYZ Travel and its token; joe can choose ABC Inc."""
    with restored(superuser, window.stack):
        enter(window, "joe", "xyz-travel")
        button(section(window, "Members"), "Leave organization").click()
        button(section(window, "Members"), "Leave").click()

        window.expect_state("removed").expect_heading("You are no longer in XYZ Travel")
        expect(window.page.locator("#removed-by-others")).to_be_hidden()
        assert_forgotten(window.page, "Sue Frost", "Summer catalogue", str(TRAVEL.id))
        expect_no_session(window)
        window.page.wait_for_function("organizations.hint() === null")
        window.page.click("#choose-another")
        window.expect_picker()
        assert window.row("XYZ Travel").count() == 0


# Removed, suspended, switched


@pytest.mark.long
def test_a_person_who_is_removed_is_told_at_the_next_request(
    chromium: Browser, window: Window, superuser: psycopg.Connection
) -> None:
    """Sue removes joe in another window; nothing of the organization stays in his page."""
    with restored(superuser, window.stack), open_window(chromium, window.stack) as second:
        enter(window, "joe", "xyz-travel")
        expect(names(window)).to_contain_text(["Summer catalogue"])
        enter(second, "sue", "xyz-travel")
        members = section(second, "Members")
        button(members, "Remove Joe Doe").click()
        button(members, "Remove").click()
        expect(members.get_by_role("status")).to_have_text("You removed Joe Doe.")
        expect(members.get_by_role("heading", name="Members")).to_be_focused()
        expect(events(second).first).to_have_text("Sue Frost removed Joe Doe.")
        create(window, "Too late")

        window.expect_state("removed").expect_heading("You are no longer in XYZ Travel")
        expect(window.page.locator("#removed-by-others")).to_be_visible()
        assert_forgotten(
            window.page, "Summer catalogue", "Too late", "Sue Frost", str(TRAVEL.id), "sue@example"
        )
        expect_no_session(window)
        second.page.reload()
        second.settle().wait_for_lists()
        assert "Too late" not in names(second).all_inner_texts()


def test_a_person_removed_meanwhile_is_told_when_they_return_to_the_tab(
    window: Window, superuser: psycopg.Connection
) -> None:
    """They need not press a button."""
    with restored(superuser, window.stack):
        enter(window, "joe", "xyz-travel")
        superuser.execute(
            "delete from org.membership where org_id = %s and role = 'member'", (TRAVEL.id,)
        )
        window.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")

        window.expect_state("removed")


def test_a_suspended_organization_is_explained_at_the_next_request(
    window: Window, superuser: psycopg.Connection
) -> None:
    """With the same words as at a login; nothing of the organization stays."""
    with restored(superuser, window.stack):
        enter(window, "joe", "xyz-travel")
        expect(names(window)).to_contain_text(["Summer catalogue"])
        superuser.execute(
            "update org.organization set suspended_at = now() where id = %s", (TRAVEL.id,)
        )
        create(window, "Too late")

        window.expect_state("refused").expect_text("#refused-code", "organization_suspended")
        assert_forgotten(window.page, "Summer catalogue", "Too late", "XYZ Travel", str(TRAVEL.id))


def test_a_switch_clears_the_page_and_drops_late_answers(window: Window) -> None:
    """An answer of XYZ Travel that arrives after the switch to ABC Inc is not shown."""
    enter(window, "joe", "xyz-travel")
    expect(names(window)).to_contain_text(["Summer catalogue"])
    old = f"Bearer {window.access_token()}"
    late: list[Route] = []
    held: list[Route] = []
    holding = True

    def hold(route: Route) -> None:
        if not holding:
            route.continue_()
        elif route.request.headers.get("authorization") == old:
            late.append(route)
        else:
            held.append(route)

    window.page.route(f"{window.stack.api_url}/**", hold)
    with window.page.expect_request("**/me"):
        window.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    window.page.fill("#switch-to", "ABC Inc")
    with window.page.expect_request(lambda request: "/projects" in request.url):
        window.page.press("#switch-to", "Enter")
    window.expect_organization("abc-inc")
    assert names(window).count() == 0
    assert_forgotten(window.page, "Summer catalogue", "XYZ Travel")
    holding = False
    for route in held:
        route.continue_()
    window.wait_for_lists()
    expect(names(window)).to_contain_text(["Website relaunch"])
    for route in late:
        route.continue_()
    for _ in range(3):  # longer than an answer takes
        window.page.evaluate(f"fetch('{window.stack.api_url}/readyz').catch(() => null)")

    expect(window.page.locator("#organization-role")).to_have_text("owner")
    assert_forgotten(window.page, "Summer catalogue", "XYZ Travel")
    assert late
    assert held


def test_a_button_pressed_during_a_switch_never_acts_in_the_other_organization(
    window: Window, superuser: psycopg.Connection
) -> None:
    """The page still shows XYZ Travel when its token is already that of ABC Inc."""
    enter(window, "joe", "xyz-travel")
    before = count_projects(superuser, "abc-inc"), count_projects(superuser, "xyz-travel")
    window.page.evaluate("organizations.switchSilently('abc-inc')")
    create(window, "Meant for Travel")

    window.expect_state("mismatch").expect_text("#mismatch-received", "ABC Inc")
    window.expect_text("#mismatch-asked", "XYZ Travel")
    assert_forgotten(window.page, "Summer catalogue", "Meant for Travel")
    after = count_projects(superuser, "abc-inc"), count_projects(superuser, "xyz-travel")
    assert after == before
    window.page.click("#keep-received")
    window.expect_organization("abc-inc")


# The organization


def test_an_admin_renames_the_organization(window: Window, superuser: psycopg.Connection) -> None:
    """Heading, title, tokens and trail have the new name; an empty one is refused."""
    slug = "customer-1010"
    name = seed.organization(slug).name
    enter(window, "max", slug)
    field = section(window, "Organization").get_by_label("Name of the organization")
    expect(field).to_have_value(name)
    try:
        field.fill("")
        window.press("Enter")
        expect(field).to_have_accessible_description(re.compile("^Type a name"))
        field.fill("Northern Lights")
        window.press("Enter")

        expect(section(window, "Organization").get_by_role("status")).to_have_text(
            "The organization is called Northern Lights now."
        )
        window.expect_text("#organization-name", "Northern Lights")
        expect(window.page).to_have_title(re.compile("Northern Lights"))
        expect(window.page.locator("#id-token")).to_contain_text("Northern Lights")
        expect(events(window).first).to_have_text(
            f"Max Many renamed the organization from {name} to Northern Lights."
        )
    finally:
        superuser.execute(
            "update org.organization set name = %s where id = %s",
            (name, seed.organization(slug).id),
        )


# Accessibility


@pytest.mark.long
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1100])
def test_the_sections_are_accessible(
    chromium: Browser, stack: Stack, superuser: psycopg.Connection, scheme: str, width: int
) -> None:
    """With a form, a question and every kind of message on the page: axe finds no fault."""
    options = {
        "bypass_csp": True,
        "reduced_motion": "reduce",
        "color_scheme": scheme,
        "viewport": {"width": width, "height": 800},
    }
    with open_window(chromium, stack, **options) as window:
        enter_empty(window, superuser, 1011)
        projects = section(window, "Projects")
        for name in (RIGHT_TO_LEFT, "Long and Longer " * 12, "Atlas"):
            create(window, name, name)
            expect(names(window).first).to_have_text(name.strip())
        button(projects, f"Rename {RIGHT_TO_LEFT}").click()
        button(projects, "Delete Atlas").click()
        button(section(window, "Members"), "Leave organization").click()
        create(window, " ")
        expect(projects.get_by_label("Name of a new project")).to_be_focused()
        window.page.route(f"{stack.api_url}/**", lambda route: route.abort())
        section(window, "Organization").get_by_label("Name of the organization").press("Enter")
        expect(section(window, "Organization").get_by_role("alert").first).not_to_be_empty()

        assert window.overflow() == 0
        found = Axe().run(window.page)
        assert found.violations_count == 0, found.generate_report()
        levels = window.page.locator("h1:visible, h2:visible, h3:visible").evaluate_all(
            "all => all.map(({ tagName }) => Number(tagName[1]))"
        )
        assert levels[0] == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
