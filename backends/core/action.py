"""An action: something a user can do, as a typed declaration plus a `run`. It knows nothing of any UI.

class Brighten(Action):
    '''Make an image brighter.'''

    name: ClassVar = "demo/brighten"
    title: ClassVar = "Brighten"
    photo: str = image(title="Photo", help="Any photo.", accepts=(".png",))
    gain: float = number(1.2, title="Gain", minimum=0.5, maximum=4, step=0.1, help="Each pixel times this.")

    def run(self, job: Job) -> Iterator[Event]:
        yield Progress(0.5, "Brightening")
        yield Output("photo", Image(...))
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails

from backends.core.cancellation import Cancellation
from backends.core.errors import BadParameter
from backends.core.events import Event
from backends.core.experiment import Experiment
from backends.core.parameters import Parameter, Value, read_parameters
from backends.core.pictures import strip_picture
from backends.core.results import Kind


@dataclass(frozen=True)
class OutputSpec:
    """What a run will show under `name`: its kind, its title, and whether it may be absent."""

    name: str
    kind: Kind
    title: str
    optional: bool = False


@dataclass(frozen=True)
class Suggestion:
    """Where a control should stand, and the part of its range that makes sense, for an input just given.

    relevant: False where the control has nothing to do with this input, so that it is not shown.
    """

    value: Value
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    relevant: bool = True


class Job(Protocol):
    """What a running action may use; the runtime provides it."""

    @property
    def seed(self) -> int:
        """The run's seed; draw streams from it with core.seeds."""

    @property
    def cancellation(self) -> Cancellation:
        """Check it between steps."""

    def read(self, digest: str) -> bytes:
        """The bytes of an input. Raises ArtifactMissing, or NotFound where the visitor may not read it."""

    def lease(self, model_id: str) -> AbstractContextManager[Any]:
        """The model, loaded, held until the block ends. Raises ModelError or Busy."""


class Action(BaseModel):
    """Base of every action. Fields are declared with the functions of core.parameters.

    name: '<playground>/<verb>', unique. title: what the button's menu says.
    live: whether it is quick enough to run on every change of a control (about 100 ms).
    seeded: whether randomness plays a part, so that a seed is offered.
    long: whether it may take minutes: such runs always leave a worker to the others.
    outputs: what a run yields, in the order in which it is shown.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())

    name: ClassVar[str]
    title: ClassVar[str]
    live: ClassVar[bool] = False
    seeded: ClassVar[bool] = False
    long: ClassVar[bool] = False
    outputs: ClassVar[tuple[OutputSpec, ...]] = ()

    @field_validator("*", mode="after")
    @classmethod
    def _one_of_the_options(cls, value: Value, info: ValidationInfo) -> Value:
        parameter = next(item for item in cls.parameters() if item.name == info.field_name)
        if parameter.kind == "choice" and value not in [option for _, option in parameter.options]:
            raise ValueError("not one of the options")
        return value

    @abstractmethod
    def run(self, job: Job) -> Iterator[Event]:
        """Do it, yielding progress and outputs; check `job.cancellation` at each step."""

    @classmethod
    def prepare_input(cls, parameter: str, data: bytes) -> bytes:
        """Turn what a user gave into what is stored; called once, before anything is kept.

        Drops all that the action does not need (names, places, cameras in headers). Equal pixels give equal bytes, and
        what it returned comes back unchanged when it is given again: exported inputs can be brought elsewhere.
        Raises BadImage or TooLarge with a sentence that repeats nothing of the file.
        """
        del parameter
        return strip_picture(data)

    @classmethod
    def suggest(cls, parameter: str, data: bytes) -> Mapping[str, Suggestion]:
        """Control positions that fit a new input. data: what `prepare_input` returned. Parameter name -> suggestion."""
        del parameter, data
        return {}

    @classmethod
    def summary(cls) -> str:
        """The help text: the class's docstring."""
        return inspect.getdoc(cls) or ""

    @classmethod
    def parameters(cls) -> tuple[Parameter, ...]:
        """The declared parameters in order."""
        return read_parameters(cls)

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> Self:
        """Build the action from control values. Raises BadParameter with a sentence and the control's name."""
        try:
            return cls(**values)
        except ValidationError as err:
            raise _sentence(cls, err.errors()[0]) from err

    @classmethod
    def from_experiment(cls, experiment: Experiment) -> Self:
        """Build the action that an experiment names. Raises BadParameter, NewerSchema."""
        experiment.check_form()
        return cls.parse(experiment.values())

    def models(self) -> dict[str, str]:
        """The models that it will lease: parameter name -> model id."""
        return {item.name: getattr(self, item.name) for item in self.parameters() if item.kind == "model"}

    def experiment(self, *, seed: int = 0, revisions: Mapping[str, str]) -> Experiment:
        """This action as an experiment. revisions: model id -> weight digest, for each model it names."""
        parameters = self.model_dump()
        inputs = {item.name: parameters.pop(item.name) for item in self.parameters() if item.kind == "image"}
        models = {name: (model_id, revisions[model_id]) for name, model_id in self.models().items()}
        for name in models:
            parameters.pop(name, None)
        return Experiment(self.name, parameters, inputs, models, seed)


def _sentence(cls: type[Action], error: ErrorDetails) -> BadParameter:
    """Pydantic's first complaint, as a sentence about the control the user sees."""
    name = str(error["loc"][0]) if error["loc"] else ""
    parameter = next((item for item in cls.parameters() if item.name == name), None)
    if parameter is None:
        return BadParameter(f"{cls.title} has no setting named '{name}'.", hint="Remove it.", field=name)
    if error["type"] == "missing" or (parameter.kind == "image" and not error.get("input")):
        verb = "Choose" if parameter.kind in ("image", "model", "choice") else "Give"
        return BadParameter(f"{parameter.title} is missing.", hint=f"{verb} one first.", field=name)
    return BadParameter(f"{parameter.title} {_allowed(parameter)}.", hint=_hint(parameter), field=name)


def _allowed(parameter: Parameter) -> str:
    match parameter.kind:
        case "number" | "integer":
            whole = "a whole number " if parameter.kind == "integer" else ""
            unit = f" {parameter.unit}" if parameter.unit else ""
            return f"must be {whole}from {parameter.minimum:g} to {parameter.maximum:g}{unit}"
        case "choice":
            return "must be one of: " + ", ".join(str(label) for label, _ in parameter.options)
        case "toggle":
            return "must be on or off"
        case "text":
            return f"must be text of at most {parameter.maximum:g} characters"
        case "image":
            return "must be an image that was uploaded here"
        case "model" | "label":
            return "must be a name of at most 200 characters"


def _hint(parameter: Parameter) -> str:
    if parameter.kind in ("number", "integer") and parameter.default is not None:
        return f"Its usual value is {parameter.default:g}."
    return "Choose it again."
