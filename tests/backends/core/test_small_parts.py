"""Errors, seeds, cancellation, identity."""

import inspect
import re
import threading

import pytest

from backends.core import errors
from backends.core.cancellation import Cancellation
from backends.core.errors import Busy, Cancelled, VitrineError
from backends.core.identity import COOKIE, Identity, new_id
from backends.core.seeds import SEED_MAX, generator, stream_seed


def test_the_error_tree_in_the_docstring_is_the_real_one():
    drawn, stack = {}, []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^    ((?:[│├└─ ]{4})*)(\w+)", line)
        if not found:
            continue
        depth = len(found[1]) // 4
        stack = stack[:depth]
        drawn[found[2]] = stack[-1] if stack else "Exception"
        stack.append(found[2])
    real = {
        name: item.__bases__[0].__name__
        for name, item in vars(errors).items()
        if inspect.isclass(item) and issubclass(item, VitrineError)
    }
    assert drawn == real


def test_codes_are_unique_except_where_two_must_look_alike():
    codes = [item.code for item in vars(errors).values() if inspect.isclass(item) and issubclass(item, VitrineError)]
    assert sorted(codes) == sorted([*set(codes), "not_found"])  # NotYours looks like NotFound on purpose


def test_busy_says_when_to_try_again():
    assert Busy("Full.", retry_after=12.3).hint == "Try again in about 12 s."


def test_streams_of_one_seed_are_independent_and_repeatable():
    assert stream_seed(1, "a") == stream_seed(1, "a") != stream_seed(1, "b")
    assert 0 <= stream_seed(2**31 - 1, "x") <= SEED_MAX
    assert generator(5, "noise").random() == generator(5, "noise").random() != generator(6, "noise").random()


def test_a_sleeper_wakes_when_it_is_cancelled():
    cancellation = Cancellation()
    threading.Timer(0.02, cancellation.cancel).start()
    assert cancellation.wait(5)
    assert cancellation.requested
    with pytest.raises(Cancelled):
        cancellation.check()


def test_a_visitor_is_known_again_by_the_cookie_only():
    identity = Identity("a secret of enough length")
    visitor, value = identity.issue()
    assert identity.read({COOKIE: value}) == visitor
    assert identity.read({}) is None
    for place in range(len(value)):  # no character can be changed, the last one's spare bits included
        others = {"A", "B", "C", "D"} - {value[place]}
        assert all(identity.read({COOKIE: value[:place] + other + value[place + 1 :]}) is None for other in others)
    assert identity.read({COOKIE: visitor}) is None
    assert Identity("another secret, as long").read({COOKIE: value}) is None
    assert len({new_id() for _ in range(1000)}) == 1000
    with pytest.raises(ValueError, match="16"):
        Identity("short")
