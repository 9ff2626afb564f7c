"""A sweep is the same as its runs one by one; what it says of them is what an independent reference says."""

import itertools

import numpy as np
import pytest
import scipy.stats

from backends.core.cancellation import Cancellation
from backends.core.encoding import encode
from backends.core.errors import BadParameter
from backends.core.experiment import Experiment
from backends.core.grids import best_place, estimate, to_zip
from backends.core.results import Number, Table, Text
from backends.core.sweep import CELLS_MAX, sweep_of
from backends.medical.actions import Classify
from backends.medical.playground import PLAYGROUND as MEDICAL
from backends.runtime.executor import Produced, Progressed
from tests.backends.core.swept import Dice, ended, follow, grid_of, refusal, results, swept_lab

DiceSweep, ClassifySweep = sweep_of(Dice), sweep_of(Classify)


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    with swept_lab(tmp_path_factory.mktemp("sweep")) as running:
        yield running


@pytest.fixture(scope="module")
def picture(lab):
    example = MEDICAL.examples()[0]
    data = Classify.prepare_input("image", example.read())
    return lab.store.artifacts.put("ann", data, "application/octet-stream")


def dice(**values):
    return DiceSweep.parse({"sweep_x": "bias", "sweep_x_values": "-1, 0, 1", **values})


@pytest.mark.parametrize(
    "axes",
    [
        {"sweep_x": "centre", "sweep_x_values": "100..156:2", "sweep_y": "threshold", "sweep_y_values": "0.2, 0.6"},
        {
            "sweep_x": "model",
            "sweep_x_values": "medical/pneumonia-resnet18, medical/redcells-resnet18",
            "sweep_y": "explain",
            "sweep_y_values": "predicted",
        },
    ],
    ids=["numbers", "models"],
)
def test_every_cell_of_a_medical_sweep_is_byte_for_byte_the_run_by_itself(lab, picture, axes):
    sweep = ClassifySweep.parse({"image": picture, **axes})
    grid = grid_of(follow(lab, sweep))
    checked = 0
    for (column, row), cell in grid.cells.items():
        values = {grid.x.parameter: grid.x.values[column], grid.y.parameter: grid.y.values[row]}
        alone = results(follow(lab, Classify.parse({"image": picture, **values})))
        assert {name: encode(result) for name, result in alone.items()} == dict(cell.results)
        probabilities = next(result for name, result in alone.items() if name == "probabilities")
        for label, value in probabilities.rows:
            assert cell.measures[f"probabilities:{label}"] == (value,)
        checked += 1
    assert checked == len(grid.x.values) * len(grid.y.values)


def test_repeats_over_seeds_are_the_runs_with_those_seeds_and_give_the_t_interval(lab):
    found = results(follow(lab, dice(sweep_seeds=4), seed=11))
    grid, table = found["grid"], found["table"]
    for (column, _), cell in grid.cells.items():
        bias = grid.x.values[column]
        alone = [results(follow(lab, Dice(bias=bias), seed)) for seed in range(11, 15)]
        values = [one["mean"].value for one in alone]
        assert list(cell.measures["mean"]) == values
        assert dict(cell.results) == {name: encode(result) for name, result in alone[0].items()}
        low, high = scipy.stats.t.interval(0.95, 3, loc=np.mean(values), scale=scipy.stats.sem(values))
        told = estimate(cell.measures["mean"])
        assert (told.mean, told.low, told.high, told.n) == pytest.approx((np.mean(values), low, high, 4), abs=1e-12)
        assert table.rows[column] == pytest.approx((bias, told.mean, told.low, told.high))
    assert table.columns == ("Bias (points)", "Mean (points)", "Mean (points), 95 % from", "Mean (points), 95 % to")


@pytest.mark.parametrize("goal", ["largest", "smallest"])
def test_the_best_cell_is_the_one_that_looking_at_all_of_them_finds(lab, goal):
    sweep = dice(sweep_y="sides", sweep_y_values="2, 20, 100", sweep_best="mean", sweep_goal=goal)
    found = results(follow(lab, sweep, seed=3))
    alone = {
        (column, row): results(follow(lab, Dice(bias=bias, sides=sides), 3))["mean"].value
        for (column, bias), (row, sides) in itertools.product(enumerate((-1, 0, 1)), enumerate((2, 20, 100)))
    }
    wanted = (max if goal == "largest" else min)(alone.values())
    assert alone[best_place(found["grid"], "mean", largest=goal == "largest")] == wanted
    assert isinstance(found["best"], Text)
    assert f"has the {goal} Mean (points): {wanted:.4g}." in found["best"].text


