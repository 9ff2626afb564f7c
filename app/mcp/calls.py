"""Calls of tools: submit, follow with progress, stop with the client, and say what was found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
import mcp_types as types
from starlette.concurrency import run_in_threadpool

from app.given import read_action, read_seed
from app.mcp.told import examples_told, resource_told, run_told
from app.mcp.tools import GET_RUN, LIST_EXAMPLES, tool_name
from app.watching import Watchers
from backends.core.action import Action
from backends.core.errors import BadParameter, NotFound, VitrineError
from backends.runtime.executor import Final, Progressed
from backends.runtime.lab import Lab
from backends.store.values import Run

_STEP = 1e-6
Report = Callable[[float, float | None, str | None], Awaitable[None]]


@dataclass(frozen=True)
class Caller:
    """Who calls. origin: scheme and host under which we were asked. report: (done, of, sentence) -> to the client."""

    visitor: str
    origin: str
    report: Report


class Calls:
    """The tools' other side. Everything takes the path that the pages take: the runtime, as the visitor."""

    def __init__(self, lab: Lab, watchers: Watchers) -> None:
        self._lab = lab
        self._watchers = watchers
        self._actions = {tool_name(action): action for action in (*lab.actions, *lab.actions.derived)}

    async def call(self, tool: str, given: Mapping[str, Any], caller: Caller) -> types.CallToolResult:
        """One call. Raises VitrineError with the sentence to tell."""
        if tool == LIST_EXAMPLES:
            return await run_in_threadpool(examples_told, self._lab)
        if tool == GET_RUN:
            run = await run_in_threadpool(self._lab.store.runs.get, _text(given, "run"), caller.visitor)
        elif tool in self._actions:
            run = await self._run(self._actions[tool], given, caller)
        else:
            raise NotFound(f"There is no tool named '{tool[:80]}'.", hint="List the tools.")
        return await run_in_threadpool(run_told, run, self._lab, caller.visitor, caller.origin)

    async def read(self, address: str, caller: Caller) -> types.ReadResourceResult:
        """The bytes behind a link that a tool gave. Raises MCPError when there are none for this caller."""
        return await run_in_threadpool(resource_told, address, self._lab, caller.visitor)

    async def _run(self, action: type[Action], given: Mapping[str, Any], caller: Caller) -> Run:
        """The run at its end. A client that cancels, or goes away, stops it. Raises what became of it."""

        def start() -> Run:
            values = dict(given)
            seed = read_seed(values.pop("seed", 0)) if action.seeded else 0
            built = read_action(action, values, self._lab, caller.visitor)
            return self._lab.runtime.submit(self._lab.experiment(built, seed), caller.visitor)

        run, told = await run_in_threadpool(start), -_STEP
        try:
            async for event in self._watchers.watch(run.id, caller.visitor):
                if isinstance(event, Final):
                    run = event.run
                elif isinstance(event, Progressed):
                    told = max(event.fraction, told + _STEP)  # the protocol wants it to grow with every sentence
                    await caller.report(told, 1.0, event.sentence)
        finally:
            if not run.ended:
                with anyio.CancelScope(shield=True):
                    await run_in_threadpool(self._lab.runtime.cancel, run.id, caller.visitor)
        if run.state != "done":
            error = run.error or {}
            raise VitrineError(error.get("message") or f"The run ended {run.state}.", hint=error.get("hint", ""))
        return run


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or set(given) != {name}:
        raise BadParameter(f"This tool takes '{name}' and nothing else.", hint="Give a text.", field=name)
    return value
