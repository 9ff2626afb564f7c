"""/api/playgrounds: what there is, as data; and one address for each action, derived from its declaration."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from app.given import read_action, read_seed
from app.views import RunView
from app.visiting import visitor_of
from app.watching import Watchers
from backends.core.action import Action
from backends.core.errors import BadInput
from backends.core.playground import Playground
from backends.experiments.schemas import SEED, parameter_schema, values_schema
from backends.runtime.lab import Lab

LONGEST_WAIT = 60.0  # seconds; proxies commonly cut a silent request after that
_EXAMPLES = 3  # of each action that are told
_Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for the run's end.")]


def router(lab: Lab, watchers: Watchers) -> APIRouter:
    """The addresses of all playgrounds and actions of the lab."""
    routes = APIRouter(tags=["playgrounds"])

    @routes.get("/playgrounds")
    def list_playgrounds() -> list[dict[str, Any]]:
        """Every playground with its actions: parameters with ranges, units and help; outputs."""
        return [describe(playground) for playground in lab.actions.playgrounds]

    for action in (*lab.actions, *lab.actions.derived):
        _add(routes, action, lab, watchers)
    return routes


def describe(playground: Playground) -> dict[str, Any]:
    """A playground's declaration as plain data."""
    return {
        "name": playground.name,
        "title": playground.title,
        "summary": playground.summary,
        "notice": playground.notice,
        "page": f"/{playground.name}",
        "actions": [describe_action(action) for action in playground.actions],
    }


def describe_action(action: type[Action]) -> dict[str, Any]:
    """An action's declaration as plain data."""
    return {
        "name": action.name,
        "title": action.title,
        "summary": action.summary(),
        "live": action.live,
        "seeded": action.seeded,
        "parameters": [asdict(parameter) for parameter in action.parameters()],
        "outputs": [asdict(output) for output in action.outputs],
        "submit": f"/api/actions/{action.name}",
    }


def _add(routes: APIRouter, action: type[Action], lab: Lab, watchers: Watchers) -> None:
    """One POST address for the action; its body's schema is the declaration itself."""

    async def submit(request: Request, response: Response, wait: _Wait = 0.0) -> RunView:
        values, seed = _read(await request.body())
        visitor = visitor_of(request)

        def start() -> Any:
            return lab.runtime.submit(lab.experiment(read_action(action, values, lab, visitor), seed), visitor)

        run = await watchers.wait(await run_in_threadpool(start), visitor, wait)
        response.status_code = 200 if run.ended else 202
        return RunView.of(run)

    endpoint: Callable[..., Awaitable[RunView]] = submit
    routes.add_api_route(
        f"/actions/{action.name}",
        endpoint,
        methods=["POST"],
        summary=action.title,
        description=action.summary(),
        operation_id=action.name.replace("/", "_"),
        response_model=RunView,
        responses={202: {"model": RunView, "description": "Queued or running; follow it under /api/runs."}},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": schema(action, lab), "examples": examples(action, lab)}},
            }
        },
    )


def schema(action: type[Action], lab: Lab) -> dict[str, Any]:
    """The JSON schema of a submit: the action's parameters with ranges, units and help, and a seed where one counts."""
    shipped = [example.id for example in lab.actions.playground_of(action.name).examples()]
    declared = values_schema(action, lab.catalogue, shipped)
    properties: dict[str, Any] = {"parameters": declared}
    if action.seeded:
        properties["seed"] = parameter_schema(SEED, lab.catalogue)
    required = ["parameters"] if declared["required"] else []
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def examples(action: type[Action], lab: Lab) -> dict[str, Any]:
    """Bodies that work as they are: one for each of the first examples that ship, or the usual values."""
    pictures = [item.name for item in action.parameters() if item.kind == "image"]
    if not pictures:
        usual = {item.name: item.default for item in action.parameters()}
        return {"usual": {"summary": "The usual values.", "value": {"parameters": usual}}}
    shipped = lab.actions.playground_of(action.name).examples()[:_EXAMPLES]
    return {
        example.id: {"summary": example.title, "value": {"parameters": dict.fromkeys(pictures, example.id)}}
        for example in shipped
    }


def _read(body: bytes) -> tuple[Mapping[str, Any], int]:
    """The parameters and the seed of a submit. Raises BadInput or BadParameter."""
    try:
        told = json.loads(body) if body else {}
    except (ValueError, RecursionError) as err:
        raise BadInput("The request's body is not JSON.", hint="Send an object with 'parameters'.") from err
    if not isinstance(told, dict) or not isinstance(told.get("parameters", {}), dict):
        raise BadInput("The request's body is not an object with 'parameters'.", hint="See /api/openapi.json.")
    for name in told:
        if name not in ("parameters", "seed"):
            raise BadInput("The request's body has a member besides 'parameters' and 'seed'.", hint="Remove it.")
    return told.get("parameters", {}), read_seed(told.get("seed", 0))
