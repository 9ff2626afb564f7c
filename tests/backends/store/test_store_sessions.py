import pytest

from backends.core.errors import BadInput, NotFound, NotYours
from backends.core.results import Number, Text
from backends.store.store import Store
from backends.store.values import Item, Session
from tests.backends.store.making import FakeClock, done_run


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
        lambda: store.sessions.order(session.id, "bob", [run.id]),
        lambda: store.sessions.annotate(session.id, "bob", run.id, title="Mine now"),
        lambda: store.sessions.remove_run(session.id, "bob", run.id),
        lambda: store.sessions.share(session.id, "bob"),
        lambda: store.sessions.revoke(session.id, "bob", session.link),
        lambda: store.sessions.restore(session.id, "bob"),
        lambda: store.sessions.erase(session.id, "bob"),
        lambda: store.sessions.add_run(session.id, "bob", bobs.id),
        lambda: store.sessions.delete(session.id, "bob"),
        lambda: store.sessions.add_run(store.sessions.create("bob", "B").id, "bob", run.id),
    ):
        with pytest.raises(NotYours):
            change()
    assert store.sessions.get(session.id, "alice") == before


def test_a_session_id_opens_for_its_owner_only_and_a_link_is_no_id(store: Store) -> None:
    session = store.sessions.create("alice", "Shown")
    assert store.sessions.open(session.id, "alice") == session
    with pytest.raises(NotFound):
        store.sessions.open(session.id, "bob")
    with pytest.raises(NotFound):
        store.sessions.get(session.link, "alice")


def test_a_visitor_keeps_what_they_made_from_a_shared_input(store: Store) -> None:
    photo = store.artifacts.put("alice", b"photo", "image/png")
    session = store.sessions.create("alice", "Shown")
    store.sessions.add_run(session.id, "alice", done_run(store, "alice", {"t": Text("a")}, photo=photo).id)
    store.sessions.open(session.link, "bob")
    mine = done_run(store, "bob", {"t": Text("b")}, gain=4.0, photo=photo)
    store.visitors.forget("alice")
    assert store.runs.outputs(mine.id, "bob") == {"t": Text("b")}
    assert store.artifacts.read(photo, "bob") == b"photo"


def test_what_is_given_changes_and_the_rest_stays(store: Store, clock: FakeClock) -> None:
    session = store.sessions.create("alice", "Old", "Old notes", ["one"])
    later = clock.forward(minutes=1)
    changed = store.sessions.change(session.id, "alice", title="New")
    assert (changed.title, changed.notes, changed.tags, changed.updated) == ("New", "Old notes", ("one",), later)
    assert store.sessions.change(session.id, "alice", notes="").notes == ""
    assert store.sessions.change(session.id, "alice", tags=()).tags == ()
    assert store.sessions.get(session.id, "alice").title == "New"


def test_tags_are_trimmed_and_each_is_there_once_in_the_order_given(store: Store) -> None:
    session = store.sessions.create("alice", "T", tags=[" Chest \n X-ray", "b", "chest x-ray", "a", "B"])
    assert session.tags == ("Chest X-ray", "b", "a")
    assert store.sessions.list("alice")[0].tags == session.tags


@pytest.mark.parametrize(
    ("tags", "said"),
    [([""], "1 to 40"), ([" \t"], "1 to 40"), (["x" * 41], "1 to 40"), ([str(n) for n in range(21)], "at most 20")],
)
def test_tags_that_cannot_be_used_are_refused_and_nothing_changes(store: Store, tags: list[str], said: str) -> None:
    session = store.sessions.create("alice", "T", tags=["kept"])
    with pytest.raises(BadInput, match=said) as caught:
        store.sessions.change(session.id, "alice", title="Changed", tags=tags)
    assert caught.value.field == "tags"
    assert store.sessions.get(session.id, "alice") == session


def test_the_order_of_results_is_changed_and_kept(store: Store) -> None:
    session, runs = saved(store, "alice", 3)
    wanted = [runs[2], runs[0], runs[1]]
    assert [run.id for run in store.sessions.order(session.id, "alice", wanted).runs] == wanted
    late = done_run(store, "alice", {}, gain=9.0)
    added = store.sessions.add_run(session.id, "alice", late.id)
    assert [run.id for run in added.runs] == [*wanted, late.id]


