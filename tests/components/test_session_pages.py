"""Sessions, the list and one of them, over a real store: what is done on the page is in the store afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from backends.core.errors import NotFound
from backends.runtime.lab import Lab
from components.lab import install
from components.session_list import matching
from components.session_run import moved
from components.session_share import link_said
from components.session_undo import order_with
from tests.components.shell_driver import choose, come_in, go, open_shell, press, save, still_well, toasts, words
from tests.components.shell_lab import shades_lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shades_lab(tmp_path_factory.mktemp("sessions")) as made:
        install(made)
        yield made


@pytest.fixture
def me(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> str:
    return come_in(lab, monkeypatch)


@pytest.fixture
def shell(me: str) -> AppTest:
    return open_shell()


def test_an_empty_page_says_what_to_do_and_leads_there(shell):
    page = go(shell, "sessions")
    assert "press Save" in words(page)
    assert "Open Shades" in [link.proto.label for link in page.get("page_link")]


def test_search_finds_words_of_titles_tags_and_notes_of_results(lab, me):
    first = save(lab, me, "Lungs on Monday", tags=("chest",))
    save(lab, me, "Blood", notes="The *spleen* is fine.")
    lab.store.sessions.annotate(first.id, me, first.runs[0].id, note="An opaque margin.")
    every = lab.store.sessions.list(me)
    assert {one.title for one in matching(every, "monday LUNGS", ())} == {"Lungs on Monday"}
    assert {one.title for one in matching(every, "chest", ())} == {"Lungs on Monday"}
    assert {one.title for one in matching(every, "opaque", ())} == {"Lungs on Monday"}
    assert {one.title for one in matching(every, "spleen", ())} == {"Blood"}
    assert matching(every, "monday spleen", ()) == []


def test_tags_show_exactly_the_sessions_that_have_all_of_them(shell, lab, me):
    save(lab, me, "One", tags=("red", "cells"))
    save(lab, me, "Two", tags=("red",))
    save(lab, me, "Three")
    page = go(shell, "sessions")
    page.pills[0].set_value(["red"]).run()
    assert ("One" in words(page), "Two" in words(page), "Three" in words(page)) == (True, True, False)
    page.pills[0].set_value(["red", "cells"]).run()
    assert ("One" in words(page), "Two" in words(page)) == (True, False)


def test_nothing_found_offers_to_show_everything_again(shell, lab, me):
    save(lab, me, "Only this")
    page = go(shell, "sessions")
    page.text_input(key="vt-search").set_value("elsewhere").run()
    assert "No session fits" in words(page)
    press(page, "Show all sessions")
    assert "Only this" in words(page)


def test_sessions_stand_in_the_order_that_was_chosen(shell, lab, me):
    for title in ("beta", "Alpha", "gamma"):
        save(lab, me, title)
    page = go(shell, "sessions")
    by_time = words(page)
    assert by_time.index("gamma") < by_time.index("Alpha") < by_time.index("beta")
    page.selectbox(key="vt-sort").set_value("Title").run()
    by_title = words(page)
    assert by_title.index("Alpha") < by_title.index("beta") < by_title.index("gamma")


def test_a_session_is_duplicated_with_its_runs(shell, lab, me):
    session = save(lab, me, "Twice")
    choose(go(shell, "sessions"), f"menu-{session.id}", "Duplicate")
    copy, first = lab.store.sessions.list(me)
    assert copy.title == "Copy of Twice"
    assert [run.experiment for run in copy.runs] == [run.experiment for run in first.runs]


def test_deleting_asks_nothing_and_undo_brings_session_and_link_back(shell, lab, me):
    session = save(lab, me, "Gone too soon")
    page = go(shell, "sessions")
    choose(page, f"menu-{session.id}", "Delete")
    with pytest.raises(NotFound):
        lab.store.sessions.open(session.link, "a-reader")
    assert "was deleted" in words(page)
    press(page, "Undo")
    assert lab.store.sessions.open(session.link, "a-reader").title == "Gone too soon"
    assert "Undo" not in [button.label for button in page.button]


def test_what_was_deleted_can_be_erased_at_once(shell, lab, me):
    session = save(lab, me, "Never again")
    page = go(shell, "sessions")
    choose(page, f"menu-{session.id}", "Delete")
    press(page, "Delete for good now")
    assert lab.store.sessions.deleted(me) == []
    with pytest.raises(NotFound):
        lab.store.sessions.restore(session.id, me)


def test_titles_are_shown_as_text_never_as_html(shell, lab, me):
    save(lab, me, "<img src=x onerror=alert(1)>", tags=("<b>tag</b>",))
    shown = words(go(shell, "sessions"))
    assert "<img src=x" not in shown
    assert "<b>tag" not in shown
    assert "&lt;img src=x" in shown


def test_title_and_tags_are_kept_when_their_field_is_left(shell, lab, me):
    session = save(lab, me, "First title")
    page = go(shell, "sessions", session=session.link)
    still_well(page.text_input(key=f"vt-title-{session.id}").set_value("Second title").run())
    assert lab.store.sessions.get(session.id, me).title == "Second title"
    assert "Saved." in toasts(page)
    still_well(page.multiselect(key=f"vt-tags-{session.id}").set_value(["blood", "2026"]).run())
    assert lab.store.sessions.get(session.id, me).tags == ("blood", "2026")


def test_an_empty_title_is_refused_and_the_stored_one_stands(shell, lab, me):
    session = save(lab, me, "Keeps its name")
    page = go(shell, "sessions", session=session.link)
    still_well(page.text_input(key=f"vt-title-{session.id}").set_value("   ").run())
    assert lab.store.sessions.get(session.id, me).title == "Keeps its name"
    assert any("1 to 200 characters" in said for said in toasts(page))
    assert page.text_input(key=f"vt-title-{session.id}").value == "Keeps its name"


def test_a_change_made_in_another_tab_is_followed_and_the_last_one_wins(shell, lab, me):
    session = save(lab, me, "Mine")
    page = go(shell, "sessions", session=session.link)
    lab.store.sessions.change(session.id, me, title="Changed elsewhere")
    still_well(page.run())
    assert page.text_input(key=f"vt-title-{session.id}").value == "Changed elsewhere"
    still_well(page.text_input(key=f"vt-title-{session.id}").set_value("And here").run())
    assert lab.store.sessions.get(session.id, me).title == "And here"


def test_notes_are_written_beside_how_they_read_and_kept(shell, lab, me):
    session = save(lab, me, "With notes", notes="")
    page = press(go(shell, "sessions", session=session.link), "Add notes")
    still_well(page.text_area[0].set_value("# Found\n\n<script>x</script> **bold** ![p](http://elsewhere/p.png)").run())
    assert lab.store.sessions.get(session.id, me).notes.startswith("# Found")
    shown = words(page)
    assert "<h3>Found</h3>" in shown
    assert "<strong>bold</strong>" in shown
    assert "<script>" not in shown
    assert "<img" not in shown.split("vt-notes", 1)[1].split("</div>")[0]
    press(page, "Done")
    assert not page.text_area


def test_results_change_places_by_buttons(shell, lab, me):
    session = save(lab, me, "In order", 10, 20, 30)
    ids = [run.id for run in session.runs]
    page = go(shell, "sessions", session=session.link)
    press(page, "Move result 1 down")
    assert [run.id for run in lab.store.sessions.get(session.id, me).runs] == [ids[1], ids[0], ids[2]]
    press(page, "Move result 3 up")
    assert [run.id for run in lab.store.sessions.get(session.id, me).runs] == [ids[1], ids[2], ids[0]]


def test_a_removed_result_comes_back_to_its_place_with_its_texts(shell, lab, me):
    session = save(lab, me, "One less", 10, 20, 30)
    ids = [run.id for run in session.runs]
    lab.store.sessions.annotate(
        session.id, me, ids[1], title="The middle", note="A note.", speaker="Slowly.", live=True
    )
    page = go(shell, "sessions", session=session.link)
    press(page, "Remove", index=1)
    assert [run.id for run in lab.store.sessions.get(session.id, me).runs] == [ids[0], ids[2]]
    press(page, "Undo")
    back = lab.store.sessions.get(session.id, me)
    assert [run.id for run in back.runs] == ids
    middle = back.items[1]
    assert (middle.title, middle.note, middle.speaker, middle.live) == ("The middle", "A note.", "Slowly.", True)


def test_a_slide_gets_its_title_and_its_live_sliders(shell, lab, me):
    session = save(lab, me, "Slides")
    run_id = session.runs[0].id
    page = go(shell, "sessions", session=session.link)
    page.session_state[f"vt-slide-{run_id}"] = True
    page.run()
    still_well(page.text_input(key=f"vt-slide-title-{session.id}-{run_id}").set_value("Look here").run())
    still_well(page.toggle[0].set_value(True).run())
    item = lab.store.sessions.get(session.id, me).items[0]
    assert (item.title, item.live) == ("Look here", True)


def test_links_are_described_as_they_stand(lab, me):
    session = save(lab, me, "Described")
    now = datetime.now(UTC)
    assert link_said(session.links[0], now) == "Never expires"
    short = lab.store.sessions.share(session.id, me, hours=1)
    assert link_said(short, now).startswith("Open until ")
    assert link_said(short, now + timedelta(hours=3, minutes=1)) == "Expired 2 hours ago"


def test_a_session_without_an_open_link_says_that_only_its_owner_can_open_it(shell, lab, me):
    session = save(lab, me, "Private")
    lab.store.sessions.revoke(session.id, me, session.links[0].id)
    page = go(shell, "sessions", session=session.id)
    assert "Only you can open it" in words(page)
    press(page, "Share")
    assert "No link is open: only you can open this session." in words(page)


def test_a_reader_sees_every_kind_of_result_and_can_change_nothing(shell, lab):
    session = save(lab, "its-owner", "Shared work", tags=("seen",))
    run = session.runs[0]
    lab.store.sessions.annotate(session.id, "its-owner", run.id, note="For all.", speaker="For me alone.")
    page = go(shell, "sessions", session=session.link)
    shown = words(page)
    for part in (
        "Shared with you, read-only",
        f'src="/api/runs/{run.id}/outputs/darker"',
        'alt="A darker picture"',
        "Mean grey",
        "vt-tokens",
        "vt-table",
        "vt-gallery",
        f"/api/runs/{run.id}/outputs/tone",
        "raw.bin, 4 bytes",
        "For all.",
        "seen",
    ):
        assert part in shown
    assert "<b>Not</b>" not in shown
    assert "For me alone." not in shown
    assert len(page.get("plotly_chart")) == 1
    labels = {button.label for button in page.button}
    assert not labels & {"Share", "Delete", "Remove", "Add notes", "Edit notes", "Add note", "Edit note"}
    assert not page.text_input
    assert not page.multiselect


def test_a_reader_makes_a_copy_of_their_own(shell, lab, me):
    session = save(lab, "its-owner", "Shared to copy")
    press(go(shell, "sessions", session=session.link), "Make my own copy")
    mine = lab.store.sessions.list(me)[0]
    assert mine.mine
    assert mine.runs[0].visitor == me
    assert [one.digest for one in mine.runs[0].outputs] == [one.digest for one in session.runs[0].outputs]


def test_settings_and_provenance_are_told_with_units(shell, lab, me):
    session = save(lab, me, "With settings")
    shown = words(go(shell, "sessions", session=session.link))
    assert "<dt>Amount</dt><dd>30 %</dd>" in shown
    assert "<dt>Curve</dt><dd>Straight</dd>" in shown
    assert "shades/dimmer" in shown
    assert re.search(r"^</dt><dd>[\d.]+ [MG]B</dd>", shown.split("Peak memory")[1])
    assert "rss" not in shown.casefold()


def test_places_are_counted_within_the_list():
    assert moved(["a", "b", "c"], "a", 1) == ["b", "a", "c"]
    assert moved(["a", "b", "c"], "a", -1) == ["a", "b", "c"]
    assert moved(["a", "b", "c"], "c", 5) == ["a", "b", "c"]


def test_what_comes_back_stands_behind_its_nearest_neighbour_that_is_left():
    assert order_with(("a", "b", "c"), ["a", "c", "b"], "b") == ["a", "b", "c"]
    assert order_with(("a", "b", "c"), ["c", "b"], "b") == ["b", "c"]
    assert order_with(("a", "b", "c"), ["c", "x", "a", "b"], "b") == ["c", "x", "a", "b"]
