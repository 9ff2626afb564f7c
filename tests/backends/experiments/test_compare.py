"""Two to four runs side by side, as data: settings, numbers with intervals, joined tables; and what is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from backends.core.errors import BadInput, NotFound
from backends.core.results import Number, Table
from backends.experiments.arrays import grey_levels
from backends.experiments.changes import number_rows, table_rows
from backends.experiments.compare import Setting, compare
from backends.runtime.executor import Final
from backends.runtime.lab import Lab
from backends.store.values import Run
from tests.components.shell_lab import Shade, picture, shades_lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with shades_lab(tmp_path_factory.mktemp("compare")) as made:
        yield made


def shaded(lab: Lab, visitor: str, seed: int = 0, **values: object) -> Run:
    digest = lab.store.artifacts.put(visitor, picture(), "application/octet-stream")
    run = lab.runtime.submit(lab.experiment(Shade(photo=digest, **values), seed), visitor)
    return next(event.run for event in lab.runtime.watch(run.id, visitor) if isinstance(event, Final))


def test_only_what_differs_is_different(lab):
    runs = [shaded(lab, "ann", amount=20), shaded(lab, "ann", amount=50, seed=3)]
    found = compare(lab, [run.id for run in runs], "ann")
    different = {item.name: (item.title, item.unit, item.values) for item in found.settings if not item.same}
    assert different == {"amount": ("Amount", "%", (20, 50)), "seed": ("Seed", "", (0, 3))}
    assert [item.name for item in found.settings] == ["photo", "model", "amount", "curve", "smooth", "seed"]
    assert (found.title, len(found.verdicts)) == ("Shade", 1)


def test_up_to_four_runs_are_compared_with_the_first(lab):
    runs = [shaded(lab, "ann", amount=amount) for amount in (10, 20, 30, 40)]
    found = compare(lab, [run.id for run in runs], "ann")
    mean = next(item for item in found.outputs if item.name == "mean")
    values = [float(lab.store.runs.outputs(run.id, "ann")["mean"].value) for run in runs]
    assert mean.rows[0].values == tuple(values)
    assert [change.absolute for change in mean.rows[0].changes] == [value - values[0] for value in values[1:]]
    assert [change.relative for change in mean.rows[0].changes] == [(v - values[0]) / values[0] for v in values[1:]]
    words = next(item for item in found.outputs if item.name == "words")
    assert words.identical
    assert [piece.change for diff in words.diffs for piece in diff] == ["same"] * 3


def test_the_difference_of_two_pictures_is_exact(lab):
    runs = [shaded(lab, "ann", amount=20), shaded(lab, "ann", amount=50)]
    found = compare(lab, [run.id for run in runs], "ann")
    first, second = (item.pixels for item in next(one for one in found.outputs if one.name == "darker").results)
    assert (grey_levels(first, second) == np.abs(first.astype(int) - second.astype(int))).all()
    with pytest.raises(ValueError, match="different sizes"):
        grey_levels(first, second[1:])


def test_the_interval_of_a_change_is_the_root_of_the_squared_halves():
    first = Number(0.8, "Accuracy", low=0.7, high=0.9, interval="95 % bootstrap")
    second = Number(0.9, "Accuracy", low=0.86, high=0.94, interval="95 % bootstrap")
    change = number_rows([first, second])[0].changes[0]
    half = math.hypot(0.1, 0.04)
    assert change.absolute == pytest.approx(0.1)
    assert change.relative == pytest.approx(0.125)
    assert (change.low, change.high) == (pytest.approx(0.1 - half), pytest.approx(0.1 + half))


@pytest.mark.parametrize(
    "second",
    [
        Number(0.9, "A"),
        Number(0.9, "A", low=0.8, high=1.0, interval="50 %"),
        Number(0.9, "A", low=0.8, interval="95 %"),
    ],
)
def test_without_two_equal_intervals_the_change_has_none(second):
    first = Number(0.8, "A", low=0.7, high=0.9, interval="95 %")
    change = number_rows([first, second])[0].changes[0]
    assert change.absolute == pytest.approx(0.1)
    assert (change.low, change.high) == (None, None)


def test_nothing_is_subtracted_across_units_or_from_nothing():
    assert number_rows([Number(1, "A", "s"), Number(2, "A", "ms")])[0].changes == (None,)
    assert number_rows([Number(1, "A"), None])[0].changes == (None,)
    assert number_rows([Number(0, "A"), Number(2, "A")])[0].changes[0].relative is None


def test_tables_are_joined_on_their_names_and_the_largest_change_is_first():
    first = Table(("Class", "p"), (("a", 0.7), ("b", 0.2), ("c", 0.1)))
    second = Table(("Class", "p"), (("b", 0.5), ("a", 0.3), ("d", 0.1)))
    rows = table_rows([first, second])
    assert [row.name for row in rows] == ["a", "b", "c", "d"]
    assert [row.values for row in rows] == [(0.7, 0.3), (0.2, 0.5), (0.1, None), (None, 0.1)]
    assert [change and round(change.absolute, 9) for row in rows for change in row.changes] == [-0.4, 0.3, None, None]


@pytest.mark.parametrize(
    "second",
    [
        Table(("Class", "q"), (("a", 1.0),)),
        Table(("Class", "p"), (("a", 1.0), ("a", 2.0))),
        Table(("Class", "p"), ((1, 1.0),)),
    ],
)
def test_tables_that_cannot_be_joined_are_not(second):
    assert table_rows([Table(("Class", "p"), (("a", 1.0),)), second]) == ()


def test_true_is_not_one():
    assert not Setting("a", "A", "", "toggle", (True, 1)).same
    assert Setting("a", "A", "", "number", (1, 1.0)).same
    assert not Setting("m", "M", "", "model", ("x", "x"), ("0" * 64, "1" * 64)).same


@pytest.mark.parametrize("count", [0, 1, 5])
def test_fewer_than_two_or_more_than_four_are_refused(lab, count):
    runs = [shaded(lab, "ann", amount=10 * (1 + at)) for at in range(count)]
    with pytest.raises(BadInput, match="Two to four runs can be compared"):
        compare(lab, [run.id for run in runs], "ann")


def test_a_run_is_not_compared_with_itself(lab):
    run = shaded(lab, "ann")
    with pytest.raises(BadInput, match="with itself"):
        compare(lab, [run.id, run.id], "ann")


def test_runs_of_different_kinds_are_refused_by_their_names(lab):
    run = shaded(lab, "ann")
    other = lab.store.runs.create(replace(run.experiment, action="shades/shade/sweep"), "ann")
    with pytest.raises(BadInput, match=r"different kinds: 'shades/shade' and 'shades/shade/sweep'"):
        compare(lab, [run.id, other.id], "ann")


@pytest.mark.parametrize("run_id", ["", "nonsense", "A" * 22, "%00", "x" * 5000])
def test_a_run_that_is_not_there_is_named_by_its_letter(lab, run_id):
    run = shaded(lab, "ann")
    with pytest.raises(NotFound, match="Run B is not there"):
        compare(lab, [run.id, run_id], "ann")


def test_somebody_elses_run_is_not_there_until_its_link_is_opened(lab):
    own, theirs = shaded(lab, "ann"), shaded(lab, "owner", amount=70)
    with pytest.raises(NotFound, match="Run B is not there"):
        compare(lab, [own.id, theirs.id], "ann")
    session = lab.store.sessions.create("owner", "Shared")
    session = lab.store.sessions.add_run(session.id, "owner", theirs.id)
    lab.store.sessions.open(session.link, "ann")
    assert compare(lab, [own.id, theirs.id], "ann").runs[1].visitor == ""


def test_a_run_without_results_is_refused(lab):
    run = shaded(lab, "ann")
    waiting = lab.store.runs.create(run.experiment, "ann")
    with pytest.raises(BadInput, match="Run B has not ended yet"):
        compare(lab, [run.id, waiting.id], "ann")
    lab.store.runs.cancel(waiting.id)
    with pytest.raises(BadInput, match="Run B ended without a result"):
        compare(lab, [run.id, waiting.id], "ann")


def test_runs_of_a_playground_that_is_gone_can_still_be_compared(lab):
    runs = [shaded(lab, "ann", amount=amount) for amount in (15, 25)]
    kept = []
    for run in runs:
        row = lab.store.runs.create(replace(run.experiment, action="gone/act"), "ann")
        lab.store.runs.start(row.id)
        lab.store.runs.finish(row.id, lab.store.runs.outputs(run.id, "ann"), {"version": "0"})
        kept.append(row.id)
    found = compare(lab, kept, "ann")
    assert [item.name for item in found.settings if not item.same] == ["amount"]
    assert found.title == "gone/act"


def test_one_damaged_file_takes_nothing_else_with_it(lab):
    runs = [shaded(lab, "dora", amount=amount) for amount in (35, 65)]
    broken = next(item for item in runs[0].outputs if item.name == "darker")
    path = lab.store.artifacts.open_path(broken.digest, "dora")
    kept = path.read_bytes()
    path.write_bytes(b"not this")
    try:
        found = {item.name: item for item in compare(lab, [run.id for run in runs], "dora").outputs}
    finally:
        path.write_bytes(kept)
    assert found["darker"].results[0] is None
    assert found["darker"].problems[0]
    assert found["mean"].rows[0].changes[0] is not None