@pytest.mark.parametrize("pick", [[0, 1], [0, 1, 1], [0, 1, 2, 2], [], [0, 1, 3]])
def test_an_order_that_is_none_of_what_is_in_is_refused_and_nothing_is_lost(store: Store, pick: list[int]) -> None:
    session, runs = saved(store, "alice", 3)
    other = done_run(store, "alice", {}, gain=9.0)
    with pytest.raises(BadInput, match="added or removed meanwhile") as caught:
        store.sessions.order(session.id, "alice", [[*runs, other.id][index] for index in pick])
    assert caught.value.field == "run_ids"
    assert store.sessions.get(session.id, "alice") == session


def test_what_a_slide_says_is_kept_and_speaker_notes_reach_the_owner_only(store: Store) -> None:
    session, (first, second) = saved(store, "alice", 2)
    texts = {"title": " A \n title ", "note": "**Look**", "speaker": "Breathe", "live": True}
    store.sessions.annotate(session.id, "alice", first, **texts)
    shown = store.sessions.annotate(session.id, "alice", first, note="Look")
    item = shown.items[0]
    assert (item.title, item.note, item.speaker, item.live) == ("A title", "Look", "Breathe", True)
    assert shown.items[1] == Item(shown.items[1].run)
    assert shown.items[1].run.id == second
    seen = store.sessions.open(session.link, "bob").items[0]
    assert (seen.title, seen.note, seen.speaker, seen.live) == ("A title", "Look", "", True)
    assert store.sessions.get(session.id, "bob").items[0].speaker == ""


@pytest.mark.parametrize(("field", "longest"), [("title", 200), ("note", 20_000), ("speaker", 20_000)])
def test_texts_of_a_slide_have_an_end(store: Store, field: str, longest: int) -> None:
    session, (run_id,) = saved(store, "alice", 1)
    store.sessions.annotate(session.id, "alice", run_id, **{field: "x" * longest})
    with pytest.raises(BadInput, match=f"{longest:,}") as caught:
        store.sessions.annotate(session.id, "alice", run_id, live=True, **{field: "x" * (longest + 1)})
    assert caught.value.field == field
    assert not store.sessions.get(session.id, "alice").items[0].live


def test_half_a_character_is_kept_as_a_question_mark(store: Store) -> None:
    session, (run_id,) = saved(store, "alice", 1)
    assert store.sessions.change(session.id, "alice", title="a\ud800b", tags=["\udfff"]).tags == ("?",)
    assert store.sessions.annotate(session.id, "alice", run_id, note="\ud800\0").items[0].note == "?"


def test_a_result_that_is_taken_out_expires_from_now_on_and_can_be_put_back(store: Store, clock: FakeClock) -> None:
    session, runs = saved(store, "alice", 2)
    clock.forward(days=30)
    left = store.sessions.remove_run(session.id, "alice", runs[0])
    assert [run.id for run in left.runs] == [runs[1]]
    assert not store.runs.get(runs[0], "alice").saved
    with pytest.raises(NotFound):
        store.sessions.remove_run(session.id, "alice", runs[0])
    clock.forward(hours=23)
    store.collect()
    assert len(store.sessions.add_run(session.id, "alice", runs[0]).runs) == 2
    store.sessions.remove_run(session.id, "alice", runs[0])
    clock.forward(hours=24)
    store.collect()
    with pytest.raises(NotFound):
        store.runs.get(runs[0], "alice")
    assert store.runs.get(runs[1], "alice").saved


def test_a_result_is_annotated_and_removed_only_where_it_is_in(store: Store) -> None:
    session, _ = saved(store, "alice", 1)
    other = done_run(store, "alice", {}, gain=9.0)
    for change in (store.sessions.annotate, store.sessions.remove_run):
        with pytest.raises(NotFound):
            change(session.id, "alice", other.id)


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


def saved(store: Store, visitor: str, count: int) -> tuple[Session, list[str]]:
    """A session with so many results, and their ids in order."""
    session, runs = store.sessions.create(visitor, "Saved"), []
    for index in range(count):
        runs.append(done_run(store, visitor, {"t": Text(f"result {index}")}, gain=index).id)
        session = store.sessions.add_run(session.id, visitor, runs[-1])
    return session, runs
