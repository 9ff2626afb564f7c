"""Lists of values as people write them for a sweep's axis: '1, 2, 5', '0..1:5', labels or names of options.

`write_values` writes a list in the one way that equal sweeps share; `read_values` reads it back.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable

from backends.core.errors import BadParameter
from backends.core.parameters import Parameter, Value
from backends.core.results import Cell

VALUES_MAX = 100  # of one axis
USUAL = 5  # values where nobody said how many
_NARROWEST, _FARTHEST = 1e-12, 1e15  # of a range: beyond them neighbours run into one another
_SWITCH = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}


def read_values(parameter: Parameter, told: str, field: str) -> tuple[Cell, ...]:
    """A list of values as people write it: '1, 2, 5', '0..1:5' (five values from 0 to 1), names or labels of options.

    A value with a comma in it stands in double quotes. Raises BadParameter with `field` as its control.
    """
    numeric = parameter.kind in ("number", "integer")
    values: list[Cell] = []
    for part in _parts(told):
        values += _span(part, parameter, field) if numeric and ".." in part else [_value(part, parameter, field)]
        if len(values) > VALUES_MAX:
            raise BadParameter(
                f"These are more than {VALUES_MAX} values for {parameter.title}.", hint="Shorten the list.", field=field
            )
    if not values:
        raise BadParameter(
            f"There are no values for {parameter.title}.", hint="Write them with commas between.", field=field
        )
    twice = next((value for index, value in enumerate(values) if value in values[:index]), None)
    if twice is not None:
        raise BadParameter(f"{_plain(twice)} is in the list twice.", hint="Remove one of them.", field=field)
    return tuple(values)


def write_values(values: Iterable[Cell]) -> str:
    """The list as `read_values` takes it; equal lists give equal text."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow([_plain(value) for value in values])
    return buffer.getvalue()


def usual_values(parameter: Parameter, low: float | None = None, high: float | None = None) -> str:
    """A list to begin with: five values over the range (or from low to high), the first five options, on and off.

    Empty for a model or a label: what there is of them is not in the declaration.
    """
    match parameter.kind:
        case "number" | "integer":
            first = parameter.minimum if low is None else low
            last = parameter.maximum if high is None else high
            if first is None or last is None or first >= last:
                return ""
            count = min(USUAL, int(last - first) + 1) if parameter.kind == "integer" else USUAL
            return f"{_plain(float(first))}..{_plain(float(last))}:{count}"
        case "toggle":
            return write_values((False, True))
        case "choice":
            return write_values(value for _, value in parameter.options[:USUAL])
        case _:
            return ""


def shown(parameter: Parameter, value: Value) -> str:
    """One value in words."""
    if parameter.kind == "choice":
        return next((label for label, option in parameter.options if option == value), _plain(value))
    return _plain(value).replace("_", " ") if parameter.kind == "label" else _plain(value)


def _plain(value: Value) -> str:
    """A value so that it can be read back: '40', '0.333333', 'on', a name."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return str(int(value))
    return str(value)


def _parts(told: str) -> list[str]:
    """Split at commas and line ends, but not inside double quotes."""
    rows = csv.reader(told.splitlines(), skipinitialspace=True)
    return [part.strip() for row in rows for part in row if part.strip()]


def _span(part: str, parameter: Parameter, field: str) -> list[Cell]:
    """'0..1:5' -> five values from 0 to 1, ends included."""
    ends, _, steps = part.partition(":")
    low, _, high = ends.partition("..")
    try:
        first, last, count = float(low), float(high), int(steps) if steps else USUAL
    except ValueError:
        first, last, count = 0.0, 0.0, 0
    wide = abs(last - first) >= _NARROWEST and max(abs(first), abs(last)) <= _FARTHEST  # neither for nan nor for inf
    if not 2 <= count <= VALUES_MAX or not wide:
        raise BadParameter(
            f"'{part[:40]}' is not a range.",
            hint=f"Write it as 0..1:5, five values from 0 to 1; at most {VALUES_MAX}.",
            field=field,
        )
    spread = _spread(first, last, count)
    if parameter.kind == "number":
        return [*spread]
    whole = [round(value) for value in spread]
    if len(set(whole)) < count:
        fitting = abs(math.floor(last) - math.ceil(first)) + 1
        raise BadParameter(
            f"'{part[:40]}' has fewer than {count} whole numbers.", hint=f"Ask for at most {fitting}.", field=field
        )
    return [*whole]


def _spread(first: float, last: float, count: int) -> list[float]:
    """Equal steps, rounded to what six digits of a step can tell; the ends stay as they were written."""
    step = (last - first) / (count - 1)
    digits = 5 - math.floor(math.log10(abs(step)))
    inner = [round(first + step * index, digits) + 0.0 for index in range(1, count - 1)]
    return [first + 0.0, *inner, last + 0.0]  # + 0.0: no negative zero


def _value(part: str, parameter: Parameter, field: str) -> Cell:
    match parameter.kind:
        case "number" | "integer":
            return _number(part, parameter, field)
        case "toggle":
            if part.lower() not in _SWITCH:
                raise BadParameter(f"{parameter.title} is on or off.", hint="Write: on, off", field=field)
            return _SWITCH[part.lower()]
        case "choice":
            return _option(part, parameter, field)
        case _:
            return part


def _option(part: str, parameter: Parameter, field: str) -> Cell:
    for value in (option for _, option in parameter.options):
        if part == _plain(value):  # before the labels: one option's label may be another's value
            return value
    for label, value in parameter.options:
        if part.lower() in (label.lower(), _plain(value).lower()):
            return value
    offered = ", ".join(label for label, _ in parameter.options)
    raise BadParameter(f"{parameter.title} has no '{part[:40]}'.", hint=f"Choose from: {offered}", field=field)


def _number(part: str, parameter: Parameter, field: str) -> Cell:
    try:
        value = float(part)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise BadParameter(f"'{part[:40]}' is not a number.", hint="Write numbers with commas between.", field=field)
    return int(value) if parameter.kind == "integer" and value.is_integer() else value + 0.0
