"""Declared parameters as JSON schema: ranges, units and choices as programs are told them, said once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backends.core.action import Action
from backends.core.parameters import Parameter
from backends.core.seeds import SEED_MAX
from backends.registry.catalogue import Catalogue

SEED = Parameter("seed", "integer", "Seed", "Equal seeds give equal results.", 0, False, 0, SEED_MAX, 1)


def values_schema(action: type[Action], catalogue: Catalogue, examples: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of an action's parameters. examples: ids of those that may stand for a picture."""
    declared = action.parameters()
    properties = {item.name: parameter_schema(item, catalogue) for item in declared}
    for item in declared:
        if item.kind == "image":
            properties[item.name] |= _picture(properties[item.name], examples)
    return {
        "type": "object",
        "properties": properties,
        "required": [item.name for item in declared if item.required],
        "additionalProperties": False,
    }


def parameter_schema(parameter: Parameter, catalogue: Catalogue) -> dict[str, Any]:
    """One parameter: type, bounds, choices, default, and in words what it means and in which unit.

    catalogue: whose models are the choices where a model is wanted.
    """
    told: dict[str, Any] = {"title": parameter.title, "description": described(parameter)}
    if not parameter.required:
        told["default"] = parameter.default
    match parameter.kind:
        case "number" | "integer":
            return {"type": parameter.kind, "minimum": parameter.minimum, "maximum": parameter.maximum, **told}
        case "choice":
            return {"enum": [value for _, value in parameter.options], **told}
        case "toggle":
            return {"type": "boolean", **told}
        case "image":
            return {"type": "string", **told}
        case "text":
            return {"type": "string", "maxLength": int(parameter.maximum or 0), **told}
        case "model":
            return {"type": "string", "enum": [card.id for card in catalogue.where(*parameter.accepts)], **told}
        case "label":
            return {"type": "string", "maxLength": 200, **told}


def _picture(declared: dict[str, Any], examples: Sequence[str]) -> dict[str, Any]:
    """How a picture is given: see app/given.py."""
    ways = "the sha256 of a file given to POST /api/inputs, or the file in base64 (up to 3 MB)"
    if not examples:
        return {"description": f"{declared['description']} Give {ways}."}
    told = f"{declared['description']} Give the id of an example ({', '.join(examples[:3])}, ...), {ways}."
    return {"description": told, "examples": list(examples[:3])}


def described(parameter: Parameter) -> str:
    """Title, help, and what is allowed: 'Gain: Each pixel times this. From 0.5 to 4.'."""
    unit = f" {parameter.unit}" if parameter.unit else ""
    help_text = parameter.help if parameter.help.endswith((".", "!", "?")) else f"{parameter.help}."
    match parameter.kind:
        case "number" | "integer":
            allowed = f" From {_number(parameter.minimum)} to {_number(parameter.maximum)}{unit}."
        case "choice":
            allowed = f" One of: {', '.join(f'{value!r} ({label})' for label, value in parameter.options)}."
        case "image":
            allowed = f" A file: {', '.join(parameter.accepts)}."
        case "text":
            allowed = f" At most {parameter.maximum:g} characters."
        case _:
            allowed = ""
    return f"{parameter.title}: {help_text}{allowed}"


def _number(value: float | None) -> str:
    """As people write it: large whole numbers in full."""
    return str(int(value)) if value is not None and float(value).is_integer() else f"{value:g}"
