"""An experiment is a value: equal ones have equal bytes, whoever writes them, and nothing else is accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.digest import canonical_json, is_sha256, sha256
from backends.core.errors import BadInput, NewerSchema
from backends.core.experiment import SCHEMA, Experiment

VALUES = st.dictionaries(
    st.text(max_size=8),
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
)


def experiment(**changes):
    base = {
        "action": "medical/classify",
        "parameters": {"opacity": 0.5, "frame": 1, "explain": "predicted"},
        "inputs": {"image": "ab" * 32},
        "models": {"model": ("medical/x", "cd" * 32)},
        "seed": 3,
    }
    return Experiment(**(base | changes))


def test_the_canonical_form_is_pinned():
    assert experiment().canonical == (
        b'{"action":"medical/classify","inputs":{"image":"' + b"ab" * 32 + b'"},"models":{"model":["medical/x","'
        + b"cd" * 32 + b'"]},"parameters":{"explain":"predicted","frame":1,"opacity":0.5},"schema":1,"seed":3}'
    )  # fmt: skip


@given(VALUES)
def test_reading_what_was_written_gives_an_equal_value(parameters):
    one = experiment(parameters=parameters)
    two = Experiment.from_json(one.canonical)
    assert two.digest == one.digest
    assert two.canonical == one.canonical


@given(VALUES)
def test_the_order_of_keys_does_not_matter(parameters):
    backwards = dict(reversed(parameters.items()))
    assert experiment(parameters=parameters).digest == experiment(parameters=backwards).digest


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 4},
        {"parameters": {}},
        {"inputs": {}},
        {"models": {"model": ("medical/x", "ef" * 32)}},
        {"action": "b/c"},
    ],
)
def test_any_difference_changes_the_digest(changes):
    assert experiment(**changes).digest != experiment().digest


def test_it_cannot_be_changed():
    one = experiment()
    with pytest.raises(TypeError):
        one.parameters["opacity"] = 1
    with pytest.raises(AttributeError):
        one.seed = 5


def test_what_has_no_canonical_form_fails_at_once():
    with pytest.raises(ValueError, match="JSON compliant"):
        experiment(parameters={"x": float("nan")})


def test_one_and_one_point_zero_are_the_same_number():
    assert canonical_json({"x": 1.0}) == canonical_json({"x": 1}) == b'{"x":1}'


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "3", '{"schema":1}', "\x00", '{"schema":1,"action":"a"}'])
def test_anything_else_is_refused(text):
    with pytest.raises(BadInput):
        Experiment.from_json(text)


def test_what_a_newer_vitrine_wrote_is_shown_and_kept_whole_but_not_run():
    raw = {**experiment().as_dict(), "schema": SCHEMA + 1, "mood": {"calm": [1, 2]}}
    later = Experiment.from_json(canonical_json(raw))
    assert (later.action, dict(later.parameters), later.seed) == (raw["action"], raw["parameters"], raw["seed"])
    assert later.canonical == canonical_json(raw)
    assert Experiment.from_json(later.canonical).digest == later.digest
    with pytest.raises(NewerSchema, match="newer Vitrine"):
        later.check_form()
    experiment().check_form()


@pytest.mark.parametrize("odd", [{"models": {"m": "x"}}, {"parameters": [1]}, {"inputs": None}, {"seed": "a"}])
def test_of_a_newer_form_that_looks_different_what_is_known_is_read(odd):
    raw = {**experiment().as_dict(), "schema": SCHEMA + 1, **odd}
    assert Experiment.from_json(canonical_json(raw)).as_dict() == raw


def test_only_real_hashes_look_like_hashes():
    assert is_sha256(sha256(b""))
    assert not any(map(is_sha256, ["", "ab", "AB" * 32, "../" * 21 + "x", "g" * 64]))
