"""The fair queue alone: order, bounds, honest waits. No threads but where waiting is what is tested."""

import threading
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.errors import Busy
from backends.runtime.queue import FairQueue


def queue(total=100, per_visitor=100, estimate=len):
    return FairQueue[str](total=total, per_visitor=per_visitor, estimate=estimate)


def filled(*names):
    """A queue of items named 'a1', 'b1', ...; the letter is the visitor."""
    made = queue()
    for name in names:
        made.put(name[0], name)
    return made


def with_long(*names, at_once=1):
    """The same, where capitals are long."""
    made = FairQueue[str](total=100, per_visitor=100, estimate=len, long=str.isupper, long_at_once=at_once)
    for name in names:
        made.put(name[0].lower(), name)
    return made


def drained(made, *, ending):
    """All items in the order they are handed out; each ends before the next when `ending`."""
    order = []
    while len(made):
        visitor, item = made.take()
        order.append(item)
        if ending:
            made.done(visitor, item)
    return order


def test_one_visitors_items_start_in_the_order_they_came():
    assert drained(filled("a1", "a2", "a3"), ending=True) == ["a1", "a2", "a3"]


def test_visitors_take_turns_however_many_items_one_has():
    order = drained(filled("a1", "a2", "a3", "a4", "b1", "c1", "b2"), ending=True)
    assert order == ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]


def test_who_has_nothing_running_goes_before_who_has():
    made = filled("a1", "a2", "a3")
    made.take()
    made.put("b", "b1")
    assert made.take() == ("b", "b1")
    assert made.take() == ("a", "a2")


def test_coming_back_at_once_does_not_overtake_those_who_wait():
    made = filled("a1", "b1", "c1")
    made.done(*made.take())
    made.put("a", "a2")
    assert drained(made, ending=True) == ["b1", "c1", "a2"]


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.integers(0, 12), st.booleans())
def test_the_order_that_is_foretold_is_the_order_that_comes(visitors, taken, ending):
    counts = Counter()
    names = [f"{name}{counts.update(name) or counts[name]}" for name in visitors]
    made = filled(*names)
    for _ in range(min(taken, len(names))):
        taken_now = made.take()
        if ending:
            made.done(*taken_now)
    foretold = [item for _, item in made.waiting()]
    assert drained(made, ending=False) == foretold


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=40))
def test_nobody_waits_longer_than_one_turn_of_everyone_else(visitors):
    made = filled(*[f"{name}{place}" for place, name in enumerate(visitors)])
    order = [item[0] for item in drained(made, ending=True)]
    for name in set(visitors):
        places = [place for place, item in enumerate(order) if item == name]
        gaps = [later - earlier for earlier, later in zip([-1, *places], places, strict=False)]
        assert max(gaps) <= len(set(visitors))


def test_a_visitor_with_too_many_waiting_is_told_when_their_next_one_starts():
    made = queue(per_visitor=2, estimate=lambda ahead: 10.0 * len(ahead))
    for name in ("b1", "c1", "a1", "a2"):
        made.put(name[0], name)
    with pytest.raises(Busy) as refused:
        made.put("a", "a3")
    assert refused.value.retry_after == 20.0  # b1 and c1 go first; when a1 starts, a place of theirs is free
    assert "about 20 s" in refused.value.hint
    made.put("b", "b2")  # others are not concerned


def test_a_full_queue_refuses_everyone_and_grows_no_further():
    made = queue(total=3, estimate=lambda ahead: 7.0)
    for name in ("a1", "b1", "c1"):
        made.put(name[0], name)
    with pytest.raises(Busy) as refused:
        made.put("d", "d1")
    assert refused.value.retry_after == 7.0
    assert len(made) == 3


def test_checking_refuses_what_putting_would_and_changes_nothing():
    made = queue(per_visitor=1)
    made.check("a")
    made.put("a", "a1")
    with pytest.raises(Busy):
        made.check("a")
    assert len(made) == 1


def test_what_is_taken_out_never_starts_and_frees_its_place():
    made = queue(per_visitor=1)
    made.put("a", "a1")
    assert made.remove("a1")
    assert not made.remove("a1")
    made.put("a", "a2")
    assert made.take() == ("a", "a2")
    assert not made.remove("a2")


def test_what_is_urgent_goes_first_and_outside_the_bounds():
    made = queue(total=1)
    made.put("a", "a1")
    made.put_first("now")
    assert made.take() == ("", "now")
    assert len(made) == 1


def test_closing_wakes_who_waits_and_keeps_what_has_not_started():
    made = queue()
    got = []
    taker = threading.Thread(target=lambda: got.append(made.take()))
    taker.start()
    made.close()
    taker.join(5)
    assert got == [None]
    with pytest.raises(Busy):
        made.put("a", "a1")

    other = filled("a1")
    other.close()
    assert other.take() is None
    assert other.waiting() == [("a", "a1")]


def test_a_long_item_waits_while_another_runs_and_what_stands_behind_it_goes_first():
    made = with_long("A1", "B1", "b2", "c1")
    assert [made.take() for _ in range(3)] == [("a", "A1"), ("b", "b2"), ("c", "c1")]
    assert [item for _, item in made.waiting()] == ["B1"]
    made.done("a", "A1")
    assert made.take() == ("b", "B1")


def test_a_worker_that_waits_takes_the_long_item_once_its_place_is_free():
    made = with_long("A1", "B1")
    made.take()
    got = []
    waiting = threading.Thread(target=lambda: got.append(made.take()), daemon=True)
    waiting.start()
    waiting.join(0.1)
    assert not got
    made.done("a", "A1")
    waiting.join(10)
    assert got == [("b", "B1")]


@given(st.lists(st.sampled_from(["a", "b", "C", "D"]), min_size=1, max_size=30), st.integers(1, 3))
def test_every_item_gets_its_turn_and_never_are_too_many_long_ones_out(kinds, at_once):
    names = [f"{kind}{place}" for place, kind in enumerate(kinds)]
    made, out, order = with_long(*names, at_once=at_once), [], []
    while len(made):
        rest = set(names) - set(order)
        while len(out) > at_once or (out and all(name.isupper() for name in rest)):
            made.done(*out.pop(0))
        out.append(made.take())
        order.append(out[-1][1])
        assert sum(item.isupper() for _, item in out) <= at_once
    assert sorted(order) == sorted(names)
