"""Declared parameters: what a control is, said once.

An action's fields are pydantic fields made by the functions below. Range, step, unit and help live here and nowhere
else: controls, validation messages, the HTTP API's schema and the reference page are derived from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, Field

Kind = Literal["number", "integer", "choice", "toggle", "text", "image", "model", "label"]
Value = str | int | float | bool | None

_KEY = "x-vitrine"


@dataclass(frozen=True)
class VisibleIf:
    """Show a control only while `parameter` has one of `values`."""

    parameter: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Parameter:
    """One declared parameter, as every reader of a declaration sees it.

    minimum, maximum, step: in `unit`; for a text, `maximum` is the number of characters.
    options: (label, value) pairs of a choice.
    accepts: for an image its file endings; for a model its (task, domain).
    of: for a label, the parameter that names the model whose labels are offered.
    """

    name: str
    kind: Kind
    title: str
    help: str
    default: Value
    required: bool
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    unit: str = ""
    options: tuple[tuple[str, Value], ...] = ()
    accepts: tuple[str, ...] = ()
    of: str = ""
    advanced: bool = False
    visible_if: VisibleIf | None = None


def number(
    default: float,
    *,
    title: str,
    minimum: float,
    maximum: float,
    step: float,
    help: str,  # noqa: A002 - the field's own word, and Streamlit's
    unit: str = "",
    advanced: bool = False,
    visible_if: VisibleIf | None = None,
) -> Any:
    """A real number in [minimum, maximum], shown as a slider."""
    extra = {"kind": "number", "step": step, "unit": unit, "advanced": advanced, "visible_if": _plain(visible_if)}
    return Field(
        default,
        ge=minimum,
        le=maximum,
        allow_inf_nan=False,
        title=title,
        description=help,
        json_schema_extra=_tag(extra),
    )


def integer(
    default: int,
    *,
    title: str,
    minimum: int,
    maximum: int,
    help: str,  # noqa: A002
    step: int = 1,
    unit: str = "",
    advanced: bool = False,
    visible_if: VisibleIf | None = None,
) -> Any:
    """A whole number in [minimum, maximum], shown as a slider."""
    extra = {"kind": "integer", "step": step, "unit": unit, "advanced": advanced, "visible_if": _plain(visible_if)}
    return Field(default, ge=minimum, le=maximum, title=title, description=help, json_schema_extra=_tag(extra))


def choice(
    default: Value,
    *,
    title: str,
    options: Sequence[tuple[str, Value]],
    help: str,  # noqa: A002
    advanced: bool = False,
    visible_if: VisibleIf | None = None,
) -> Any:
    """One of `options`, each a (label, value) pair."""
    pairs = [list(pair) for pair in options]
    extra = {"kind": "choice", "options": pairs, "advanced": advanced, "visible_if": _plain(visible_if)}
    return Field(default, title=title, description=help, json_schema_extra=_tag(extra))


def toggle(
    default: bool,
    *,
    title: str,
    help: str,  # noqa: A002
    advanced: bool = False,
    visible_if: VisibleIf | None = None,
) -> Any:
    """On or off."""
    extra = {"kind": "toggle", "advanced": advanced, "visible_if": _plain(visible_if)}
    return Field(default, title=title, description=help, json_schema_extra=_tag(extra))


def text(
    default: str,
    *,
    title: str,
    max_length: int,
    help: str,  # noqa: A002
    advanced: bool = False,
    visible_if: VisibleIf | None = None,
) -> Any:
    """Text of at most `max_length` characters."""
    extra = {"kind": "text", "advanced": advanced, "visible_if": _plain(visible_if)}
    return Field(default, max_length=max_length, title=title, description=help, json_schema_extra=_tag(extra))


def image(*, title: str, help: str, accepts: Sequence[str]) -> Any:  # noqa: A002
    """An image the user gives, held by its content hash. `accepts`: file endings, with the dot."""
    extra = {"kind": "image", "accepts": list(accepts)}
    return Field(pattern=r"^[0-9a-f]{64}$", title=title, description=help, json_schema_extra=_tag(extra))


def model(default: str, *, title: str, help: str, task: str, domain: str = "") -> Any:  # noqa: A002
    """A model of the catalogue with this task (and domain), by id."""
    extra = {"kind": "model", "accepts": [task, domain]}
    return Field(default, max_length=200, title=title, description=help, json_schema_extra=_tag(extra))


def label(default: str, *, title: str, help: str, of: str = "model") -> Any:  # noqa: A002
    """One of the labels of the model that the parameter `of` names, or `default`."""
    extra = {"kind": "label", "of": of}
    return Field(default, max_length=200, title=title, description=help, json_schema_extra=_tag(extra))


@cache
def read_parameters(declaration: type[BaseModel]) -> tuple[Parameter, ...]:
    """The declared parameters of a class, in the order they were written. Raises TypeError on an undeclared field."""
    schema = declaration.model_json_schema()
    required = set(schema.get("required", ()))
    found = []
    for name, entry in schema.get("properties", {}).items():
        if _KEY not in entry:
            raise TypeError(f"{declaration.__name__}.{name} is not declared with a function of core.parameters")
        found.append(_read(name, entry, name in required))
    return tuple(found)


def _read(name: str, entry: dict[str, Any], required: bool) -> Parameter:
    extra = entry[_KEY]
    visible = extra.get("visible_if")
    return Parameter(
        name=name,
        kind=extra["kind"],
        title=entry["title"],
        help=entry["description"],
        default=entry.get("default"),
        required=required,
        minimum=entry.get("minimum"),
        maximum=entry.get("maximum", entry.get("maxLength")),
        step=extra.get("step"),
        unit=extra.get("unit", ""),
        options=tuple((pair[0], pair[1]) for pair in extra.get("options", ())),
        accepts=tuple(extra.get("accepts", ())),
        of=extra.get("of", ""),
        advanced=extra.get("advanced", False),
        visible_if=VisibleIf(visible[0], tuple(visible[1])) if visible else None,
    )


def _tag(extra: dict[str, Any]) -> dict[str, Any]:
    return {_KEY: extra}


def _plain(condition: VisibleIf | None) -> list[Any] | None:
    return None if condition is None else [condition.parameter, list(condition.values)]
