"""What every executor must do when something stops: a user, a watcher, a worker, the server."""

import threading
import time
from dataclasses import replace

import pytest

from backends.core.errors import Busy, Cancelled, NotFound
from backends.runtime.executor import Final, Produced, Started
from tests.backends.runtime.conformance import Houses
from tests.backends.runtime.workbench import TINY, Add, Careless, Deaf, Gate, Walk, in_time, said


def eventually(condition, within=10.0):
    until = time.monotonic() + within
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.005)


class StopContract(Houses):
    """Cancel, leave and come back, restart, close, stuck workers."""

    @pytest.mark.parametrize("action", [Walk(steps=100_000), Careless()])
    def test_stop_frees_the_model_and_ends_the_run_within_half_a_second(self, house, action):
        run = house.running(house.submit(action))
        eventually(lambda: house.registry.status().model(TINY).leases == 1)
        pressed = time.monotonic()
        house.runtime.cancel(run.id, "ann")
        ended = house.ended(run)
        assert time.monotonic() - pressed < 0.5
        assert ended.state == house.store.runs.get(run.id, "ann").state == "cancelled"
        assert house.registry.status().model(TINY).leases == 0
        assert house.store.runs.outputs(run.id, "ann") == {}

    def test_a_waiting_run_that_is_stopped_never_starts(self, open_house):
        house = open_house(workers=1)
        gate = house.gate()
        house.running(house.submit(Gate(path=str(gate)), "bob"))
        run = house.submit(Add(left=1))
        house.runtime.cancel(run.id, "ann")
        assert house.ended(run, within=1.0).state == "cancelled"
        gate.touch()
        house.ended(house.submit(Add(left=2)))
        ended = house.store.runs.get(run.id, "ann")
        assert (ended.state, ended.started) == ("cancelled", None)

    def test_a_stopped_run_frees_its_place_in_the_queue(self, open_house):
        house = open_house(workers=1, queue_limit=1)
        gate = house.gate()
        house.running(house.submit(Gate(path=str(gate)), "bob"))
        run = house.submit(Add(left=1))
        house.runtime.cancel(run.id, "ann")
        assert house.submit(Add(left=2)).state == "queued"
        gate.touch()

    def test_stopping_what_has_ended_changes_nothing(self, house):
        run = house.submit(Add())
        ended = house.ended(run)
        house.runtime.cancel(run.id, "ann")
        assert house.store.runs.get(run.id, "ann") == ended

    def test_nobody_stops_or_watches_the_run_of_another(self, house):
        run = house.running(house.submit(Gate(path=str(house.gate()))))
        for call in (house.runtime.cancel, house.runtime.watch):
            with pytest.raises(NotFound):
                call(run.id, "bob")
        assert house.runtime.status().running == 1

    def test_who_opened_a_link_may_watch_but_not_stop_and_learns_no_owner(self, house):
        gate = house.gate()
        run = house.running(house.submit(Gate(path=str(gate))))
        session = house.store.sessions.create("ann", "For Bob")
        house.store.sessions.add_run(session.id, "ann", run.id)
        house.store.sessions.open(session.link, "bob")
        with pytest.raises(NotFound):
            house.runtime.cancel(run.id, "bob")
        watcher = house.runtime.watch(run.id, "bob")
        gate.touch()
        last = in_time(lambda: list(watcher))[-1]
        assert last.run == replace(house.store.runs.get(run.id, "bob"), visitor="")

    def test_all_of_a_visitor_can_be_stopped_at_once_and_of_nobody_else(self, open_house):
        house = open_house(workers=2)
        mine = [house.running(house.submit(Walk(steps=100_000)))]
        other = house.running(house.submit(Gate(path=str(house.gate())), "bob"))
        mine += [house.submit(Add(left=place)) for place in range(3)]
        live = house.runtime.live(house.experiment(Walk(steps=100_000)), "ann", "view")
        house.runtime.cancel_all("ann")
        with pytest.raises(Cancelled):
            in_time(lambda: list(live))
        assert [house.ended(run).state for run in mine] == ["cancelled"] * 4
        assert house.store.runs.get(other.id, "bob").state == "running"

    def test_a_run_whose_owner_erased_everything_ends_quietly(self, house, capsys, caplog):
        gate = house.gate()
        run = house.running(house.submit(Gate(path=str(gate))))
        watcher = house.runtime.watch(run.id, "ann")
        house.store.visitors.forget("ann")
        gate.touch()
        assert in_time(lambda: list(watcher))[-1].run.state == "cancelled"
        with pytest.raises(NotFound):
            house.store.runs.get(run.id, "ann")
        assert "error" not in said(capsys, caplog).lower()

    def test_any_number_may_watch_leave_and_come_back(self, house):
        gate = house.gate()
        run = house.submit(Gate(path=str(gate)))
        leaver = house.runtime.watch(run.id, "ann")
        in_time(lambda: next(event for event in leaver if isinstance(event, Produced)))
        leaver.close()
        heard = []
        watchers = [threading.Thread(target=lambda: heard.append(house.events(run))) for _ in range(8)]
        for watcher in watchers:
            watcher.start()
        back = in_time(lambda: [next(event) for event in [house.runtime.watch(run.id, "ann")] for _ in range(3)])
        assert any(isinstance(event, Produced) and event.name == "before" for event in back)
        gate.touch()
        for watcher in watchers:
            watcher.join(10)
        for events in heard:
            assert isinstance(events[-1], Final)
            assert [event.name for event in events if isinstance(event, Produced)] == ["before", "after"]
        assert len(heard) == 8

    def test_place_and_progress_can_be_asked_for_without_waiting_by_the_owner_alone(self, open_house):
        house = open_house(workers=1)
        gate = house.gate()
        first = house.running(house.submit(Gate(path=str(gate))))
        lines = [house.submit(Add(left=number)) for number in (1, 2)]
        said_now = [house.runtime.progress(run.id, "ann") for run in lines]
        assert [told.sentence for told in said_now if told] == ["Next in line", "One run goes first"]
        assert all(told.seconds_left is not None for told in said_now if told)
        assert house.runtime.progress(first.id, "bob") is None
        gate.touch()
        house.ended(lines[-1])
        assert house.runtime.progress(first.id, "ann") is None

    def test_after_a_restart_a_finished_run_is_told_from_the_store(self, open_house):
        house = open_house()
        run = house.submit(Add(left=1, right=1))
        before = house.ended(run)
        house.runtime.close(0)
        house = open_house()
        events = house.events(run)
        assert [type(event) for event in events] == [Started, Produced, Final]
        assert events[1].result.value == 2
        assert events[2].run == before

    def test_runs_that_a_crash_left_behind_are_marked_interrupted(self, open_house):
        house = open_house(start=False)
        waiting = house.store.runs.create(house.experiment(Add(left=1)), "ann")
        going = house.store.runs.create(house.experiment(Add(left=2)), "ann")
        house.store.runs.start(going.id)
        house.runtime.start()
        for run in (waiting, going):
            assert house.ended(run).state == house.store.runs.get(run.id, "ann").state == "interrupted"
        assert house.ended(house.submit(Add(left=1))).state == "done"

    def test_closing_lets_what_runs_finish_and_interrupts_what_waits(self, open_house):
        house = open_house(workers=1)
        gate = house.gate()
        going = house.running(house.submit(Gate(path=str(gate))))
        waiting = house.submit(Add())
        watcher = house.runtime.watch(waiting.id, "ann")
        closing = threading.Thread(target=house.runtime.close, args=(20.0,))
        closing.start()
        eventually(lambda: self.refuses(house))
        gate.touch()
        closing.join(10)
        assert not closing.is_alive()
        assert house.ended(going).state == "done"
        last = in_time(lambda: list(watcher))[-1]
        assert last.run.state == house.store.runs.get(waiting.id, "ann").state == "interrupted"

    @staticmethod
    def refuses(house):
        try:
            house.submit(Add(left=99), "late")
        except Busy:
            return True
        return False

    def test_closing_stops_what_does_not_finish_and_leaves_no_thread(self, open_house):
        before = set(threading.enumerate())
        house = open_house(workers=2)
        runs = [house.running(house.submit(Walk(steps=100_000, tag=place))) for place in range(2)]
        live = house.runtime.live(house.experiment(Walk(steps=100_000)), "ann", "view")
        next(live)
        started = time.monotonic()
        house.runtime.close(0.1)
        assert time.monotonic() - started < 2
        for run in runs:
            assert house.ended(run).state == "interrupted"
            assert house.store.runs.get(run.id, "ann").error["code"] == "interrupted"
        assert {thread for thread in set(threading.enumerate()) - before if thread.name.startswith("vitrine")} == set()

    def test_a_ping_goes_through_the_queue_and_back(self, open_house):
        house = open_house(start=False)
        assert not house.runtime.ping(0.1)
        house.runtime.start()
        assert house.runtime.ping(5.0)
        house.runtime.close(0)
        assert not house.runtime.ping(0.1)

    def test_workers_that_are_busy_are_not_taken_for_stuck(self, open_house):
        house = open_house(workers=1, silence=0.5)
        house.running(house.submit(Walk(steps=100_000)))
        asked = time.monotonic()
        assert house.runtime.ping(5.0)
        assert time.monotonic() - asked < 1
        time.sleep(0.6)  # longer than `silence`
        assert not house.runtime.status().wedged

    def test_a_stuck_live_lane_is_seen_too(self, open_house):
        house = open_house(live_workers=1, silence=0.2)
        gate = house.gate()
        live = house.runtime.live(house.experiment(Deaf(path=str(gate))), "ann", "view")
        eventually(lambda: house.runtime.status().wedged)
        gate.touch()
        in_time(lambda: list(live))
        eventually(lambda: not house.runtime.status().wedged)

    def test_workers_that_are_stuck_are_seen_and_so_is_their_recovery(self, open_house):
        house = open_house(workers=1, silence=0.2)
        gate = house.gate()
        run = house.running(house.submit(Deaf(path=str(gate))))
        eventually(lambda: house.runtime.status().wedged)
        assert house.runtime.status().silent == 1
        assert not house.runtime.ping(0.1)
        gate.touch()
        assert house.ended(run).state == "done"
        assert house.runtime.ping(5.0)
        assert not house.runtime.status().wedged
