"""Recent runs as a person meets them: what goes on, stopping it, coming back to it, and keeping what came of it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from tests.browser.accessibility import serious
from tests.browser.conftest import Server, Watch, fresh
from tests.browser.pages import Shell
from tests.browser.saved_work import run_ids, run_medical

pytestmark = pytest.mark.browser


@pytest.fixture
def slow_visitor(browser: Browser, slow_server: Server, watch: Watch):
    yield from fresh(browser, slow_server, watch)


def opened(context: BrowserContext) -> Page:
    """The page once its title stands."""
    page = Shell(context).open("/runs").page
    expect(page.locator(".vt-page h1")).to_have_text("Runs")
    return page


def begin(context: BrowserContext, upto: int) -> str:
    """A slow run, begun without a page; its id."""
    answer = context.request.post("/api/actions/slow/count", data={"parameters": {"upto": upto}})
    assert answer.ok, answer.text()
    return str(answer.json()["id"])


def state(context: BrowserContext, run_id: str) -> str:
    """How the run stands in the store."""
    return str(context.request.get(f"/api/runs/{run_id}").json()["state"])


def going(page: Page, run_id: str) -> Locator:
    """The row of a run that waits or runs."""
    return page.locator(f".st-key-vt-row-going-{run_id}")


def over(page: Page, run_id: str) -> Locator:
    """The row of a run that has ended."""
    return page.locator(f".st-key-vt-row-run-{run_id}")


def test_an_empty_page_says_what_to_do(visitor: BrowserContext):
    page = opened(visitor)
    expect(page.locator(".vt-nothing")).to_contain_text("press Run")
    page.get_by_role("link", name="Open Medical images").click()
    expect(page).to_have_url(re.compile("/medical"))


def test_progress_moves_by_itself_and_the_run_ends_in_the_other_list(slow_visitor: BrowserContext):
    run_id = begin(slow_visitor, 500)  # 25 s: long enough to be seen moving on a machine that has other work
    page = opened(slow_visitor)
    expect(going(page, run_id)).to_contain_text(re.compile(r"Counted [1-9]"))
    first = int(re.findall(r"Counted (\d+)", going(page, run_id).inner_text())[0])
    expect(going(page, run_id)).not_to_contain_text(f"Counted {first}.")
    expect(over(page, run_id)).to_be_visible(timeout=90_000)
    expect(going(page, run_id)).to_have_count(0)
    expect(page.locator(".st-key-vt-queue")).to_contain_text("This server is free now")


def test_stop_ends_one_and_stop_all_the_rest(slow_visitor: BrowserContext):
    runs = [begin(slow_visitor, upto) for upto in (4000, 4001, 4002, 4003)]
    page = opened(slow_visitor)
    going(page, runs[3]).get_by_role("button", name="Stop").click()
    expect(over(page, runs[3])).to_contain_text("Stopped")
    page.get_by_role("button", name="Stop all 3").click()
    for run_id in runs[:3]:
        expect(over(page, run_id)).to_contain_text("Stopped")
    assert {state(slow_visitor, run_id) for run_id in runs} == {"cancelled"}


def test_a_run_begun_elsewhere_appears_and_open_attaches_to_it_again(slow_visitor: BrowserContext):
    page = opened(slow_visitor)
    run_id = begin(slow_visitor, 600)
    going(page, run_id).get_by_role("link", name="Open").click()
    frame = page.frame_locator("iframe[src*='/play/slow']")
    expect(frame.locator("#vt-status")).to_contain_text(re.compile(r"Counted \d+"))
    expect(frame.locator("#vt-upto input[type=number]")).to_have_value("600")
    slow_visitor.request.post(f"/api/runs/{run_id}/cancel")


def test_nobody_sees_the_runs_of_another(
    slow_visitor: BrowserContext, browser: Browser, slow_server: Server, watch: Watch
):
    run_id = begin(slow_visitor, 300)
    for other in fresh(browser, slow_server, watch):
        page = opened(other)
        expect(page.locator(".st-key-vt-queue")).to_contain_text("1 run going")
        expect(page.locator(".vt-nothing")).to_be_visible()
        expect(going(page, run_id)).to_have_count(0)
    slow_visitor.request.post(f"/api/runs/{run_id}/cancel")


def test_a_run_is_added_to_a_session_by_one_choice(visitor: BrowserContext):
    run = run_medical(visitor, opacity=0.33)
    page = opened(visitor)
    expect(over(page, run["id"])).to_contain_text(re.compile(r"Overlay opacity 0\.33.*kept until", re.DOTALL))
    over(page, run["id"]).get_by_role("button", name="Add to session").click()
    page.get_by_role("menuitem", name="A new session").or_(
        page.get_by_role("option", name="A new session")
    ).first.click()
    toast = page.get_by_test_id("stToast")
    expect(toast).to_contain_text("Saved in")
    expect(over(page, run["id"])).to_contain_text("Saved")
    expect(over(page, run["id"])).not_to_contain_text("kept until")
    session = visitor.request.get("/api/sessions").json()[0]
    assert run_ids(session) == [run["id"]]
    assert toast.get_by_role("link").get_attribute("href") == f"/sessions?session={session['link']}"


def test_open_shows_a_finished_run_as_it_was(visitor: BrowserContext):
    run_medical(visitor, opacity=0.2)
    wanted = run_medical(visitor, opacity=0.31)
    page = opened(visitor)
    over(page, wanted["id"]).get_by_role("link", name="Open").click()
    frame = page.frame_locator("iframe[src*='/play/medical']")
    frame.locator("#vt-accept").click()
    expect(frame.locator("#vt-opacity input[type=number]")).to_have_value("0.31")


def test_two_runs_are_chosen_and_compared(visitor: BrowserContext):
    runs = [run_medical(visitor, opacity=opacity) for opacity in (0.2, 0.4)]
    page = opened(visitor)
    for run in runs:
        over(page, run["id"]).get_by_text("Compare").click()
    page.get_by_role("button", name="Compare (2)").click()
    expect(page).to_have_url(re.compile("/compare\\?runs="))
    for run in runs:
        assert run["id"] in page.url


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_no_serious_accessibility_violation_while_a_run_goes_on(slow_visitor: BrowserContext, theme: str):
    ended, run_id = begin(slow_visitor, 1), begin(slow_visitor, 2000)
    page = opened(slow_visitor)
    page.get_by_role("radio", name=f"{theme} theme").check(force=True)
    expect(going(page, run_id)).to_contain_text("Counted")
    expect(over(page, ended)).to_be_visible()
    page.wait_for_timeout(600)
    assert serious(page) == []
    slow_visitor.request.post(f"/api/runs/{run_id}/cancel")
