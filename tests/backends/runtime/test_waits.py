"""Measured service times and what follows for who waits."""

import pytest

from backends.runtime.waits import ServiceTimes, seconds_until_starts


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
