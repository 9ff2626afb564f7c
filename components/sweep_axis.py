"""One axis of a sweep on the page: which setting, and its values as text (numbers) or as boxes to tick (the rest)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from backends.core.action import Action, Suggestion
from backends.core.errors import VitrineError
from backends.core.parameters import Parameter, Value
from backends.core.sweep import SWEPT, first_axis
from backends.core.sweep_values import USUAL, read_values, shown, usual_values, write_values
from backends.registry.catalogue import Catalogue
from components.controls import problem_html

_LISTED = "With commas between; 0..1:5 means five values from 0 to 1."


@dataclass(frozen=True)
class Offer:
    """What there is to choose from for one parameter. text: of a number's list; options: (label, value as text)."""

    text: str = ""
    options: tuple[tuple[str, str], ...] = ()


class Axis:
    """The controls of one axis, built inside the current Gradio block. name: 'x' or 'y'; y may be nothing."""

    def __init__(self, name: str, action: type[Action], catalogue: Catalogue) -> None:
        self.name = name
        self._action, self._catalogue = action, catalogue
        self._swept = {item.name: item for item in action.parameters() if item.kind in SWEPT}
        first = first_axis(tuple(self._swept.values())).name if name == "x" else ""
        nothing = [("Nothing", "")] if name == "y" else []
        offer = self.offer(first, {}, {})
        title = "Across" if name == "x" else "Down"
        with gr.Column(elem_classes="vt-sweep-axis"):
            self.parameter = gr.Dropdown(
                [*nothing, *((item.title, item.name) for item in self._swept.values())],
                value=first,
                label=title,
                filterable=False,
                elem_id=f"vt-sweep-{name}",
            )
            self.text = gr.Textbox(
                offer.text,
                label=f"Values {title.lower()}",
                info=_LISTED,
                visible=bool(offer.text),
                max_lines=3,
                elem_id=f"vt-sweep-{name}-values",
            )
            self.ticks = gr.CheckboxGroup(
                list(offer.options),
                value=_ticked(offer),
                label=f"Values {title.lower()}",
                visible=bool(offer.options),
                elem_id=f"vt-sweep-{name}-ticks",
            )
            self.problem = gr.HTML("", elem_classes="vt-problem")

    @property
    def inputs(self) -> list[Any]:
        """What `told` takes: setting, text, ticks."""
        return [self.parameter, self.text, self.ticks]

    @property
    def places(self) -> list[Any]:
        """What `fill` and `show` update: setting, text, ticks, problem."""
        return [*self.inputs, self.problem]

    def offer(self, wanted: str, values: Mapping[str, Value], hints: Mapping[str, Suggestion]) -> Offer:
        """What to begin with for a parameter. values: of the controls; hints: what the picture suggests."""
        item = self._swept.get(wanted)
        if item is None:
            return Offer()
        if item.kind in ("number", "integer"):
            hint = hints.get(wanted)
            return Offer(usual_values(item, hint.minimum if hint else None, hint.maximum if hint else None))
        return Offer(options=tuple(self._options(item, values)))

    def fill(self, wanted: str, values: Mapping[str, Value], hints: Mapping[str, Suggestion]) -> list[Any]:
        """Updates of `places` for a parameter that was chosen: its usual list."""
        offer = self.offer(wanted, values, hints)
        return [
            gr.skip(),
            gr.update(value=offer.text, visible=bool(offer.text)),
            gr.update(choices=list(offer.options), value=_ticked(offer), visible=bool(offer.options)),
            "",
        ]

    def show(self, wanted: str, told: str, values: Mapping[str, Value]) -> list[Any]:
        """Updates of `places` for an axis as a stored sweep had it. told: its list, as `write_values` wrote it."""
        item, offer = self._swept.get(wanted), self.offer(wanted, values, {})
        ticked = [write_values((value,)) for value in read_values(item, told, "")] if item and offer.options else []
        options = [*offer.options, *((value, value) for value in ticked if value not in dict(offer.options).values())]
        return [
            gr.update(value=wanted),
            gr.update(value="" if offer.options else told.replace(",", ", "), visible=bool(item and not offer.options)),
            gr.update(choices=options, value=ticked, visible=bool(options)),
            "",
        ]

    def told(self, wanted: Any, text: Any, ticks: Any) -> dict[str, str]:
        """What the components sent -> the sweep's settings of this axis. Raises BadParameter beside the list."""
        name = f"sweep_{self.name}"
        item = self._swept.get(str(wanted or ""))
        if item is None:
            return {name: str(wanted or "")}
        numeric = item.kind in ("number", "integer")
        told = str(text or "") if numeric else ", ".join(map(str, ticks or ()))
        read_values(item, told, f"{name}_values")  # here an empty list is a mistake; to programs it means 'as usual'
        return {name: item.name, f"{name}_values": told}

    def explain(self, error: VitrineError | None) -> str:
        """The sentence, where it is about this axis."""
        return problem_html(error) if error and error.field.startswith(f"sweep_{self.name}") else ""

    def _options(self, item: Parameter, values: Mapping[str, Value]) -> list[tuple[str, str]]:
        match item.kind:
            case "model":
                cards = self._catalogue.where(item.accepts[0], item.accepts[1])
                return [(card.title, write_values((card.id,))) for card in cards]
            case "label":
                known = str(values.get(item.of) or self._default(item.of))
                labels = self._catalogue.get(known).labels if known in self._catalogue else ()
                return [(shown(item, name).capitalize(), write_values((name,))) for name in (item.default, *labels)]
            case "toggle":
                return [("Off", "off"), ("On", "on")]
            case _:
                return [(label, write_values((value,))) for label, value in item.options]

    def _default(self, name: str) -> Value:
        return next(item.default for item in self._action.parameters() if item.name == name)


def _ticked(offer: Offer) -> list[str]:
    return [value for _, value in offer.options[:USUAL]]
