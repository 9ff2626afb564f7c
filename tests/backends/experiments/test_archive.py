"""A session goes to another store and back, and nothing is lost or added on the way."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from backends.core.digest import sha256
from backends.core.errors import ArtifactMissing, LinkClosed, NotFound, TooLarge
from backends.core.experiment import Experiment
from backends.core.results import Text
from backends.experiments.archive import file_name, import_archive, write_archive
from backends.experiments.plain_zip import TOTAL_MAX
from backends.medical.gallery import examples
from backends.runtime.lab import Lab
from backends.store.values import Session
from tests.backends.experiments.archives import (
    ANN,
    BOB,
    EVE,
    as_imported,
    done,
    exported,
    open_lab,
    run,
    saved,
    unpacked,
)
from tests.backends.store.making import same


def test_a_medical_run_arrives_elsewhere_bit_for_bit(here: Lab, there: Lab) -> None:
    example = examples()[0]
    made = run(here, ANN, "medical/classify", example.read(), "image")
    assert made.state == "done", made.error
    data = exported(here, saved(here, ANN, made), ANN)
    came = import_archive(there, data, BOB).runs[0]
    assert [output.digest for output in came.outputs] == [output.digest for output in made.outputs]
    assert came.experiment.digest == made.experiment.digest
    assert came.provenance == {**made.provenance, "imported": True}
    assert (came.created, came.started, came.finished) == (made.created, made.started, made.finished)
    for output in made.outputs:
        assert there.store.artifacts.read(output.digest, BOB) == here.store.artifacts.read(output.digest, ANN)
    first, second = here.store.runs.outputs(made.id, ANN), there.store.runs.outputs(came.id, BOB)
    assert list(first) == list(second)
    assert all(same(first[name], second[name]) for name in first)
    (digest,) = made.experiment.inputs.values()
    assert there.store.artifacts.read(digest, BOB) == here.store.artifacts.read(digest, ANN)


def test_an_imported_input_can_be_run_again_and_a_medical_one_is_kept_as_briefly_as_an_upload(
    here: Lab, there: Lab
) -> None:
    made = run(here, ANN, "medical/classify", examples()[1].read(), "image")
    session = import_archive(there, exported(here, saved(here, ANN, made), ANN), BOB)
    action = there.actions.get("medical/classify").from_experiment(session.runs[0].experiment)
    asked = there.runtime.submit(there.experiment(action), BOB)
    for _ in there.runtime.watch(asked.id, BOB):
        pass
    again = there.store.runs.get(asked.id, BOB)
    assert {item.name: item.digest for item in again.outputs} == {item.name: item.digest for item in made.outputs}
    assert again.expires is not None
    assert again.finished is not None
    assert again.expires - again.finished == timedelta(hours=2)


def test_every_sort_of_run_comes_through_and_is_told_as_imported(lesson: Session, archive: bytes, there: Lab) -> None:
    session = import_archive(there, archive, BOB)
    assert json.loads(unpacked(exported(there, session, BOB))["session.json"]) == as_imported(archive)
    states = [one.state for one in session.runs]
    assert states == ["done"] * 4 + ["failed", "cancelled", "interrupted"]
    assert all(one.provenance["imported"] is True for one in session.runs)
    assert session.runs[3].experiment.newer
    assert session.runs[3].experiment.as_dict()["precision"] == {"dtype": "fp8"}
    assert session.runs[4].error == {"code": "bad_input", "message": "It broke.", "hint": "Mend it.", "field": ""}
    assert session.runs[4].reference == ""
    assert not {one.id for one in session.runs} & {one.id for one in lesson.runs}


def test_texts_order_and_tags_come_through(lesson: Session, archive: bytes, there: Lab) -> None:
    session = import_archive(there, archive, BOB)
    assert (session.title, session.notes, session.tags) == (lesson.title, lesson.notes, lesson.tags)
    told = [(item.title, item.note, item.speaker, item.live) for item in session.items]
    assert told == [(item.title, item.note, item.speaker, item.live) for item in lesson.items]
    assert told[0] == ("First", "See *here*.", "Wait for questions.", True)
    assert session.mine
    assert session.link not in (lesson.link, "")


def test_from_the_second_time_on_it_comes_back_byte_for_byte(here: Lab, there: Lab, archive: bytes) -> None:
    once = exported(there, import_archive(there, archive, BOB), BOB)
    twice = exported(here, import_archive(here, once, EVE), EVE)
    assert twice == once
    assert {name for name in unpacked(once) if name not in unpacked(archive)} == set()


def test_every_result_can_be_shown_where_it_came_to(here: Lab, there: Lab, lesson: Session, archive: bytes) -> None:
    session = import_archive(there, archive, BOB)
    for before, after in zip(lesson.runs, session.runs, strict=True):
        first, second = here.store.runs.outputs(before.id, ANN), there.store.runs.outputs(after.id, BOB)
        assert list(first) == list(second)
        assert all(same(first[name], second[name]) for name in first if name != "grid")


def test_equal_sessions_give_equal_bytes(here: Lab, lesson: Session, archive: bytes) -> None:
    here.store.sessions.share(lesson.id, ANN)
    assert exported(here, lesson, ANN) == archive
    copy = here.store.sessions.change(here.store.sessions.duplicate(lesson.id, ANN).id, ANN, title=lesson.title)
    assert exported(here, copy, ANN) == archive


def test_any_unzip_program_opens_it(here: Lab, lesson: Session, archive: bytes, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        assert opened.testzip() is None
        names = opened.namelist()
        assert names[:2] == ["manifest.json", "session.json"]
        assert names[2:] == sorted(names[2:])
        assert all(name == f"artifacts/{sha256(opened.read(name))}" for name in names[2:])
        assert {item.date_time for item in opened.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        manifest = json.loads(opened.read("manifest.json"))
    assert manifest["session"] == sha256(unpacked(archive)["session.json"])
    assert manifest["what"].startswith("A session of Vitrine")
    written = write_archive(here, lesson.id, ANN)
    written.save(tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == archive
    assert written.size == len(archive)


def test_nothing_that_opens_or_names_anything_leaves_the_house(lesson: Session, archive: bytes) -> None:
    secrets = [ANN, lesson.id, lesson.link, "ref-1", *(one.id for one in lesson.runs)]
    assert not any(secret.encode() in archive for secret in secrets)


def test_who_came_by_a_link_exports_without_speaker_notes(here: Lab, lesson: Session, archive: bytes) -> None:
    link = here.store.sessions.share(lesson.id, ANN)
    theirs = b"".join(write_archive(here, link.id, BOB).chunks())
    assert b"Wait for questions." in archive
    assert b"Wait for questions." not in theirs
    told, expected = (json.loads(unpacked(one)["session.json"]) for one in (theirs, archive))
    del expected["items"][0]["speaker"]
    assert told == expected


def test_a_closed_link_and_another_ones_id_give_no_archive(here: Lab, lesson: Session) -> None:
    link = here.store.sessions.share(lesson.id, ANN)
    here.store.sessions.revoke(lesson.id, ANN, link.id)
    with pytest.raises(LinkClosed):
        write_archive(here, link.id, EVE)
    for address in (lesson.id, "x" * 22, "../../etc/passwd"):
        with pytest.raises(NotFound):
            write_archive(here, address, EVE)


def test_a_stored_file_that_is_damaged_is_told_instead_of_exported(tmp_path: Path) -> None:
    with open_lab(tmp_path) as lab:
        session = saved(lab, ANN, done(lab, ANN, Experiment("gone/a", {}, {}, {}), {"t": Text("words")}))
        digest = session.runs[0].outputs[0].digest
        path = tmp_path / "artifacts" / digest[:2] / digest[2:4] / digest
        path.write_bytes(b"other")
        with pytest.raises(ArtifactMissing):
            write_archive(lab, session.id, ANN)
        path.write_bytes(b"words")
        archive = write_archive(lab, session.id, ANN)
        path.unlink()
        with pytest.raises(ArtifactMissing, match="while it was exported"):
            b"".join(archive.chunks())


def test_a_session_without_runs_comes_through(here: Lab, there: Lab) -> None:
    data = exported(here, saved(here, ANN, title="Empty"), ANN)
    assert import_archive(there, data, BOB).items == ()


def test_what_no_archive_can_hold_is_told_before_it_is_written(here: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    session = saved(here, ANN, title="Too large")
    monkeypatch.setattr("backends.experiments.archive.TOTAL_MAX", 100)
    assert TOTAL_MAX > 100
    with pytest.raises(TooLarge, match="too large for one archive"):
        write_archive(here, session.id, ANN)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Lungs & more: a lesson", "Lungs-more-a-lesson.vitrine.zip"),
        ("../../etc/passwd\r\nX: y", "etc-passwd-X-y.vitrine.zip"),
        ("Röntgen 胸部", "Röntgen-胸部.vitrine.zip"),
        ("///", "session.vitrine.zip"),
        ("x" * 300, "x" * 60 + ".vitrine.zip"),
    ],
)
def test_the_download_is_called_after_the_title(title: str, expected: str) -> None:
    assert file_name(title) == expected
