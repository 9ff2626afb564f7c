"""Declared parameters -> Gradio controls. What a control is, its range and its help come from the declaration only.

Values are read raw (`preprocess=False`) and judged by the action itself, so that a bad value is answered by one
sentence beside its control and never by the framework's own error or a silent clamp.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backends.core.action import Action, Suggestion
from backends.core.errors import BadParameter, NotFound, VitrineError
from backends.core.parameters import Parameter, Value
from backends.core.seeds import SEED_MAX
from backends.registry.catalogue import Catalogue

SEED = "seed"


@dataclass(frozen=True)
class Control:
    """One parameter on the page: the box around it, the component with its value, the place for its sentence."""

    parameter: Parameter
    box: Any
    component: Any
    problem: Any


class Panel:
    """The controls of one action, built inside the current Gradio block.

    inputs: components in the order of the declaration, then the seed when the action is seeded.
    """

    def __init__(self, action: type[Action], catalogue: Catalogue) -> None:
        self.action = action
        self.catalogue = catalogue
        self._standing = self._missing_models()
        parameters = action.parameters()
        self.controls = [self._build(item) for item in parameters if not item.advanced]
        rest = [item for item in parameters if item.advanced]
        self.seed = None
        if rest or action.seeded:
            with gr.Accordion("More settings", open=False, elem_classes="vt-more"):
                self.controls += [self._build(item) for item in rest]
                if action.seeded:
                    self.seed, self._seed_problem = _seed()
        self._follow_conditions()

    @property
    def inputs(self) -> list[Any]:
        """Components whose values make the action, in the order that `values` expects."""
        return [control.component for control in self.controls] + ([self.seed] if self.seed else [])

    @property
    def problems(self) -> list[Any]:
        """The places for sentences, one a control, then the seed's."""
        return [control.problem for control in self.controls] + ([self._seed_problem] if self.seed else [])

    def values(self, raw: Sequence[Any]) -> tuple[dict[str, Value], int]:
        """What the components sent -> (parameter values, seed). Raises BadParameter for a seed that is none.

        A number box that was emptied stays None, for the action to refuse: nothing is put in its place silently.
        """
        pairs = [(control.parameter, value) for control, value in zip(self.controls, raw, strict=False)]
        values = {item.name: value for item, value in pairs if not _unset(item, value)}
        return values, read_seed(raw[-1]) if self.seed else 0

    def explain(self, *errors: VitrineError | None) -> list[Any]:
        """Updates of `problems`: the sentence of each error beside its control, nothing beside the others."""
        told = {**self._standing, **{error.field: error for error in errors if error}}
        return [problem_html(told[name]) if name in told else "" for name in self._places]

    def owns(self, error: VitrineError) -> bool:
        """Whether one of the controls is the one that the error is about."""
        return error.field in self._places

    @property
    def _places(self) -> list[str]:
        return [control.parameter.name for control in self.controls] + ([SEED] if self.seed else [])

    def show(self, values: Mapping[str, Value], suggestions: Mapping[str, Suggestion] | None = None) -> list[Any]:
        """Updates of `inputs` that set the given values (and ranges), and leave the other controls as they are."""
        hints = suggestions or {}
        updates = []
        model_id = next((values.get(c.parameter.name) for c in self.controls if c.parameter.kind == "model"), None)
        for control in self.controls:
            name = control.parameter.name
            change: dict[str, Any] = {}
            if control.parameter.kind == "label" and model_id:
                change["choices"] = self.labels(control.parameter, str(model_id))
            if name in hints:
                change |= {key: bound for key, bound in _bounds(hints[name]).items() if bound is not None}
                change |= {"value": hints[name].value, "visible": hints[name].relevant}
            if name in values:
                change["value"] = values[name]
                change |= _wide_enough(change, values[name])
            updates.append(gr.update(**change) if change else gr.skip())
        return updates + ([gr.update(value=values[SEED]) if SEED in values else gr.skip()] if self.seed else [])

    def control(self, name: str) -> Control:
        """The control of that parameter. Raises StopIteration when there is none."""
        return next(control for control in self.controls if control.parameter.name == name)

    def _build(self, parameter: Parameter) -> Control:
        condition = parameter.visible_if
        visible = condition is None or self._default(condition.parameter) in condition.values
        with gr.Column(elem_classes="vt-control", visible=visible) as box:
            component = self._component(parameter)
            standing = self._standing.get(parameter.name)
            told = problem_html(standing) if standing else ""
            problem = gr.HTML(told, elem_classes="vt-problem")  # hidden while empty
        return Control(parameter, box, component, problem)

    def _component(self, parameter: Parameter) -> Any:
        unit = f" ({parameter.unit})" if parameter.unit else ""
        shared: dict[str, Any] = {
            "label": parameter.title + unit,
            "info": parameter.help,
            "elem_id": f"vt-{parameter.name}",
        }
        match parameter.kind:
            case "number" | "integer":
                return gr.Slider(
                    parameter.minimum, parameter.maximum, parameter.default, step=parameter.step, buttons=[], **shared
                )
            case "choice":
                return gr.Dropdown(list(parameter.options), value=parameter.default, **shared)
            case "toggle":
                return gr.Checkbox(bool(parameter.default), **shared)
            case "text":
                return gr.Textbox(str(parameter.default), lines=3, max_length=int(parameter.maximum or 0), **shared)
            case "model":
                return gr.Dropdown(
                    self.models(parameter),
                    value=None if parameter.name in self._standing else parameter.default,
                    filterable=False,
                    **shared,
                )
            case "label":
                choices = self.labels(parameter, str(self._default(parameter.of)))
                return gr.Dropdown(choices, value=parameter.default, filterable=False, **shared)
            case "image":
                # the picture's hash: set by the drop zone and the examples, never typed
                return gr.Textbox("", visible=False, elem_id=f"vt-{parameter.name}", label=parameter.title)

    def models(self, parameter: Parameter) -> list[tuple[str, str]]:
        """What a model parameter offers, as (title, id)."""
        cards = self.catalogue.where(parameter.accepts[0], parameter.accepts[1])
        return [(card.title, card.id) for card in cards]

    def labels(self, parameter: Parameter, model_id: str) -> list[tuple[str, str]]:
        """What a label parameter offers with that model, as (title, value); its default alone without the model."""
        first = (str(parameter.default).capitalize(), str(parameter.default))
        try:
            found = self.catalogue.get(model_id).labels
        except NotFound:
            found = ()
        return [first] + [(label.replace("_", " "), label) for label in found]

    def _missing_models(self) -> dict[str, VitrineError]:
        """Parameters whose default model is not here. The page is there all the same, and says so."""
        wanted = [item for item in self.action.parameters() if item.kind == "model"]
        absent = [item for item in wanted if item.default not in [value for _, value in self.models(item)]]
        return {
            item.name: NotFound(f"The model '{item.default}' is not here.", hint="Choose another one.", field=item.name)
            for item in absent
        }

    def _default(self, name: str) -> Value:
        return next(item.default for item in self.action.parameters() if item.name == name)

    def _follow_conditions(self) -> None:
        """Show and hide controls in the browser's own time, without a word to the results."""
        for control in self.controls:
            condition = control.parameter.visible_if
            if condition is None:
                continue
            wanted = condition.values
            self.control(condition.parameter).component.change(
                lambda value, wanted=wanted: gr.update(visible=value in wanted),
                self.control(condition.parameter).component,
                control.box,
                show_progress="hidden",
                api_visibility="private",
            )


