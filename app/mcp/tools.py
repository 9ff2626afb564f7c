"""What tools there are: one an action, one its sweep, derived from the declarations; and two to look around."""

from __future__ import annotations

import mcp_types as types

from backends.core.action import Action
from backends.experiments.schemas import SEED, parameter_schema, values_schema
from backends.runtime.lab import Lab

LIST_EXAMPLES, GET_RUN = "list_examples", "get_run"
# A run leaves nothing behind but a private note that expires.
_HINTS = types.ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)


def list_tools(lab: Lab) -> list[types.Tool]:
    """All tools: the actions in the order of their declarations, then their sweeps."""
    offered = (*lab.actions, *lab.actions.derived)
    return [_list_examples(), _get_run(), *(_tool(action, lab) for action in offered)]


def tool_name(action: type[Action]) -> str:
    """What clients call it: letters, digits and underscores."""
    return action.name.replace("/", "_").replace("-", "_")


def _tool(action: type[Action], lab: Lab) -> types.Tool:
    playground = lab.actions.playground_of(action.name)
    schema = values_schema(action, lab.catalogue, [example.id for example in playground.examples()])
    if action.seeded:
        schema["properties"]["seed"] = parameter_schema(SEED, lab.catalogue)
    outputs = "; ".join(f"{output.title} ({output.kind})" for output in action.outputs)
    told = f"{action.summary()}\n\nReturns: {outputs}. {playground.notice}".strip()
    return types.Tool(
        name=tool_name(action), title=action.title, description=told, input_schema=schema, annotations=_HINTS
    )


def _list_examples() -> types.Tool:
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    return types.Tool(
        name=LIST_EXAMPLES,
        title="List examples",
        description="The example pictures that ship with each playground: ids, titles, sources, settings that suit.",
        input_schema=schema,
        annotations=_HINTS,
    )


def _get_run() -> types.Tool:
    run = {"type": "string", "maxLength": 64, "description": "The run's id, as a tool has told it."}
    return types.Tool(
        name=GET_RUN,
        title="Look at a run",
        description="The state and results of a run that was made before in this session.",
        input_schema={"type": "object", "properties": {"run": run}, "required": ["run"], "additionalProperties": False},
        annotations=_HINTS,
    )
