"""Lists of values as people write them: what is read, what is refused, and that the written form is read back."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.core.errors import BadParameter
from backends.core.parameters import Parameter
from backends.core.sweep_values import VALUES_MAX, read_values, shown, usual_values, write_values


def parameter(kind, **more):
    fields = {"minimum": -1e6, "maximum": 1e6, "default": 0, "required": False, "help": "", "title": "Amount"}
    return Parameter(name="amount", kind=kind, **{**fields, **more})


NUMBER, INTEGER, TOGGLE = parameter("number"), parameter("integer"), parameter("toggle")
CHOICE = parameter("choice", options=(("One", 1), ("Two, or more", "2+"), ("a", "b"), ("b", "a")))
LABEL, MODEL = parameter("label"), parameter("model")
KINDS = [NUMBER, INTEGER, TOGGLE, CHOICE, LABEL, MODEL]


@pytest.mark.parametrize(
    ("kind", "told", "values"),
    [
        (NUMBER, "1, 2.5 ,-3e1", (1.0, 2.5, -30.0)),
        (NUMBER, "0..1", (0.0, 0.25, 0.5, 0.75, 1.0)),
        (NUMBER, "1..0:3", (1.0, 0.5, 0.0)),
        (NUMBER, "0..1:4, 7", (0.0, 0.333333, 0.666667, 1.0, 7.0)),
        (NUMBER, "1000000..1000003:4", (1000000.0, 1000001.0, 1000002.0, 1000003.0)),
        (NUMBER, "0.123456789..0.2:2", (0.123456789, 0.2)),
        (NUMBER, "-0", (0.0,)),
        (NUMBER, "1\n2\r\n3", (1.0, 2.0, 3.0)),
        (INTEGER, "1..9:3", (1, 5, 9)),
        (INTEGER, "3, 4.0", (3, 4)),
        (TOGGLE, "On, FALSE", (True, False)),
        (CHOICE, 'one, "two, or more"', (1, "2+")),
        (CHOICE, "a, b", ("a", "b")),  # a value goes before the label of another
        (LABEL, '"tench, Tinca tinca", goldfish', ("tench, Tinca tinca", "goldfish")),
        (LABEL, "a..b", ("a..b",)),
        (MODEL, "medical/one,medical/two", ("medical/one", "medical/two")),
    ],
)
def test_lists_are_read_as_people_mean_them(kind, told, values):
    found = read_values(kind, told, "list")
    assert found == values
    assert [type(value) for value in found] == [type(value) for value in values]


@pytest.mark.parametrize(
    ("kind", "told", "sentence"),
    [
        (NUMBER, "", "There are no values for Amount."),
        (NUMBER, " , ,", "There are no values for Amount."),
        (NUMBER, "1; 2", "'1; 2' is not a number."),
        (NUMBER, "nan", "'nan' is not a number."),
        (NUMBER, "1, inf", "'inf' is not a number."),
        (NUMBER, "0..nan:3", "'0..nan:3' is not a range."),
        (INTEGER, "0..inf", "'0..inf' is not a range."),
        (NUMBER, "1..1:3", "'1..1:3' is not a range."),
        (NUMBER, "0..1:1", "'0..1:1' is not a range."),
        (NUMBER, "0..1:101", "'0..1:101' is not a range."),
        (NUMBER, "0..5e-324:5", "'0..5e-324:5' is not a range."),
        (NUMBER, "-1e308..1e308:3", "'-1e308..1e308:3' is not a range."),
        (NUMBER, "0..1..2", "'0..1..2' is not a range."),
        (INTEGER, "0..3:7", "'0..3:7' has fewer than 7 whole numbers."),
        (NUMBER, "0..1:100, 5", f"These are more than {VALUES_MAX} values for Amount."),
        (NUMBER, "0..1:3, 0.5", "0.5 is in the list twice."),
        (TOGGLE, "on, maybe", "Amount is on or off."),
        (TOGGLE, "on, true", "on is in the list twice."),
        (CHOICE, "three", "Amount has no 'three'."),
        (LABEL, "cat, cat", "cat is in the list twice."),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_sentence_beside_the_list(kind, told, sentence):
    with pytest.raises(BadParameter) as caught:
        read_values(kind, told, "list")
    assert (caught.value.sentence, caught.value.field) == (sentence, "list")
    assert caught.value.hint


@given(st.sampled_from(KINDS), st.text(max_size=80) | st.text("0123456789.,:-+eE \n\"'aon", max_size=40))
def test_any_text_is_read_or_refused_and_what_was_read_is_read_back_the_same(kind, told):
    try:
        values = read_values(kind, told, "list")
    except BadParameter:
        return
    assert 1 <= len(set(values)) == len(values) <= VALUES_MAX
    written = write_values(values)
    assert read_values(kind, written, "list") == values
    assert write_values(read_values(kind, written, "list")) == written


@given(st.lists(st.floats(-1e9, 1e9).map(lambda value: value + 0.0), min_size=1, max_size=20, unique=True))
def test_numbers_survive_being_written_to_the_last_bit(values):
    assert read_values(NUMBER, write_values(values), "list") == tuple(values)


@given(
    st.floats(-1e6, 1e6, allow_subnormal=False),
    st.floats(-1e6, 1e6, allow_subnormal=False),
    st.integers(2, VALUES_MAX),
)
def test_a_range_begins_and_ends_where_it_says_and_its_steps_are_equal(low, high, count):
    if abs(high - low) < 1e-6:
        return
    values = read_values(NUMBER, f"{low!r}..{high!r}:{count}", "list")
    assert (values[0], values[-1], len(values)) == (low, high, count)
    step = (high - low) / (count - 1)
    for one, two in itertools.pairwise(values):
        assert two - one == pytest.approx(step, rel=1e-3, abs=1e-9)


@pytest.mark.parametrize(
    ("kind", "bounds", "text"),
    [
        (parameter("number", minimum=0, maximum=1), (), "0..1:5"),
        (parameter("number", minimum=0, maximum=1), (0.25, 0.5), "0.25..0.5:5"),
        (parameter("integer", minimum=1, maximum=4096), (1, 2), "1..2:2"),
        (parameter("integer", minimum=1, maximum=20), (), "1..20:5"),
        (TOGGLE, (), "off,on"),
        (CHOICE, (), "1,2+,b,a"),
        (MODEL, (), ""),
        (parameter("number", minimum=1, maximum=1), (), ""),
    ],
)
def test_the_usual_values_are_a_list_that_can_be_read(kind, bounds, text):
    assert usual_values(kind, *bounds) == text
    if text:
        assert read_values(kind, text, "list")


@pytest.mark.parametrize(
    ("kind", "value", "word"),
    [
        (NUMBER, 1000001.0, "1000001"),
        (NUMBER, 0.333333, "0.333333"),
        (TOGGLE, False, "off"),
        (CHOICE, "2+", "Two, or more"),
        (CHOICE, "gone", "gone"),
        (LABEL, "burr_cell", "burr cell"),
        (MODEL, "a/b_c", "a/b_c"),
    ],
)
def test_values_are_shown_in_words(kind, value, word):
    assert shown(kind, value) == word
