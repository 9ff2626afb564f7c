"""What every executor must do with live changes: quick, the latest wins, nothing is kept."""

import time

import pytest

from backends.core.errors import BadInput, BadParameter, Busy, Cancelled, NotFound, VitrineError
from backends.core.events import Output, Progress
from backends.core.experiment import Experiment
from tests.backends.runtime.conformance import Houses
from tests.backends.runtime.conformance_stop import eventually
from tests.backends.runtime.workbench import TINY, Add, Break, Deaf, Draw, Gate, Predict, Walk, in_time, said


class LiveContract(Houses):
    """The lane for sliders."""

    def live(self, house, action, visitor="ann", channel="view"):
        return house.runtime.live(house.experiment(action), visitor, channel)

    def outputs(self, house, action, visitor="ann", channel="view"):
        events = in_time(lambda: list(self.live(house, action, visitor, channel)))
        return {event.name: event.result for event in events if isinstance(event, Output)}

    def test_a_live_change_gives_what_a_run_gives_and_keeps_nothing(self, house):
        assert self.outputs(house, Add(left=20, right=22))["sum"].value == 42
        assert self.outputs(house, Predict())["logits"].data
        assert house.store.runs.recent("ann", 10) == []
        assert house.store.usage("ann") == 0
        assert house.registry.status().leases == 0

    def test_the_latest_change_wins_at_once(self, house):
        older = self.live(house, Walk(steps=100_000))
        next(older)
        changed = time.monotonic()
        newer = self.live(house, Add(left=1))
        with pytest.raises(Cancelled):
            in_time(lambda: list(older))
        assert [type(event) for event in in_time(lambda: list(newer))][-1] is Output
        assert time.monotonic() - changed < 0.5
        eventually(lambda: house.registry.status().model(TINY).leases == 0)

    def test_a_change_that_was_overtaken_while_it_waited_never_runs(self, open_house):
        house = open_house(live_workers=1)
        gate = house.gate()
        deaf = self.live(house, Deaf(path=str(gate)), "bob")
        next(deaf)
        overtaken = [self.live(house, Add(left=place)) for place in range(20)]
        assert house.runtime.status().live_queued == 1
        gate.touch()
        for older in overtaken[:-1]:
            with pytest.raises(Cancelled):
                list(older)
        assert in_time(lambda: list(overtaken[-1]))[-1].result.value == 19

    def test_other_views_and_other_visitors_are_left_alone(self, house):
        first = self.live(house, Walk(steps=30), "ann", "left")
        second = self.live(house, Walk(steps=30), "bob", "left")
        third = self.outputs(house, Add(left=1), "ann", "right")
        assert third["sum"].value == 1
        for walk in (first, second):
            assert in_time(lambda walk=walk: list(walk))[-1].name == "walked"

    def test_long_runs_never_delay_a_slider(self, open_house):
        house = open_house(workers=2)
        for place in range(6):
            house.submit(Gate(path=str(house.gate())), f"v{place}")
        asked = time.monotonic()
        assert self.outputs(house, Add(left=3))["sum"].value == 3
        assert time.monotonic() - asked < 0.5

    def test_who_stops_listening_stops_the_work(self, house):
        walk = self.live(house, Walk(steps=100_000))
        next(walk)
        walk.close()
        eventually(lambda: house.runtime.status().live_running == 0)
        assert house.registry.status().model(TINY).leases == 0

    def test_one_visitor_cannot_fill_the_lane(self, open_house):
        house = open_house(live_workers=1)
        gate = house.gate()
        deaf = self.live(house, Deaf(path=str(gate)), "bob")
        next(deaf)
        for place in range(8):  # a comparison of eight settings has room
            self.live(house, Add(left=place), "ann", f"view {place}")
        with pytest.raises(Busy) as refused:
            self.live(house, Add(left=9), "ann", "one more")
        assert refused.value.retry_after >= 0
        other = self.live(house, Add(left=5), "cid")
        gate.touch()
        assert in_time(lambda: list(other))[-1].result.value == 5

    def test_a_refusal_and_a_bug_reach_the_page(self, house, capsys, caplog):
        with pytest.raises(BadInput, match="no lung"):
            self.outputs(house, Break(how="sentence"))
        with pytest.raises(VitrineError) as told:
            self.outputs(house, Break(how="bug"))
        logged = said(capsys, caplog)
        reference = told.value.hint.rstrip(".").split()[-1]
        assert reference in logged
        assert "Jane" not in logged + told.value.sentence + told.value.hint
        assert self.outputs(house, Add(left=1))["sum"].value == 1

    def test_what_cannot_run_live_is_refused(self, house):
        with pytest.raises(BadInput, match="does not run live"):
            self.live(house, Draw())
        with pytest.raises(BadParameter):
            house.runtime.live(Experiment("bench/add", {"left": -1.0}, {}, {}), "ann", "view")
        with pytest.raises(NotFound):
            house.runtime.live(Experiment("bench/none", {}, {}, {}), "ann", "view")

    def test_progress_is_told_too(self, house):
        assert any(isinstance(event, Progress) for event in in_time(lambda: list(self.live(house, Walk(steps=5)))))