def test_the_same_sweep_twice_gives_the_same_bytes(lab):
    sweep = dice(sweep_y="lucky", sweep_y_values="on, off", sweep_seeds=2)
    one, two = (grid_of(follow(lab, sweep, 5, fresh=True)) for _ in range(2))
    assert to_zip(one) == to_zip(two)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ({"sweep_x_values": "0..1:3"}, {"sweep_x_values": "0, 0.5, 1"}),
        ({"sweep_x_values": "0,1"}, {"sweep_x_values": " 0.0 ,\n1e0 ,"}),
        ({"sweep_x_values": "1, 2"}, {"sweep_x_values": "1, 2", "bias": 4}),
        ({"sweep_x": "how", "sweep_x_values": "sum"}, {"sweep_x": "how", "sweep_x_values": "THE SUM"}),
        ({"sweep_x": "lucky", "sweep_x_values": "on, off"}, {"sweep_x": "lucky", "sweep_x_values": "true, False"}),
        ({}, {"sweep_y_values": "left over"}),
        ({}, {"sweep_goal": "smallest"}),
        ({"sweep_x_values": ""}, {"sweep_x_values": "-5..5:5"}),
    ],
)
def test_equal_sweeps_written_differently_are_the_same_experiment(lab, one, two):
    assert lab.experiment(dice(**one)).digest == lab.experiment(dice(**two)).digest


def test_other_orders_and_other_goals_are_other_experiments(lab):
    plain = lab.experiment(dice(sweep_best="mean")).digest
    assert lab.experiment(dice(sweep_best="mean", sweep_x_values="1, 0, -1")).digest != plain
    assert lab.experiment(dice(sweep_best="mean", sweep_goal="smallest")).digest != plain


def test_a_sweep_over_models_names_each_and_can_be_built_from_what_was_written(lab, picture):
    models = "medical/pneumonia-resnet18, medical/redcells-resnet18"
    sweep = ClassifySweep.parse({"image": picture, "sweep_x": "model", "sweep_x_values": models})
    experiment = lab.experiment(sweep)
    assert {pair[0] for pair in experiment.models.values()} == set(models.split(", "))
    assert all(pair[1] == lab.registry.revision(pair[0]) for pair in experiment.models.values())
    again = ClassifySweep.from_experiment(Experiment.from_json(experiment.canonical))
    assert again == sweep
    assert lab.experiment(again).digest == experiment.digest


def test_a_cell_that_cannot_be_computed_says_why_and_the_rest_goes_on(lab):
    found = results(follow(lab, dice(fails="some", sweep_best="mean", sweep_seeds=2)))
    grid = found["grid"]
    assert grid.cells[2, 0].problem == "The die fell off the table. Throw again."
    assert not grid.cells[2, 0].results
    assert [bool(grid.cells[column, 0].results) for column in (0, 1)] == [True, True]
    assert "Bias 0 has the largest Mean" in found["best"].text
    assert found["table"].columns[-1] == "Not computed"
    assert [row[-1] for row in found["table"].rows] == [None, None, "The die fell off the table. Throw again."]


def test_a_label_that_one_of_the_models_does_not_have_fails_in_that_cell_only(lab, picture):
    models = "medical/pneumonia-resnet18, medical/redcells-resnet18"
    values = {"image": picture, "sweep_x": "model", "sweep_x_values": models, "explain": "pneumonia"}
    grid = grid_of(follow(lab, ClassifySweep.parse(values)))
    assert not grid.cells[0, 0].problem
    assert grid.cells[1, 0].problem


def test_a_sweep_fails_with_the_sentence_when_no_cell_can_be_computed(lab):
    run = ended(follow(lab, dice(fails="all")))
    assert (run.state, run.error["message"]) == ("failed", "The die fell off the table.")


def test_running_out_of_memory_ends_it(lab):
    run = ended(follow(lab, dice(fails="memory")))
    assert (run.state, run.error["code"]) == ("failed", "out_of_memory")


