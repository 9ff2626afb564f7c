"""A declaration is read back exactly, and a bad value is answered by a sentence about its control."""

from collections.abc import Iterator
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from backends.core.action import Action, Job
from backends.core.errors import BadParameter, DuplicateAction, NotFound
from backends.core.events import Event, Progress
from backends.core.parameters import (
    VisibleIf,
    choice,
    image,
    integer,
    label,
    model,
    number,
    read_parameters,
    text,
    toggle,
)
from backends.core.playground import Actions, Playground

DIGEST = "ab" * 32


class Everything(Action):
    """One parameter of each kind."""

    name: ClassVar[str] = "test/everything"
    title: ClassVar[str] = "Everything"
    photo: str = image(title="Photo", help="A photo.", accepts=(".png", ".jpg"))
    network: str = model("test/net", title="Network", help="Which network.", task="classification", domain="test")
    target: str = label("predicted", title="Target", help="Which class.", of="network")
    gain: float = number(1.5, title="Gain", minimum=0.5, maximum=4, step=0.25, unit="dB", help="How loud.")
    steps: int = integer(10, title="Steps", minimum=1, maximum=50, help="How many.", advanced=True)
    method: str = choice("fast", title="Method", options=[("Fast", "fast"), ("Slow", "slow")], help="Which way.")
    words: str = text("", title="Words", max_length=5, help="Some words.", visible_if=VisibleIf("method", ("slow",)))
    loud: bool = toggle(False, title="Loud", help="Shout.")

    def run(self, job: Job) -> Iterator[Event]:
        yield Progress(1.0, "Nothing to do")


def test_what_was_declared_is_what_is_read():
    found = {item.name: item for item in Everything.parameters()}
    assert list(found) == ["photo", "network", "target", "gain", "steps", "method", "words", "loud"]
    assert [item.kind for item in found.values()] == [
        "image", "model", "label", "number", "integer", "choice", "text", "toggle",
    ]  # fmt: skip
    gain = found["gain"]
    assert (gain.minimum, gain.maximum, gain.step, gain.unit, gain.help) == (0.5, 4, 0.25, "dB", "How loud.")
    assert found["photo"].required
    assert not gain.required
    assert found["photo"].accepts == (".png", ".jpg")
    assert found["network"].accepts == ("classification", "test")
    assert found["target"].of == "network"
    assert found["steps"].advanced
    assert found["method"].options == (("Fast", "fast"), ("Slow", "slow"))
    assert found["words"].visible_if == VisibleIf("method", ("slow",))
    assert found["words"].maximum == 5


def test_a_field_without_declaration_is_refused():
    class Bare(BaseModel):
        x: int = 3

    with pytest.raises(TypeError, match=r"Bare\.x"):
        read_parameters(Bare)


@pytest.mark.parametrize(
    ("values", "field", "sentence"),
    [
        ({}, "photo", "Photo is missing."),
        ({"photo": ""}, "photo", "Photo is missing."),
        ({"photo": None}, "photo", "Photo is missing."),
        ({"photo": "../../etc/passwd"}, "photo", "Photo must be an image that was uploaded here."),
        ({"photo": DIGEST, "gain": 4.1}, "gain", "Gain must be from 0.5 to 4 dB."),
        ({"photo": DIGEST, "gain": float("nan")}, "gain", "Gain must be from 0.5 to 4 dB."),
        ({"photo": DIGEST, "gain": "loud"}, "gain", "Gain must be from 0.5 to 4 dB."),
        ({"photo": DIGEST, "steps": 2.5}, "steps", "Steps must be a whole number from 1 to 50."),
        ({"photo": DIGEST, "method": "magic"}, "method", "Method must be one of: Fast, Slow."),
        ({"photo": DIGEST, "words": "too long"}, "words", "Words must be text of at most 5 characters."),
        ({"photo": DIGEST, "loud": "perhaps"}, "loud", "Loud must be on or off."),
        ({"photo": DIGEST, "network": "x" * 300}, "network", "Network must be a name of at most 200 characters."),
        ({"photo": DIGEST, "volume": 3}, "volume", "Everything has no setting named 'volume'."),
    ],
)
def test_a_bad_value_gets_a_sentence_beside_its_control(values, field, sentence):
    with pytest.raises(BadParameter) as caught:
        Everything.parse(values)
    assert (caught.value.field, caught.value.sentence) == (field, sentence)
    assert caught.value.hint


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_number_is_taken_as_it_is_or_refused_but_never_clamped(value):
    try:
        action = Everything.parse({"photo": DIGEST, "gain": value})
    except BadParameter:
        assert not 0.5 <= value <= 4
    else:
        assert action.gain == value


def test_an_action_becomes_an_experiment_and_comes_back():
    action = Everything.parse({"photo": DIGEST, "gain": 2, "method": "slow"})
    experiment = action.experiment(seed=7, revisions={"test/net": "cafe"})
    assert dict(experiment.inputs) == {"photo": DIGEST}
    assert dict(experiment.models) == {"network": ("test/net", "cafe")}
    assert experiment.parameters["gain"] == 2
    assert "photo" not in experiment.parameters
    assert Everything.from_experiment(experiment) == action


def test_two_actions_of_one_name_name_both_places():
    class Other(Everything):
        """Same name."""

    with pytest.raises(DuplicateAction) as caught:
        Actions([Playground("a", "A", "", (Everything,)), Playground("b", "B", "", (Other,))])
    assert "Everything" in caught.value.sentence
    assert "Other" in caught.value.sentence


def test_an_unknown_action_is_not_found():
    actions = Actions([Playground("a", "A", "", (Everything,))])
    assert actions.get("test/everything") is Everything
    assert list(actions) == [Everything]
    with pytest.raises(NotFound):
        actions.get("test/nothing")
