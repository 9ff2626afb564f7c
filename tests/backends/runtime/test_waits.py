"""Measured service times and what follows for who waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.runtime.waits import ServiceTimes, seconds_until_starts, starts_beside_long


@pytest.mark.parametrize(
    ("free_in", "line", "starts"),
    [
        ([0.0, 4.0], [], [0.0]),  # a worker is free
        ([3.0, 4.0], [], [3.0]),  # the first to become free
        ([3.0, 4.0], [2.0, 2.0, 1.0], [3.0, 4.0, 5.0, 6.0]),
        ([-2.0], [1.0], [0.0, 1.0]),  # what runs takes longer than expected: it may end at any moment
    ],
)
def test_the_wait_follows_from_who_goes_first(free_in, line, starts):
    assert seconds_until_starts(free_in, line) == starts


def test_an_unknown_action_is_expected_to_take_as_long_as_the_others():
    times = ServiceTimes()
    assert times.mean is None
    times.add("slow", 10.0)
    assert times.expect("new") == 10.0


def test_an_action_is_judged_by_its_own_past_and_the_recent_counts_more():
    times = ServiceTimes()
    for _ in range(30):
        times.add("quick", 0.1)
    times.add("slow", 60.0)
    assert times.expect("quick") == pytest.approx(0.1)
    for _ in range(30):
        times.add("quick", 2.0)
    assert times.expect("quick") == pytest.approx(2.0, rel=0.01)


@pytest.mark.parametrize(
    ("free", "places", "line", "starts"),
    [
        ([0, 0], [0], [(60, True), (1, False)], [0, 0, 1]),
        ([60, 0], [60], [(60, True), (1, False)], [60, 0, 1]),
        ([60, 0], [60], [(60, True), (60, True), (1, False), (1, False)], [60, 120, 0, 1, 2]),
        ([60, 0], [0], [(5, True)], [0, 5]),
        ([3], [3], [(5, True), (2, False)], [3, 8, 10]),
    ],
)
def test_a_long_run_waits_for_its_place_and_the_short_ones_behind_it_do_not(free, places, line, starts):
    assert starts_beside_long(free, places, line) == starts


@given(st.lists(st.floats(0, 50), min_size=1, max_size=4), st.lists(st.floats(0, 50), max_size=8))
def test_without_long_runs_nothing_is_different(free, line):
    expected = seconds_until_starts(free, line)
    assert starts_beside_long(free, [0.0], [(seconds, False) for seconds in line]) == pytest.approx(expected)
