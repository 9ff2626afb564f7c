"""An experiment run without server, queue and store gives what a server's run gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backends.core.cancellation import Cancellation
from backends.core.digest import sha256
from backends.core.encoding import encode
from backends.core.errors import BadInput, Cancelled, NewerSchema, NotFound, RevisionChanged
from backends.core.events import Progress
from backends.core.experiment import Experiment
from backends.runtime.direct import run_experiment
from tests.components.shell_lab import picture, shaded, shades_lab


@pytest.fixture
def made(tmp_path: Path):
    with shades_lab(tmp_path) as lab:
        yield lab, shaded(lab, "visitor-of-these-tests")


def bring(digest: str) -> bytes:
    assert digest == sha256(picture())
    return picture()


def test_the_results_have_the_digests_of_the_servers_run(made) -> None:
    lab, run = made
    found = run_experiment(run.experiment, read=bring, actions=lab.actions, registry=lab.registry)
    digests = {name: sha256(encode(result).data) for name, result in found.items()}
    assert digests == {output.name: output.digest for output in run.outputs}


def test_an_input_of_another_content_is_refused(made) -> None:
    lab, run = made
    with pytest.raises(BadInput, match="not the one that was used"):
        run_experiment(run.experiment, read=lambda _: b"other", actions=lab.actions, registry=lab.registry)


def test_other_weights_an_unknown_action_and_a_newer_form_are_refused(made) -> None:
    lab, run = made
    parts = {"read": bring, "actions": lab.actions, "registry": lab.registry}
    other = replace(run.experiment, models={"model": ("shades/dimmer", "0" * 64)})
    with pytest.raises(RevisionChanged):
        run_experiment(other, **parts)
    with pytest.raises(NotFound):
        run_experiment(replace(run.experiment, action="shades/none"), **parts)
    newer = Experiment("shades/shade", {}, {}, {}, newer='{"schema": 99}')
    with pytest.raises(NewerSchema):
        run_experiment(newer, **parts)


def test_it_says_how_far_it_is_and_stops_when_asked(made) -> None:
    lab, run = made
    sweep = Experiment(
        "shades/shade/sweep",
        {**run.experiment.parameters, "sweep_x": "amount", "sweep_x_values": "0, 10, 20"},
        run.experiment.inputs,
        run.experiment.models,
    )
    cancellation, heard = Cancellation(), []

    def stop_at_the_second(progress: Progress) -> None:
        heard.append(progress)
        if len(heard) == 2:
            cancellation.cancel()

    with pytest.raises(Cancelled):
        run_experiment(
            sweep,
            read=bring,
            actions=lab.actions,
            registry=lab.registry,
            cancellation=cancellation,
            say=stop_at_the_second,
        )
    assert [round(progress.fraction, 2) for progress in heard] == [0.0, 0.33]
