"""Lists of values as people write them for a sweep's axis: '1, 2, 5', '0..1:5', labels or names of options."""

from __future__ import annotations

from backends.core.errors import BadParameter
from backends.core.parameters import Parameter, Value
from backends.core.results import Cell

VALUES_MAX = 100  # of one axis


def read_values(parameter: Parameter, told: str, field: str) -> tuple[Cell, ...]:
    """A list of values as people write it: '1, 2, 5', '0..1:5' (five values from 0 to 1), names or labels of options.

    Raises BadParameter with `field` as its control.
    """
    parts = _parts(told)
    if not parts:
        raise BadParameter(
            f"There are no values for {parameter.title}.", hint="Write them with commas between.", field=field
        )
    values: list[Cell] = []
    for part in parts:
        values += _span(part, parameter, field) if ".." in part else [_value(part, parameter, field)]
    if len(set(values)) != len(values):
        raise BadParameter(f"A value of {parameter.title} is there twice.", hint="Remove one of them.", field=field)
    return tuple(values)


def shown(parameter: Parameter, value: Value) -> str:
    """One value in words."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if parameter.kind == "choice":
        return next((label for label, option in parameter.options if option == value), str(value))
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _parts(told: str) -> list[str]:
    return [part.strip() for part in told.split(",") if part.strip()]


def _span(part: str, parameter: Parameter, field: str) -> list[Cell]:
    """'0..1:5' -> five values from 0 to 1, ends included."""
    if parameter.kind not in ("number", "integer"):
        raise BadParameter(f"{parameter.title} has no range.", hint="List its values.", field=field)
    ends, _, steps = part.partition(":")
    low, _, high = ends.partition("..")
    try:
        first, last, count = float(low), float(high), int(steps) if steps else 5
    except ValueError:
        count = 0
    if not 2 <= count <= VALUES_MAX:
        raise BadParameter(
            f"'{part[:40]}' is not a range.", hint="Write it as 0..1:5, five values from 0 to 1.", field=field
        )
    spread = [first + (last - first) * index / (count - 1) for index in range(count)]
    whole = parameter.kind == "integer"
    return [round(value) if whole else float(f"{value:.6g}") for value in spread]


def _value(part: str, parameter: Parameter, field: str) -> Cell:
    match parameter.kind:
        case "number" | "integer":
            try:
                return _number(float(part), parameter)
            except ValueError:
                raise BadParameter(
                    f"'{part[:40]}' is not a number.", hint="Write numbers with commas between.", field=field
                ) from None
        case "toggle":
            if part.lower() not in ("on", "off", "true", "false"):
                raise BadParameter(f"{parameter.title} is on or off.", hint="Write: on, off", field=field)
            return part.lower() in ("on", "true")
        case "choice":
            return _option(part, parameter, field)
        case _:
            return part


def _option(part: str, parameter: Parameter, field: str) -> Cell:
    for label, value in parameter.options:
        if part.lower() in (label.lower(), str(value).lower()):
            return value
    offered = ", ".join(label for label, _ in parameter.options)
    raise BadParameter(f"{parameter.title} has no '{part[:40]}'.", hint=f"Choose from: {offered}", field=field)


def _number(value: float, parameter: Parameter) -> Cell:
    return int(value) if parameter.kind == "integer" and value.is_integer() else value