def test_a_grid_that_is_bound_to_be_too_large_is_refused_after_its_first_cells(lab):
    events = follow(lab, dice(size=2**26, sweep_x_values="-5..5:21"))
    run = ended(events)
    assert (run.state, run.error["code"]) == ("failed", "too_large")
    assert run.error["message"] == "This grid would have about 1344 MiB; at most 128 MiB are kept."
    assert not [event for event in events if isinstance(event, Produced)]
    assert ended(follow(lab, dice(size=2**25))).state == "done"


def test_stopping_ends_it_within_a_cell(lab, picture):
    values = {"image": picture, "sweep_x": "centre", "sweep_x_values": "1..100:100"}
    run = lab.runtime.submit(lab.experiment(ClassifySweep.parse(values)), "ann")
    cells = 0
    for event in lab.runtime.watch(run.id, "ann"):
        if isinstance(event, Produced):
            cells = len(event.result.cells)
            lab.runtime.cancel(run.id, "ann")
    assert lab.store.runs.get(run.id, "ann").state == "cancelled"
    assert 1 <= cells < 50


def test_progress_counts_the_runs_and_never_goes_back(lab):
    sweep = dice(sweep_seeds=3, fails="some")
    told = [event for event in sweep.run(_Desk()) if hasattr(event, "fraction")]
    assert [event.fraction for event in told] == sorted(event.fraction for event in told)
    assert told[0].sentence == "1 of 9: Bias -1"
    assert told[-1].sentence.startswith("7 of 9: Bias 1")
    live = [event for event in follow(lab, dice(sweep_seeds=2)) if isinstance(event, Progressed)]
    assert live


def test_a_measure_that_cells_name_differently_gets_its_declared_title(lab):
    grid = grid_of(follow(lab, dice(fails="titles", sweep_x="sides", sweep_x_values="2, 6")))
    assert dict(grid.measures) == {"mean": "Mean (points)"}


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"sweep_x_values": "1, many"}, "sweep_x_values", "'many' is not a number."),
        ({"sweep_x_values": "1, 6"}, "sweep_x_values", "Bias must be from -5 to 5 points."),
        ({"sweep_x_values": "1, 1.0"}, "sweep_x_values", "1 is in the list twice."),
        ({"sweep_y": "sides", "sweep_y_values": "2.5"}, "sweep_y_values", "Sides must be a whole number"),
        ({"sweep_y": "sides", "sweep_y_values": "2, 101"}, "sweep_y_values", "Sides must be a whole number"),
        ({"sweep_y": "bias", "sweep_y_values": "1"}, "sweep_y", "Both axes are the same setting."),
        ({"sweep_x": "fails"}, "sweep_x", "Across must be one of"),
        ({"sweep_x": "word", "sweep_x_values": ""}, "sweep_x_values", "There are no values for Word."),
        ({"sweep_seeds": 21}, "sweep_seeds", "Seeds must be"),
        ({"sides": 1}, "sides", "Sides must be"),
        (
            {"sweep_x_values": "-5..5:21", "sweep_y": "sides", "sweep_y_values": "2..6:5"},
            "sweep_x_values",
            "This sweep has 105 cells and 105 runs.",
        ),
    ],
)
def test_a_bad_list_is_told_beside_it(values, field, said):
    err = refusal(lambda: dice(**values))
    assert isinstance(err, BadParameter)
    assert (err.field, err.sentence[: len(said)]) == (field, said)


def test_what_plays_no_part_is_not_a_setting_of_the_sweep():
    with pytest.raises(BadParameter):
        dice(sweep_z="bias")


def test_there_is_no_sweep_of_a_sweep_and_a_derived_one_is_the_same_each_time():
    assert sweep_of(DiceSweep) is None
    assert sweep_of(Dice) is DiceSweep
    assert (DiceSweep.name, DiceSweep.base, DiceSweep.long) == ("dice/throw/sweep", Dice, True)
    assert CELLS_MAX == 100


def test_every_sweep_runs_as_it_is_declared(lab):
    grid = grid_of(follow(lab, DiceSweep.parse({})))
    assert grid.x.parameter == "sides"
    assert grid.x.values == (2, 26, 51, 76, 100)
    found = results(follow(lab, DiceSweep.parse({"sweep_best": "nothing like it"})))
    assert found["best"].text == "No cell has that number."
    assert isinstance(found["table"], Table)
    assert isinstance(results(follow(lab, Dice()))["mean"], Number)


class _Desk:
    """The least that the dice need."""

    seed = 0

    cancellation = Cancellation()
