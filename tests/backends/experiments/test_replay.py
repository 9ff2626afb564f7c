"""Replay: computed anew, never answered from the cache, judged against what is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from app.settings import Settings
from app.wiring import build_lab
from backends.core.errors import ArtifactMissing, BadInput, NewerSchema, NotFound, RevisionChanged
from backends.core.experiment import Experiment
from backends.experiments.replay import replay, verdict
from backends.medical.actions import Classify
from backends.medical.playground import PLAYGROUND as MEDICAL
from backends.runtime.executor import Final
from backends.runtime.lab import Lab
from backends.store.values import Run
from tests.components.shell_lab import Shade, shaded, shades_lab


@pytest.fixture(scope="module")
def shades(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shades_lab(tmp_path_factory.mktemp("replay")) as made:
        yield made


@pytest.fixture(scope="module")
def medical(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = build_lab(Settings(data_folder=tmp_path_factory.mktemp("medical")))
    made.runtime.start()
    yield made
    made.runtime.close(0)
    made.registry.close()
    made.store.close()


def ended(lab: Lab, run: Run, visitor: str) -> Run:
    return next(event.run for event in lab.runtime.watch(run.id, visitor) if isinstance(event, Final))


def stored(lab: Lab, experiment: Experiment, visitor: str) -> Run:
    """A done run of an experiment that this laboratory would not compute."""
    run = lab.store.runs.create(experiment, visitor)
    lab.store.runs.start(run.id)
    return lab.store.runs.finish(run.id, {}, {"version": lab.version})


def test_a_real_medical_run_is_reproduced_bit_for_bit(medical):
    example = MEDICAL.examples()[0]
    data = Classify.prepare_input("image", example.read())
    digest = medical.store.artifacts.put("ann", data, "application/octet-stream")
    action = Classify.parse({**example.values, "image": digest})
    first = ended(medical, medical.runtime.submit(medical.experiment(action), "ann"), "ann")
    assert first.state == "done"
    again = ended(medical, replay(medical, first.id, "ann"), "ann")
    found = verdict(medical, first.id, again.id, "ann")
    assert (found.same, found.sentence) == (True, "Reproduced bit for bit.")
    assert len(found.outputs) == len(first.outputs) >= 8
    assert {item.change for item in found.outputs} == {"identical"}


def test_it_was_computed_and_not_taken_from_the_cache(shades):
    first = shaded(shades, "ann")
    cached = shades.runtime.submit(first.experiment, "ann")
    assert cached.id == first.id  # asked in the usual way, the known result comes back
    before = shades.runtime.status().ended["done"]
    again = ended(shades, replay(shades, first.id, "ann"), "ann")
    assert again.id != first.id
    assert shades.runtime.status().ended["done"] == before + 1
    assert "cached" not in again.provenance
    assert again.started is not None
    assert again.started > first.finished


def test_a_computation_that_is_not_repeatable_is_found_out(shades, monkeypatch):
    first = shaded(shades, "bob", 45)  # of its own: what drifted stays in the cache
    honest = Shade.run

    def drifting(self, job):
        for event in honest(self, job):
            if getattr(event, "name", "") == "darker":
                pixels = event.result.pixels.copy()
                pixels[0, :5] ^= 1
                event = replace(event, result=replace(event.result, pixels=pixels))
            yield event

    monkeypatch.setattr(Shade, "run", drifting)
    again = ended(shades, replay(shades, first.id, "bob"), "bob")
    found = verdict(shades, first.id, again.id, "bob")
    assert found.sentence.startswith("Not the same: 1 of 9 results differs, pictures by at most 1 grey level.")
    change = next(item for item in found.outputs if item.name == "darker")
    pixels = [shades.store.runs.outputs(run.id, "bob")["darker"].pixels for run in (first, again)]
    assert change.figures["share"] == (pixels[0] != pixels[1]).mean() == 5 / 48**2
    assert np.abs(pixels[0].astype(int) - pixels[1]).max() == change.figures["max_abs"]


def test_a_reader_replays_a_shared_run_and_the_new_run_is_theirs(shades):
    first = shaded(shades, "owner")
    session = shades.store.sessions.create("owner", "Shared")
    session = shades.store.sessions.add_run(session.id, "owner", first.id)
    with pytest.raises(NotFound):
        replay(shades, first.id, "reader")
    shades.store.sessions.open(session.link, "reader")
    again = ended(shades, replay(shades, first.id, "reader"), "reader")
    assert again.visitor == "reader"
    assert verdict(shades, first.id, again.id, "reader").same
    with pytest.raises(NotFound):
        shades.store.runs.get(again.id, "owner")


def test_a_run_without_a_result_is_refused(shades):
    first = shaded(shades, "ann")
    queued = shades.store.runs.create(first.experiment, "ann")
    with pytest.raises(BadInput, match="no finished result"):
        replay(shades, queued.id, "ann")
    shades.store.runs.cancel(queued.id)
    with pytest.raises(BadInput, match="no finished result"):
        replay(shades, queued.id, "ann")


@pytest.mark.parametrize("run_id", ["", "x", "A" * 22, "../../etc"])
def test_a_run_that_is_not_there_is_told_so(shades, run_id):
    with pytest.raises(NotFound):
        replay(shades, run_id, "ann")


def test_other_weights_are_told_and_the_stored_result_stays(shades):
    own = shaded(shades, "ann").experiment
    changed = replace(own, models={"model": ("shades/dimmer", "0" * 64)})
    run = stored(shades, changed, "ann")
    with pytest.raises(RevisionChanged, match="not those this was made with"):
        replay(shades, run.id, "ann")
    assert shades.store.runs.get(run.id, "ann").state == "done"


def test_a_model_or_an_action_that_is_gone_is_told(shades):
    own = shaded(shades, "ann").experiment
    for experiment in (replace(own, models={"model": ("gone/model", "0" * 64)}), replace(own, action="gone/act")):
        run = stored(shades, experiment, "ann")
        with pytest.raises(NotFound):
            replay(shades, run.id, "ann")


def test_an_experiment_of_a_newer_vitrine_is_told(shades):
    newer = Experiment.from_json('{"schema": 99, "action": "shades/shade", "parameters": {}, "inputs": {}}')
    run = stored(shades, newer, "ann")
    with pytest.raises(NewerSchema, match="newer Vitrine"):
        replay(shades, run.id, "ann")


def test_a_stopped_replay_says_so(shades):
    first = shaded(shades, "ann")
    again = shades.store.runs.create(first.experiment, "ann")
    shades.store.runs.cancel(again.id)
    found = verdict(shades, first.id, again.id, "ann")
    assert not found.same
    assert found.sentence == "The new run was stopped before its end. Nothing was compared."


def test_a_run_made_under_other_circumstances_names_them(shades):
    first = shaded(shades, "ann")
    results = shades.store.runs.outputs(first.id, "ann")
    elsewhere = shades.store.runs.create(first.experiment, "ann")
    shades.store.runs.start(elsewhere.id)
    versions = {**first.provenance["versions"], "numpy": "1.0.0"}
    provenance = {**first.provenance, "versions": versions, "device": "cuda:0"}
    shades.store.runs.finish(elsewhere.id, results, provenance)
    found = verdict(shades, elsewhere.id, first.id, "ann")
    assert found.sentence == "Reproduced bit for bit."
    assert {item.title: item.first for item in found.circumstances} == {"numpy": "1.0.0", "Device": "cuda:0"}


def test_damaged_files_of_the_stored_run_are_told(shades):
    first = shaded(
        shades,
        "carol",
    )
    again = ended(shades, replay(shades, first.id, "carol"), "carol")
    path = shades.store.artifacts.open_path(first.outputs[0].digest, "carol")
    kept = path.read_bytes()
    path.write_bytes(b"not this")
    try:
        with pytest.raises(ArtifactMissing):
            verdict(shades, first.id, again.id, "carol")
    finally:
        path.write_bytes(kept)
