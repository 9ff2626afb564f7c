"""An action's declaration as tables: parameters, models, results."""

from __future__ import annotations

from backends.core.action import Action
from backends.core.parameters import Parameter
from backends.core.results import Cell, Table
from backends.registry.catalogue import Catalogue, Hub
from components.settings_shown import value_shown
from components.words import short

_KINDS = {
    "image": "picture",
    "gallery": "pictures",
    "number": "number with interval",
    "file": "file to take away",
    "tokens": "weighted text",
    "grid": "grid of results",
}


def parameters_table(action: type[Action], *, but: type[Action] | None = None) -> Table:
    """Name, what is allowed, the usual value and the help of each parameter. but: an action whose own are left out."""
    known = {item.name for item in but.parameters()} if but else set()
    rows: list[tuple[Cell, ...]] = [
        (
            item.title,
            item.name,
            allowed(item),
            "required" if item.required else value_shown(item, item.default),
            _help(item),
        )
        for item in action.parameters()
        if item.name not in known
    ]
    if action.seeded and not but:
        rows.append(("Seed", "seed", "whole number, 0 or more", "0", "Equal seeds give equal results."))
    return Table(("Parameter", "In code", "Allowed", "Usual", "What it does"), tuple(rows))


def models_table(action: type[Action], catalogue: Catalogue) -> Table:
    """The models that the action's model parameters accept."""
    wanted = [item.accepts for item in action.parameters() if item.kind == "model"]
    cards = [card for accepts in wanted for card in catalogue.where(accepts[0], accepts[1])]
    rows = tuple(
        (card.title, card.id, f"{card.family}, {short(card.parameters)} weights", _network(card.source), card.licence)
        for card in cards
    )
    return Table(("Model", "In code", "Network", "Where from", "Licence"), rows)


def outputs_table(action: type[Action]) -> Table:
    """What a run yields."""
    rows = tuple(
        (item.title, item.name, _KINDS.get(item.kind, item.kind), "sometimes" if item.optional else "always")
        for item in action.outputs
    )
    return Table(("Result", "In code", "Kind", "Present"), rows)


def allowed(parameter: Parameter) -> str:
    """What a parameter takes, in words: '1 to 4096 HU, in steps of 1'."""
    match parameter.kind:
        case "number" | "integer":
            whole = "whole number, " if parameter.kind == "integer" else ""
            span = f"{parameter.minimum:g} to {parameter.maximum:g} {parameter.unit}".strip()
            return f"{whole}{span}, in steps of {parameter.step:g}"
        case "choice":
            return ", ".join(label for label, _ in parameter.options)
        case "toggle":
            return "on or off"
        case "text":
            return f"text of at most {parameter.maximum:g} characters"
        case "image":
            return f"picture: {', '.join(parameter.accepts)}"
        case "model":
            return "a model of the list below"
        case "label":
            return "one of the model's classes"


def _help(parameter: Parameter) -> str:
    only = parameter.visible_if
    if only is None:
        return parameter.help
    return f"{parameter.help} Only while {only.parameter} is {' or '.join(str(value) for value in only.values)}."


def _network(source: object) -> str:
    return f"Hugging Face Hub, {source.repo}" if isinstance(source, Hub) else "comes with Vitrine"
