"""What every executor must do with recorded runs; conformance_live.py and conformance_stop.py have the rest.

A test module makes a fixture `executor` (House, options -> Runtime, not started) and subclasses the classes here.
Nothing looks inside an executor: order is read from the store's times, work is held at gates that are files.
"""

import threading
import time
from collections import Counter

import numpy as np
import pytest

from backends.core.encoding import read_array
from backends.core.errors import BadParameter, Busy, NotFound, RevisionChanged
from backends.core.experiment import Experiment
from backends.core.limits import Limits
from backends.runtime.executor import Final, Produced, Progressed, Started
from tests.backends.runtime.workbench import (
    VERSION,
    Add,
    Break,
    Draw,
    Gate,
    House,
    Measure,
    Predict,
    Walk,
    in_time,
    said,
)


class Houses:
    """Gives a test its houses and closes them."""

    @pytest.fixture
    def open_house(self, tmp_path, executor):
        opened = []

        def open_one(folder="house", limits=None, *, start=True, cards=(), **options):
            house = House(tmp_path / folder, limits=limits, cards=cards)
            opened.append(house)
            house.runtime = executor(house, **options)
            if start:
                house.runtime.start()
            return house

        yield open_one
        for house in opened:
            house.close()

    @pytest.fixture
    def house(self, open_house):
        return open_house()


