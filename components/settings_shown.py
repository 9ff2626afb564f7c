"""An experiment's settings as people read them: titles and units from the declaration, models and inputs by digest."""

from __future__ import annotations

from backends.core.errors import NotFound
from backends.core.experiment import Experiment
from backends.core.parameters import Parameter, Value
from backends.core.playground import Actions


def settings_shown(actions: Actions, experiment: Experiment) -> dict[str, str]:
    """Title -> value with its unit, in the order of the declaration; names where the action is no longer known."""
    try:
        action = actions.get(experiment.action)
    except NotFound:
        return {name: str(value) for name, value in experiment.values().items()}
    shown = {item.title: _shown(item, experiment) for item in action.parameters()}
    return shown | ({"Seed": str(experiment.seed)} if action.seeded else {})


def value_shown(parameter: Parameter, value: Value) -> str:
    """One value: '400 HU', 'On', a choice's label."""
    if isinstance(value, bool):
        return "On" if value else "Off"
    if parameter.kind == "choice":
        return next((label for label, option in parameter.options if option == value), str(value))
    if value is None or value == "":
        return "not set"
    number = f"{value:g}" if isinstance(value, int | float) else str(value)
    return f"{number} {parameter.unit}".strip()


def _shown(parameter: Parameter, experiment: Experiment) -> str:
    if parameter.kind == "image":
        return f"sha256 {experiment.inputs.get(parameter.name, '')[:12]}"
    if parameter.kind == "model":
        name, revision = experiment.models.get(parameter.name, ("", ""))
        return f"{name} ({revision[:12]})"
    return value_shown(parameter, experiment.parameters.get(parameter.name))
