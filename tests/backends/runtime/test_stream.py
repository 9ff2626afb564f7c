"""Streams: many watchers, late ones, slow ones."""

import threading

import pytest

from backends.core.errors import Cancelled
from backends.runtime.stream import Stream


def test_a_late_watcher_is_told_what_still_holds_in_order():
    stream = Stream()
    for key, event in (("p", 0.1), ("image", "rough"), ("p", 0.5), ("text", "words"), ("image", "fine")):
        stream.post(key, event)
    stream.end("over")
    assert list(stream.follow()) == [0.5, "words", "fine", "over"]


def test_a_watcher_who_keeps_up_sees_everything():
    stream = Stream()
    seen = stream.follow()
    for step in range(5):
        stream.post("p", step)
        assert next(seen) == step
    stream.close()
    assert list(seen) == []


def test_a_watcher_who_falls_behind_skips_what_was_replaced():
    stream = Stream()
    seen = stream.follow()
    stream.post("p", 0)
    assert next(seen) == 0
    for step in range(1, 1000):
        stream.post("p", step)
    stream.end("over")
    assert list(seen) == [999, "over"]


def test_history_does_not_grow_with_progress():
    stream = Stream()
    for step in range(10_000):
        stream.post("p", step)
    stream.close()
    assert list(stream.follow()) == [9_999]


def test_an_error_reaches_the_watcher_at_once():
    stream = Stream()
    stream.post("p", 1)
    stream.close(Cancelled())
    with pytest.raises(Cancelled):
        list(stream.follow())


def test_nothing_follows_the_end():
    stream = Stream()
    stream.end("over")
    stream.post("p", 1)
    stream.end("again")
    stream.close(Cancelled())
    assert list(stream.follow()) == ["over"]


def test_twenty_watchers_who_come_at_different_times_all_see_the_end():
    stream = Stream()
    ends = []
    watchers = [threading.Thread(target=lambda: ends.append(list(stream.follow())[-1])) for _ in range(20)]
    for step, watcher in enumerate(watchers):
        watcher.start()
        stream.post("p", step)
    stream.end("over")
    for watcher in watchers:
        watcher.join(5)
    assert ends == ["over"] * 20
