"""What a program gives for a picture, over HTTP and as a tool: an example's id, a digest, or the file in base64."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from backends.core.action import Action
from backends.core.digest import is_sha256
from backends.core.errors import BadInput, BadParameter
from backends.core.seeds import SEED_MAX
from backends.runtime.lab import Lab


def read_action(action: type[Action], given: Mapping[str, Any], lab: Lab, visitor: str) -> Action:
    """The action with each picture kept for the visitor. What a picture suggests holds where nothing else is said.

    Raises BadParameter, BadInput, and what preparing and keeping a picture raises.
    """
    values = dict(given)
    for item in action.parameters():
        if item.kind == "image" and isinstance(values.get(item.name), str):
            digest, suggested = _picture(action, item.name, values[item.name], lab, visitor)
            values = {**suggested, **values, item.name: digest}
    return action.parse(values)


def read_seed(given: Any) -> int:
    """A seed as JSON gives it. Raises BadParameter."""
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= SEED_MAX:
        raise BadParameter(f"Seed must be a whole number from 0 to {SEED_MAX}.", hint="0 will do.", field="seed")
    return given


def _picture(action: type[Action], parameter: str, given: str, lab: Lab, visitor: str) -> tuple[str, Mapping[str, Any]]:
    """The digest of the picture, kept for the visitor, and settings that suit it."""
    playground = lab.actions.playground_of(action.name)
    example = next((item for item in playground.examples() if item.id == given), None)
    if example is None and is_sha256(given):
        return given, {}
    data = action.prepare_input(parameter, example.read() if example else _decoded(given, parameter))
    digest = lab.store.artifacts.put(visitor, data, "application/octet-stream", keep_hours=playground.keep_hours)
    suggested = {name: hint.value for name, hint in action.suggest(parameter, data).items()}
    return digest, {**suggested, **(example.values if example else {})}


def _decoded(text: str, parameter: str) -> bytes:
    body = text.split(",", 1)[1] if text.startswith("data:") and "," in text else text
    try:
        data = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as err:
        raise BadInput(
            "This is neither an example, nor a digest, nor a file in base64.",
            hint="Bring the file by POST /api/inputs, or name an example.",
            field=parameter,
        ) from err
    if not data:
        raise BadInput("The file is empty.", hint="Choose another one.", field=parameter)
    return data
