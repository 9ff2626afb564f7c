"""A session from elsewhere becomes a visitor's own: wholly, with bytes of the right digest, or not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.digest import sha256
from backends.core.errors import ArtifactMissing, NotFound, StoreError
from backends.core.experiment import Experiment
from backends.store.adopting import Adopted, BroughtFile, inputs_of
from backends.store.store import Store
from backends.store.values import Item, Run, Session, StoredOutput
from tests.backends.store.making import VERSION, FakeClock, files_on_disk

DATA, PICTURE = b"a result", b"a picture"


def brought(clock: FakeClock, data: bytes = DATA) -> Adopted:
    """One run with one input and one text; `data` is what lies there as the text."""
    output = StoredOutput("words", "text", sha256(DATA), "text/plain", len(DATA), {"title": ""})
    asked = Experiment("demo/tell", {"loud": True}, {"picture": sha256(PICTURE)}, {})
    times = (clock.now, clock.now, clock.now)
    run = Run(
        "",
        "",
        asked,
        "done",
        1.0,
        "",
        *times,
        None,
        "",
        {"version": VERSION},
        saved=True,
        outputs=(output,),
        expires=None,
    )
    items = (Item(run, "A title", "A note", "For me", live=True),)
    session = Session("", "", "Brought", "Notes", ("tag",), clock.now, clock.now, None, items, (), mine=True)
    files = {
        sha256(DATA): BroughtFile(sha256(DATA), len(DATA), "text/plain", lambda: (data[:3], data[3:])),
        sha256(PICTURE): BroughtFile(sha256(PICTURE), len(PICTURE), "image/png", lambda: (PICTURE,)),
    }
    return Adopted(session, files, 100, lambda _name: 2.0)


def test_it_stands_as_one_of_their_own(store: Store, clock: FakeClock) -> None:
    session = store.adopt("ann", brought(clock))
    assert session == store.sessions.get(session.id, "ann")
    assert [item.speaker for item in session.items] == ["For me"]
    (run,) = store.sessions.open(session.link, "bob").runs
    assert store.artifacts.read(run.outputs[0].digest, "bob") == DATA
    assert store.artifacts.read(sha256(PICTURE), "ann") == PICTURE
    assert store.runs.find_done(run.experiment.digest, VERSION) is None
    assert store.usage("ann") == len(DATA) + len(PICTURE)


def test_its_runs_and_inputs_are_kept_as_briefly_as_their_action_says(store: Store, clock: FakeClock) -> None:
    session = store.adopt("ann", brought(clock))
    store.sessions.remove_run(session.id, "ann", session.runs[0].id)
    clock.forward(hours=2, minutes=1)
    store.collect()
    with pytest.raises(NotFound):
        store.runs.get(session.runs[0].id, "ann")
    assert store.usage("ann") == 0


def test_bytes_that_are_not_of_their_digest_leave_nothing(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    for wrong in (b"a forgery", b"a resul", b"a result!"):
        with pytest.raises(ArtifactMissing):
            store.adopt("ann", brought(clock, wrong))
    assert store.sessions.list("ann") == []
    assert store.runs.recent("ann") == []
    assert sha256(DATA) not in files_on_disk(tmp_path)
    assert list((tmp_path / "artifacts" / ".incoming").iterdir()) == []


def test_what_cannot_be_written_as_a_row_leaves_no_row(store: Store, clock: FakeClock, tmp_path: Path) -> None:
    good = brought(clock)
    twice = replace(good.session.items[0].run, outputs=good.session.runs[0].outputs * 2)  # one name, two rows
    bad = replace(good, session=replace(good.session, items=(*good.session.items, Item(twice))))
    with pytest.raises(StoreError):
        store.adopt("ann", bad)
    assert store.sessions.list("ann") == []
    assert store.runs.recent("ann") == []
    clock.forward(minutes=11)
    store.collect()
    assert files_on_disk(tmp_path) == set()


def test_of_a_newer_form_only_what_is_a_hash_counts_as_an_input() -> None:
    newer = '{"schema":2,"action":"a/b","parameters":{},"models":{},"inputs":{"a":"%s","b":"file:x","c":[1]}}'
    assert inputs_of(Experiment.from_json(newer % sha256(DATA))) == {"a": sha256(DATA)}
