import pytest

from backends.core.errors import BadInput, NotFound, NotYours
from backends.core.results import Number, Text
from backends.store.store import Store
from tests.backends.store.making import FakeClock, done_run, experiment, files_on_disk


def test_a_session_keeps_its_runs_in_the_order_they_were_added(either_store: Store) -> None:
    store = either_store
    runs = [done_run(store, "alice", {"n": Number(index, "N")}, gain=index).id for index in range(4)]
    session = store.sessions.create("alice", "  My \n work ", "Notes")
    assert (session.title, session.notes, session.runs, session.mine) == ("My work", "Notes", (), True)
    assert session.link != session.id
    for run_id in (runs[2], runs[0], runs[3], runs[1], runs[0]):
        session = store.sessions.add_run(session.id, "alice", run_id)
    assert [run.id for run in session.runs] == [runs[2], runs[0], runs[3], runs[1]]
    assert all(run.saved for run in session.runs)
    assert store.sessions.get(session.id, "alice") == session
    assert store.sessions.list("alice") == [session]


def test_a_link_shows_exactly_what_was_saved_and_opens_its_files_only(store: Store) -> None:
    photo = store.artifacts.put("alice", b"photo", "image/png")
    other = store.artifacts.put("alice", b"other", "image/png")
    run = done_run(store, "alice", {"t": Text("result")}, photo=photo)
    unsaved = done_run(store, "alice", {"t": Text("private")}, gain=2.0)
    session = store.sessions.create("alice", "Shown")
    store.sessions.add_run(session.id, "alice", run.id)
    for read in (lambda: store.runs.get(run.id, "bob"), lambda: store.artifacts.read(photo, "bob")):
        with pytest.raises(NotYours):
            read()

    shown = store.sessions.open(session.link, "bob")

    assert not shown.mine
    assert [item.outputs for item in shown.runs] == [run.outputs]
    assert shown.runs[0].visitor == ""  # who made it is not told
    assert store.runs.outputs(run.id, "bob") == {"t": Text("result")}
    assert store.artifacts.read(photo, "bob") == b"photo"
    assert store.artifacts.read(run.outputs[0].digest, "bob") == b"result"
    assert store.sessions.get(session.id, "bob") == shown
    assert store.sessions.open(session.link, "bob") == shown  # again: nothing changes
    assert store.sessions.open(session.link, "alice").mine
    for read in (
        lambda: store.artifacts.read(other, "bob"),
        lambda: store.runs.get(unsaved.id, "bob"),
        lambda: store.artifacts.read(unsaved.outputs[0].digest, "bob"),
        lambda: store.runs.get(run.id, "carol"),
    ):
        with pytest.raises(NotYours):
            read()


def test_who_opened_a_link_cannot_change_anything(store: Store) -> None:
    run = done_run(store, "alice", {"t": Text("result")})
    bobs = done_run(store, "bob", {"t": Text("bob's")})
    session = store.sessions.create("alice", "Shown")
    before = store.sessions.add_run(session.id, "alice", run.id)
    store.sessions.open(session.link, "bob")
    for change in (
        lambda: store.sessions.change(session.id, "bob", title="Mine now"),
        lambda: store.sessions.add_run(session.id, "bob", bobs.id),
        lambda: store.sessions.delete(session.id, "bob"),
        lambda: store.sessions.add_run(store.sessions.create("bob", "B").id, "bob", run.id),
    ):
        with pytest.raises(NotYours):
            change()
    assert store.sessions.get(session.id, "alice") == before


def test_a_link_is_no_session_id_and_a_session_id_no_link(store: Store) -> None:
    session = store.sessions.create("alice", "Shown")
    with pytest.raises(NotFound):
        store.sessions.open(session.id, "bob")
    with pytest.raises(NotFound):
        store.sessions.get(session.link, "alice")


def test_deleting_a_session_revokes_what_its_link_gave(store: Store, tmp_path, clock: FakeClock) -> None:
    photo = store.artifacts.put("alice", b"photo", "image/png")
    run = done_run(store, "alice", {"t": Text("result")}, photo=photo)
    session = store.sessions.create("alice", "Shown")
    store.sessions.add_run(session.id, "alice", run.id)
    store.sessions.open(session.link, "bob")
    store.sessions.delete(session.id, "alice")
    for read in (
        lambda: store.sessions.open(session.link, "bob"),
        lambda: store.runs.get(run.id, "bob"),
        lambda: store.artifacts.read(photo, "bob"),
        lambda: store.artifacts.read(run.outputs[0].digest, "bob"),
        lambda: store.runs.get(run.id, "alice"),
    ):
        with pytest.raises(NotFound):
            read()
    assert files_on_disk(tmp_path) == {photo}  # the upload has its own time; the result went at once
    assert store.usage("alice") == len(b"photo")


def test_deleting_a_session_keeps_runs_that_another_holds_or_that_are_going(store: Store) -> None:
    both = done_run(store, "alice", {"t": Text("both")})
    going = store.runs.create(experiment(3.0), "alice")
    first, second = store.sessions.create("alice", "1"), store.sessions.create("alice", "2")
    store.sessions.add_run(first.id, "alice", both.id)
    store.sessions.add_run(second.id, "alice", both.id)
    store.sessions.add_run(first.id, "alice", going.id)
    store.sessions.delete(first.id, "alice")
    assert store.runs.outputs(both.id, "alice") == {"t": Text("both")}
    assert store.runs.get(both.id, "alice").saved
    assert not store.runs.get(going.id, "alice").saved
    assert store.runs.finish(going.id, {}, {"version": "1"}).state == "done"


def test_a_visitor_keeps_what_they_made_from_a_shared_input(store: Store) -> None:
    photo = store.artifacts.put("alice", b"photo", "image/png")
    session = store.sessions.create("alice", "Shown")
    store.sessions.add_run(session.id, "alice", done_run(store, "alice", {"t": Text("a")}, photo=photo).id)
    store.sessions.open(session.link, "bob")
    mine = done_run(store, "bob", {"t": Text("b")}, gain=4.0, photo=photo)
    store.visitors.forget("alice")
    assert store.runs.outputs(mine.id, "bob") == {"t": Text("b")}
    assert store.artifacts.read(photo, "bob") == b"photo"


def test_rename_changes_title_and_notes(store: Store, clock: FakeClock) -> None:
    session = store.sessions.create("alice", "Old", "Old notes")
    later = clock.forward(minutes=1)
    renamed = store.sessions.change(session.id, "alice", title="New")
    assert (renamed.title, renamed.notes, renamed.updated) == ("New", "Old notes", later)
    assert store.sessions.change(session.id, "alice", title="New", notes="").notes == ""


def test_sessions_are_listed_last_changed_first(store: Store, clock: FakeClock) -> None:
    made = []
    for title in "abc":
        clock.forward(seconds=1)
        made.append(store.sessions.create("alice", title).id)
    store.sessions.create("bob", "not alice's")
    clock.forward(seconds=1)
    store.sessions.change(made[0], "alice", title="a again")
    assert [session.id for session in store.sessions.list("alice")] == [made[0], made[2], made[1]]


@pytest.mark.parametrize("title", ["", " \n\t", "\0", "x" * 201])
def test_a_title_is_needed_and_short(store: Store, title: str) -> None:
    with pytest.raises(BadInput) as caught:
        store.sessions.create("alice", title)
    assert caught.value.field == "title"


def test_notes_have_an_end(store: Store) -> None:
    with pytest.raises(BadInput) as caught:
        store.sessions.create("alice", "T", "n" * 20_001)
    assert caught.value.field == "notes"