class RunsContract(Houses):
    """Submit, watch, results, failures, the cache."""

    def test_a_run_ends_done_with_its_results_and_circumstances_in_the_store(self, house):
        run = house.submit(Add(left=2, right=3))
        assert run.state == "queued"
        ended = house.ended(run)
        assert ended == house.store.runs.get(run.id, "ann")
        assert (ended.state, ended.fraction, ended.error) == ("done", 1.0, None)
        assert ended.created <= ended.started <= ended.finished
        assert house.store.runs.outputs(run.id, "ann")["sum"].value == 5
        told = ended.provenance
        assert (told["version"], told["experiment"], told["seed"]) == (VERSION, run.experiment.digest, 0)
        assert told["versions"]["numpy"] == np.__version__
        assert told["seconds_queued"] >= 0
        assert told["seconds_running"] > 0
        assert told["rss_peak_bytes"] >= told["rss_before_bytes"] > 2**20

    def test_a_watcher_hears_the_start_the_progress_the_results_and_the_end(self, house):
        gate = house.gate()
        run = house.submit(Gate(path=str(gate)))
        watcher = house.runtime.watch(run.id, "ann")
        heard = []
        for event in watcher:
            heard.append(event)
            if isinstance(event, Produced):
                gate.touch()
        kinds = [type(event) for event in heard if not isinstance(event, Progressed)]
        assert kinds == [Started, Produced, Produced, Final]
        assert [event.name for event in heard if isinstance(event, Produced)] == ["before", "after"]

    def test_progress_tells_how_far_what_and_how_long(self, house):
        heard = house.events(house.submit(Walk(steps=150)))
        told = [event for event in heard if isinstance(event, Progressed) and event.sentence.startswith("Step")]
        fractions = [event.fraction for event in told]
        assert fractions == sorted(fractions)
        assert 0 <= fractions[0] <= fractions[-1] < 1
        guesses = [(event.fraction, event.seconds_left) for event in told if event.seconds_left is not None]
        assert guesses, "after a second and a half the pace should be known"
        first, last = guesses[0][1], guesses[-1][1]
        assert 0 < last < first < 10

    def test_a_waiting_run_hears_how_many_go_first(self, open_house):
        house = open_house(workers=1)
        gate = house.gate()
        house.running(house.submit(Gate(path=str(gate)), "bob"))
        house.submit(Add(left=1), "cid")
        run = house.submit(Add(left=2), "ann")
        first = in_time(lambda: next(house.runtime.watch(run.id, "ann")))
        assert first.sentence == "One run goes first"
        assert first.seconds_left > 0
        gate.touch()
        assert house.ended(run).state == "done"

    def test_a_refusal_reaches_the_user_in_its_own_words(self, house):
        ended = house.ended(house.submit(Break(how="sentence")))
        assert ended.state == "failed"
        assert ended.error["message"] == "This picture shows no lung."
        assert ended.error["hint"] == "Choose another."

    @pytest.mark.parametrize("how", ["bug", "exit"])
    def test_a_bug_gives_a_general_sentence_and_a_reference_that_the_log_has(self, house, how, capsys, caplog):
        ended = house.ended(house.submit(Break(how=how)))
        assert ended.state == "failed"
        assert ended.reference in ended.error["hint"]
        assert "Jane" not in str(ended)
        logged = said(capsys, caplog)
        assert ended.reference in logged
        assert "Jane" not in logged
        assert house.ended(house.submit(Add(left=1))).state == "done"

    @pytest.mark.parametrize("how", ["bug", "sentence"])
    def test_half_results_of_a_failed_run_are_shown_to_watchers_but_not_kept(self, house, how):
        run = house.submit(Break(how=how))
        house.ended(run)
        assert house.store.runs.outputs(run.id, "ann") == {}
        assert house.store.runs.find_done(run.experiment.digest, VERSION) is None

    def test_what_cannot_run_is_refused_before_a_row_is_written(self, house):
        good = house.experiment(Predict())
        with pytest.raises(BadParameter):
            house.runtime.submit(Experiment("bench/add", {"left": -1.0}, {}, {}), "ann")
        with pytest.raises(NotFound):
            house.runtime.submit(Experiment("bench/none", {}, {}, {}), "ann")
        with pytest.raises(RevisionChanged):
            house.runtime.submit(Experiment(good.action, {}, {}, {"model": ("bench/tiny", "0" * 64)}), "ann")
        with pytest.raises(NotFound):
            house.runtime.submit(Experiment(good.action, {}, {}, {"model": ("bench/none", "0" * 64)}), "ann")
        with pytest.raises(NotFound):
            house.submit(Measure(photo="0" * 64))
        assert house.store.runs.recent("ann", 10) == []

    def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(self, open_house):
        digests = []
        for place, seed in enumerate((1, 1, 2)):
            house = open_house(f"house{place}")
            digests.append([output.digest for output in house.ended(house.submit(Draw(), seed=seed)).outputs])
        assert digests[0] == digests[1] != digests[2]

    def test_a_network_gives_the_same_alone_and_in_company(self, open_house):
        alone = open_house("alone", workers=1)
        expected = alone.ended(alone.submit(Predict(), seed=3))
        house = open_house("company", workers=4)
        runs = [house.submit(Predict(), f"visitor{seed}", seed=seed) for seed in range(8)]
        assert {house.ended(run).state for run in runs} == {"done"}
        together = house.store.runs.outputs(runs[3].id, "visitor3")["logits"]
        one_by_one = alone.store.runs.outputs(expected.id, "ann")["logits"]
        np.testing.assert_allclose(read_array(together), read_array(one_by_one), atol=1e-5)
        assert house.registry.status().leases == 0
        placed = house.ended(runs[3]).provenance["models"]["bench/tiny"]
        assert placed == {"digest": house.registry.revision("bench/tiny"), "device": "cpu", "dtype": "float32"}

    def test_a_double_click_is_one_run(self, open_house):
        house = open_house(workers=1)
        action = Gate(path=str(house.gate()))
        first = house.submit(action)
        assert house.submit(action).id == house.running(first).id == house.submit(action).id
        assert house.submit(action, "bob").id != first.id
        house.runtime.cancel(first.id, "ann")
        assert house.submit(action).id != first.id

    def test_a_known_result_is_there_at_once(self, open_house):
        house = open_house()
        first = house.ended(house.submit(Draw(), seed=5))
        again = house.submit(Draw(), "ann", seed=5)
        other = house.submit(Draw(), "bob", seed=5)
        for run, visitor in ((again, "ann"), (other, "bob")):
            assert run.state == "done"
            assert house.store.runs.get(run.id, visitor).outputs == first.outputs
            assert [type(event) for event in house.events(run)][-2:] == [Produced, Final]
        assert other.id != first.id
        assert other.provenance["cached"]
        assert house.runtime.status().ended["cached"] == 2

    def test_a_known_result_is_for_one_version_only(self, open_house):
        house = open_house()
        house.ended(house.submit(Draw()))
        house.runtime.close(0)
        house = open_house(version="1.2.4")
        assert house.submit(Draw()).state == "queued"

    def test_a_known_result_needs_the_right_to_its_input(self, house):
        photo = house.store.artifacts.put("ann", b"picture", "image/png")
        assert house.ended(house.submit(Measure(photo=photo))).state == "done"
        with pytest.raises(NotFound):
            house.submit(Measure(photo=photo), "bob")
        house.store.artifacts.put("bob", b"picture", "image/png")
        assert house.submit(Measure(photo=photo), "bob").state == "done"

    def test_a_known_result_whose_file_is_lost_is_computed_anew(self, house):
        first = house.ended(house.submit(Draw()))
        house.store.artifacts.open_path(first.outputs[0].digest, "ann").unlink()
        again = house.submit(Draw())
        assert again.id != first.id
        assert house.ended(again).outputs == first.outputs


