"""The address of a playground's page: what controls it carries, and what it asks for when it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.action import Action, Job, OutputSpec
from backends.core.events import Event, Output
from backends.core.parameters import choice, image, integer, number, text, toggle
from backends.core.playground import Playground
from backends.core.results import Number
from components.address import LENGTH_MAX, Address, Wanted, address_of, passed_on, too_long


class Everything(Action):
    """One parameter of most kinds, two of them named as the page's own keys are."""

    name: ClassVar[str] = "rooms/everything"
    title: ClassVar[str] = "Everything"
    seeded: ClassVar[bool] = True
    outputs: ClassVar[tuple[OutputSpec, ...]] = (OutputSpec("size", "number", "Size"),)
    photo: str = image(title="Photo", help="Any.", accepts=(".png",))
    mask: str = image(title="Mask", help="Any.", accepts=(".png",))
    size: float = number(0.1, title="Size", minimum=-5, maximum=5, step=0.1, help="Size.")
    count: int = integer(3, title="Count", minimum=0, maximum=10**6, help="Count.")
    mode: str | int = choice(1, title="Mode", options=[("One", 1), ("Two", 2), ("Off", "off")], help="Mode.")
    smooth: bool = toggle(True, title="Smooth", help="Smooth.")
    words: str = text("hello", title="Words", max_length=9000, help="Words.")
    hide: float = number(0, title="Hide", minimum=0, maximum=9, step=1, help="Not the page's.")

    def run(self, job: Job) -> Iterator[Event]:
        yield Output("size", Number(self.size, "Size"))


class Other(Everything):
    """A second action of the same playground."""

    name: ClassVar[str] = "rooms/other"


ROOMS = Playground("rooms", "Rooms", "For tests.", (Everything, Other))
HERE, THERE = address_of(ROOMS, Everything), address_of(ROOMS, Other)
DEFAULTS = {item.name: item.default for item in Everything.parameters() if item.kind != "image"}


def query(address: Address, **changes: object) -> dict[str, str]:
    written = address.write({**DEFAULTS, **changes}, 0, {}, {})  # type: ignore[dict-item]
    return dict(parse_qsl(written, keep_blank_values=True))


def test_defaults_need_no_address():
    assert HERE.write(DEFAULTS, 0, {}, {}) == ""
    assert THERE.write(DEFAULTS, 0, {}, {}) == "action=other"


def test_what_differs_is_carried_in_short_words():
    assert query(HERE, size=2.0, count=4, mode="off", smooth=False, words="a b & c", hide=3.0) == {
        "size": "2",
        "count": "4",
        "mode": "off",
        "smooth": "off",
        "words": "a b & c",
        "p.hide": "3",
    }


def test_a_default_is_carried_where_the_picture_suggests_something_else():
    assert HERE.write(DEFAULTS, 0, {"size": 2.5}, {}) == "size=0.1"
    assert HERE.write({**DEFAULTS, "size": 2.5}, 0, {"size": 2.5}, {}) == "size=2.5"


def test_an_example_goes_by_its_id_and_any_other_picture_by_its_digest():
    values = {**DEFAULTS, "photo": "a" * 64, "mask": "b" * 64}
    assert HERE.write(values, 7, {}, {"photo": "dog"}) == f"example=dog&mask={'b' * 64}&seed=7"
    assert HERE.write(values, 0, {}, {"photo": "dog", "mask": "cat"}) == "example=dog&example.mask=cat"


@given(
    size=st.floats(-5, 5),
    count=st.integers(0, 10**6),
    mode=st.sampled_from([1, 2, "off"]),
    smooth=st.booleans(),
    words=st.text(max_size=60),
    seed=st.integers(0, 2**31 - 1),
)
def test_what_is_written_is_read_back(size, count, mode, smooth, words, seed):
    values = {"size": size, "count": count, "mode": mode, "smooth": smooth, "words": words}
    written = THERE.write({**DEFAULTS, **values}, seed, {}, {})
    wanted = THERE.read(dict(parse_qsl(written, keep_blank_values=True)))
    if wanted is None:
        assert ({**DEFAULTS, **values}, seed) == (DEFAULTS, 0)
        return
    read = {**DEFAULTS, **wanted.values}
    assert {name: read[name] for name in values} == values
    assert int(wanted.seed or 0) == seed


def test_the_longest_texts_are_left_out_of_an_address_that_would_be_too_long():
    written = HERE.write({**DEFAULTS, "words": "w" * 8000, "size": 1.5}, 0, {}, {})
    assert written == "size=1.5"
    assert not too_long({"words": "w" * (LENGTH_MAX - 20)})
    assert too_long({"words": "w" * LENGTH_MAX})


@pytest.mark.parametrize("asked", [{}, {"unknown": "1"}, {"action": "other"}, {"action": "nonsense", "size": "1"}])
def test_an_address_that_names_nothing_of_an_action_asks_nothing_of_it(asked):
    assert HERE.read(asked) is None


def test_what_is_no_value_is_left_as_it_was_written_for_the_action_to_refuse():
    wanted = HERE.read({"size": "abc", "count": "1.5", "mode": "3", "smooth": "perhaps", "seed": "x", "example": "?"})
    assert wanted == Wanted({"size": "abc", "count": "1.5", "mode": "3", "smooth": "perhaps"}, {"photo": "?"}, "x")


def test_only_names_that_the_playground_knows_are_passed_on():
    asked = {"size": "1", "p.hide": "2", "hide": "size", "bare": "1", "session": "s", "run": "r", "seed": "3"}
    more = {"__theme": "dark", "deep_link": "x", "view": "api", "embed": "true", "photos": "1"}
    assert passed_on(ROOMS, asked | more) == asked
