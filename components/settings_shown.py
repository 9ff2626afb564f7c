"""An experiment's settings and a run's provenance as people read them: titles and units, sizes, durations, digests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backends.core.errors import NotFound
from backends.core.experiment import Experiment
from backends.core.parameters import Parameter, Value
from backends.core.playground import Actions
from backends.store.values import Run
from components.words import byte_size, seconds


def settings_shown(actions: Actions, experiment: Experiment) -> dict[str, str]:
    """Title -> value with its unit, in the order of the declaration; names where the action is no longer known."""
    try:
        action = actions.get(experiment.action)
    except NotFound:
        return {name: str(value) for name, value in experiment.values().items()}
    shown = {item.title: _shown(item, experiment) for item in action.parameters()}
    return shown | ({"Seed": str(experiment.seed)} if action.seeded else {})


def provenance_shown(run: Run) -> dict[str, str]:
    """When, where, with what and how long: title -> value. What we do not know by name is shown as it is."""
    told = dict(run.provenance)
    shown = {"Run": f"{run.created.day} {run.created:%B %Y, %H:%M} UTC", "Experiment": run.experiment.digest[:16]}
    if told.pop("cached", False):
        shown["Results"] = "Known from an equal run"
    for name, title in _TITLES.items():
        if name in told:
            shown[title] = _told(name, told.pop(name))
    hidden = ("seed", "models", "experiment", "rss_before_bytes")  # among the settings; of no use by itself
    rest = {name.replace("_", " ").capitalize(): _told(name, told[name]) for name in told if name not in hidden}
    return shown | {title: text for title, text in rest.items() if text}


def value_shown(parameter: Parameter, value: Value) -> str:
    """One value: '400 HU', 'On', a choice's label."""
    if isinstance(value, bool):
        return "On" if value else "Off"
    if parameter.kind == "choice":
        return next((label for label, option in parameter.options if option == value), str(value))
    if value is None or value == "":
        return "not set"
    number = number_shown(value) if isinstance(value, int | float) else str(value)
    return f"{number} {parameter.unit}".strip()


def number_shown(value: float) -> str:
    """A number in full, as people write it: '12,500', '0.35', a real minus; six significant digits of a fraction."""
    text = f"{value:,.0f}" if value == int(value) and abs(value) < 1e15 else f"{value:.6g}"
    return text.replace("-", "\u2212")


_TITLES = {
    "version": "Vitrine",
    "device": "Device",
    "dtype": "Number type",
    "seconds_queued": "Waited",
    "seconds_running": "Took",
    "rss_peak_bytes": "Peak memory",
    "vram_peak_bytes": "Peak GPU memory",
    "gpu": "GPU",
    "threads": "Threads",
    "versions": "Libraries",
    "machine": "Machine",
}


def _told(name: str, value: Any) -> str:
    """One fact of the provenance; its name says in which unit it is."""
    if isinstance(value, Mapping):
        parts = {key: part for key, part in value.items() if key != "fingerprint"}
        return ", ".join(f"{key.replace('_', ' ')} {part}" for key, part in parts.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    if name.startswith("seconds"):
        return seconds(float(value))
    return byte_size(value) if name.endswith("bytes") else number_shown(value)


def _shown(parameter: Parameter, experiment: Experiment) -> str:
    if parameter.kind == "image":
        return f"sha256 {experiment.inputs.get(parameter.name, '')[:12]}"
    if parameter.kind == "model":
        name, revision = experiment.models.get(parameter.name, ("", ""))
        return f"{name} ({revision[:12]})"
    return value_shown(parameter, experiment.parameters.get(parameter.name))