class CrowdContract(Houses):
    """Order, bounds, many at once."""

    def test_a_flood_of_one_visitor_at_most_doubles_the_wait_of_five_others(self, open_house):
        def waits(folder, flood):
            """How many runs start before and with each of the five's, on one worker, in the order they start."""
            house = open_house(folder, Limits(visitor_waiting=250), workers=1, queue_limit=400)
            gate = house.gate()
            held = house.running(house.submit(Gate(path=str(gate)), "first"))
            for place in range(flood):
                house.submit(Add(left=place, right=1), "flood")
            runs = [house.submit(Add(left=turn, right=2), f"v{name}") for turn in range(4) for name in range(5)]
            gate.touch()
            ended = [house.ended(run) for run in runs]
            flooded = [run for run in house.store.runs.recent("flood", 500) if run.started]
            opened = house.ended(held).finished
            starts = sorted(run.started for run in [*ended, *flooded] if run.started > opened)
            return {(run.visitor, run.experiment.digest): starts.index(run.started) + 1 for run in ended}

        solo, crowded = waits("solo", 0), waits("crowded", 200)
        assert len(solo) == 20
        for key, wait in crowded.items():
            assert wait <= 2 * solo[key]

    def test_a_visitor_may_only_have_so_many_waiting_and_hears_an_honest_wait(self, open_house):
        house = open_house(limits=Limits(visitor_waiting=3), workers=1)
        for place in range(3):  # the runtime learns how long a walk takes
            house.ended(house.submit(Walk(steps=20, tag=place)))
        usual = house.runtime.status().mean_service_seconds
        house.running(house.submit(Walk(steps=100_000)))
        for visitor in ("ann", "ann", "ann", "bob", "cid"):
            house.submit(Walk(steps=20, tag=time.monotonic_ns() % 1_000_000), visitor)
        with pytest.raises(Busy) as refused:
            house.submit(Add(left=1))
        # Bob and Cid go before Ann's first, and after what runs, which should be over within the usual time.
        assert 2 * usual <= refused.value.retry_after <= 3 * usual
        assert house.submit(Add(left=1), "dan").state == "queued"

    def test_the_queue_is_bounded_for_all_together(self, open_house):
        house = open_house(workers=1, queue_limit=5)
        gate = house.gate()
        house.running(house.submit(Gate(path=str(gate)), "first"))
        accepted = [house.submit(Add(left=place), f"v{place}") for place in range(5)]
        with pytest.raises(Busy):
            house.submit(Add(left=9), "late")
        assert house.store.runs.recent("late", 10) == []
        assert house.runtime.status().queued == 5
        gate.touch()
        assert {house.ended(run).state for run in accepted} == {"done"}

    def test_a_hundred_submits_at_once_from_ten_visitors_all_end(self, house):
        barrier = threading.Barrier(10)
        ended = Counter()

        def visit(name):
            barrier.wait()
            runs = [house.submit(Add(left=name, right=place), f"v{name}") for place in range(10)]
            ended.update(house.ended(run).state for run in runs)

        threads = [threading.Thread(target=visit, args=(name,)) for name in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert ended == {"done": 100}
        status = house.runtime.status()
        assert (status.queued, status.running, status.oldest_wait) == (0, 0, 0.0)
        assert status.ended["done"] == 100
        assert status.visitors == {}

    def test_the_status_tells_who_waits_and_who_runs(self, open_house):
        house = open_house(workers=1)
        gate = house.gate()
        house.running(house.submit(Gate(path=str(gate)), "ann"))
        for place in range(2):
            house.submit(Add(left=place), "ann")
        house.submit(Add(), "bob")
        status = house.runtime.status()
        assert (status.queued, status.running, status.workers) == (3, 1, 1)
        assert {name: (load.queued, load.running) for name, load in status.visitors.items()} == {
            "ann": (2, 1),
            "bob": (1, 0),
        }
        assert status.oldest_wait > 0
        gate.touch()
