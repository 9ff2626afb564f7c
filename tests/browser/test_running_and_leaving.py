"""Long runs: progress, Stop, leaving the page and coming back, and what a restart says."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Server, Watch, fresh, start_server

pytestmark = pytest.mark.browser


@pytest.fixture
def slow_visitor(browser: Browser, slow_server: Server, watch: Watch):
    yield from fresh(browser, slow_server, watch)


def opened(context: BrowserContext, upto: int) -> Page:
    page = context.new_page()
    page.goto("/play/slow/")
    expect(page.locator("#vt-status")).to_contain_text("press Run")
    box = page.locator("#vt-upto input[type=number]")
    box.fill(str(upto))
    box.press("Enter")
    expect(page).to_have_url(re.compile(rf"upto={upto}\b"))  # the page has taken the number
    return page


def test_progress_is_seen_and_the_result_comes(slow_visitor):
    page = opened(slow_visitor, 30)
    page.locator("#vt-run").click()
    expect(page.locator("#vt-status")).to_contain_text(re.compile(r"Counted \d+"))
    expect(page.locator("#vt-status progress")).to_have_attribute("value", re.compile(r"0\.[1-9]"))
    expect(page.locator("#vt-status")).to_contain_text("Done")
    expect(page.locator(".vt-value strong")).to_contain_text("30")


def test_stop_ends_it_within_a_second_and_the_next_run_works(slow_visitor):
    page = opened(slow_visitor, 2000)
    page.locator("#vt-run").click()
    expect(page.locator("#vt-status")).to_contain_text(re.compile(r"Counted [1-9]"))
    page.locator("#vt-stop").click()
    expect(page.locator("#vt-status")).to_contain_text("Stopped", timeout=1500)
    expect(page.locator("#vt-run")).to_be_enabled()
    box = page.locator("#vt-upto input[type=number]")
    box.fill("3")
    box.press("Enter")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".vt-value strong")).to_contain_text("3")


def test_closing_the_tab_loses_nothing_and_coming_back_attaches_again(slow_visitor):
    page = opened(slow_visitor, 120)
    page.locator("#vt-run").click()
    expect(page.locator("#vt-status")).to_contain_text(re.compile(r"Counted [1-9]"))
    page.close()
    back = slow_visitor.new_page()
    back.goto("/play/slow/")
    expect(back.locator("#vt-status")).to_contain_text(re.compile(r"Counted \d+"))
    expect(back.locator("#vt-upto input[type=number]")).to_have_value("120")
    expect(back.locator("#vt-status")).to_contain_text("Done")
    expect(back.locator(".vt-value strong")).to_contain_text("120")


def test_what_had_finished_survives_a_dropped_connection_and_what_runs_goes_on(slow_visitor, watch):
    page = opened(slow_visitor, 4)
    page.locator("#vt-run").click()
    expect(page.locator("#vt-status")).to_contain_text("Done")
    box = page.locator("#vt-upto input[type=number]")
    box.fill("90")
    box.press("Enter")
    expect(page).to_have_url(re.compile(r"upto=90\b"))  # the page has taken the number
    page.locator("#vt-run").click()
    expect(page.locator("#vt-status")).to_contain_text(re.compile(r"Counted [1-9]"))
    slow_visitor.set_offline(True)  # the connection is gone in the middle of the run
    page.close()
    slow_visitor.set_offline(False)
    watch.console.clear()  # a page whose connection breaks says so in its console
    runs = slow_visitor.request.get("/api/runs").json()
    assert [(run["experiment"]["parameters"]["upto"], run["state"]) for run in runs[:2]] == [
        (90, "running"),
        (4, "done"),
    ]
    back = slow_visitor.new_page()
    back.goto(f"/play/slow/?run={runs[0]['id']}")  # as the list of recent runs leads there
    expect(back.locator("#vt-status")).to_contain_text("Done")
    expect(back.locator(".vt-value strong")).to_contain_text("90")
    again = slow_visitor.new_page()
    again.goto(f"/play/slow/?run={runs[1]['id']}")
    expect(again.locator(".vt-value strong")).to_contain_text("4")


def test_nobody_else_opens_a_run_by_its_id(slow_visitor, browser: Browser, slow_server: Server, watch: Watch):
    page = opened(slow_visitor, 2)
    page.locator("#vt-run").click()
    expect(page.locator("#vt-status")).to_contain_text("Done")
    run_id = slow_visitor.request.get("/api/runs").json()[0]["id"]
    for other in fresh(browser, slow_server, watch):
        theirs = other.new_page()
        theirs.goto(f"/play/slow/?run={run_id}")
        expect(theirs.locator("#vt-banner [role=alert]")).to_be_visible()
        expect(theirs.locator(".vt-value strong")).to_have_count(0)


def test_a_run_cut_off_by_a_restart_is_marked_so(browser, tmp_path):
    watch = Watch()  # not held against the page: a killed server does leave errors in its console
    first = start_server(tmp_path, command=("tests.browser.slow_server",), VITRINE_DRAIN_SECONDS="0")
    try:
        context = next(fresh(browser, first, watch))
        page = opened(context, 3)
        page.locator("#vt-run").click()
        expect(page.locator("#vt-status")).to_contain_text("Done")
        box = page.locator("#vt-upto input[type=number]")
        box.fill("2000")
        box.press("Enter")
        expect(page).to_have_url(re.compile(r"upto=2000\b"))
        page.locator("#vt-run").click()
        expect(page.locator("#vt-status")).to_contain_text(re.compile(r"Counted [1-9]"))
    finally:
        first.process.kill()
        first.process.wait()
    port = int(first.url.rsplit(":", 1)[1])
    second = start_server(tmp_path, port=port, command=("tests.browser.slow_server",))
    try:
        runs = context.request.get(f"{second.url}/api/runs").json()
        assert [run["state"] for run in runs] == ["interrupted", "done"]
        answer = context.request.get(f"{second.url}/api/runs/{runs[1]['id']}/outputs/total")
        assert answer.ok  # what had finished is there to the last byte
    finally:
        context.close()
        second.stop()