def read_seed(value: Any) -> int:
    """A seed from what a number box or an address holds. Raises BadParameter."""
    try:
        seed = float(value)
        if seed.is_integer() and 0 <= seed <= SEED_MAX:
            return int(seed)
    except (TypeError, ValueError):
        pass
    raise BadParameter(f"The seed must be a whole number from 0 to {SEED_MAX}.", hint="Usually 0.", field=SEED)


def _seed() -> tuple[Any, Any]:
    with gr.Column(elem_classes="vt-control"):
        box = gr.Number(0, label="Seed", info="Equal seeds give equal results.", precision=0, elem_id="vt-seed")
        return box, gr.HTML("", elem_classes="vt-problem")


def _unset(parameter: Parameter, value: Any) -> bool:
    if value is None:
        return parameter.kind not in ("number", "integer")
    return value == "" and parameter.kind in ("image", "model", "label")


def _wide_enough(change: Mapping[str, Any], value: Value) -> dict[str, Any]:
    """Bounds that a picture suggested, widened to a value that was chosen all the same."""
    if isinstance(value, str | bool) or value is None:
        return {}
    wide = {"minimum": min, "maximum": max}
    return {key: pick(change[key], value) for key, pick in wide.items() if key in change}


def _bounds(suggestion: Suggestion) -> dict[str, float | None]:
    return {"minimum": suggestion.minimum, "maximum": suggestion.maximum, "step": suggestion.step}


def problem_html(error: VitrineError) -> str:
    """The sentence that stands beside a control."""
    return f'<p role="alert">{html.escape(error.sentence)} <span>{html.escape(error.hint)}</span></p>'
