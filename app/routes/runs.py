"""/api/runs and /api/inputs: bring an input, follow a run, stop it, fetch what it found."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool

from app.answers import Answer, reference_of
from app.routes.playgrounds import LONGEST_WAIT
from app.views import InputView, RunView
from app.visiting import visitor_of
from app.watching import Watchers
from backends.core.errors import BadInput, BadParameter, NotFound, VitrineError
from backends.experiments.naming import file_name
from backends.runtime.executor import Final, Produced, Progressed, RunEvent, Started
from backends.runtime.lab import Lab
from backends.store.values import Run, StoredOutput

# Types that a browser may show; anything else is a download, so that nothing a file says of itself is run.
_SHOWN = frozenset(("image/png", "audio/wav", "application/json", "text/plain"))
_Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for the run's end.")]


def router(lab: Lab, watchers: Watchers) -> APIRouter:
    """The addresses about runs and inputs."""
    routes = APIRouter(tags=["runs"])

    @routes.get("/runs")
    def recent_runs(request: Request, limit: Annotated[int, Query(ge=1, le=200)] = 20) -> list[RunView]:
        """The visitor's latest runs, newest first."""
        return [RunView.of(run) for run in lab.store.runs.recent(visitor_of(request), limit)]

    @routes.get("/runs/{run_id}")
    async def get_run(run_id: str, request: Request, wait: _Wait = 0.0) -> RunView:
        """A run, as it is or once it has ended."""
        visitor = visitor_of(request)
        run = await run_in_threadpool(lab.store.runs.get, run_id, visitor)
        return RunView.of(await watchers.wait(run, visitor, wait))

    @routes.post("/runs/{run_id}/cancel")
    def cancel_run(run_id: str, request: Request) -> RunView:
        """Stop a run: at once while it waits, within one step once it runs."""
        visitor = visitor_of(request)
        lab.runtime.cancel(run_id, visitor)
        return RunView.of(lab.store.runs.get(run_id, visitor))

    @routes.get("/runs/{run_id}/events", response_class=StreamingResponse)
    async def run_events(run_id: str, request: Request) -> StreamingResponse:
        """What the run has said and says (server-sent events: started, progress, output, final or error)."""
        visitor = visitor_of(request)
        await run_in_threadpool(lab.store.runs.get, run_id, visitor)  # a run that is not theirs is a 404, not a stream
        stream = _events(watchers.watch(run_id, visitor), reference_of(request.scope))
        return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    @routes.get("/runs/{run_id}/outputs/{name}", response_class=FileResponse)
    def run_output(run_id: str, name: str, request: Request) -> FileResponse:
        """The bytes of one result."""
        visitor = visitor_of(request)
        output = _output(lab.store.runs.get(run_id, visitor), name)
        return _file(output, lab.store.artifacts.open_path(output.digest, visitor))

    @routes.post("/inputs", openapi_extra=_RAW_BODY)
    async def bring_input(action: str, parameter: str, request: Request) -> InputView:
        """Give a file as the value of an image parameter. Names, places and cameras in it are dropped."""
        data, visitor = await request.body(), visitor_of(request)
        return await run_in_threadpool(_bring, lab, action, parameter, data, visitor)

    return routes


_RAW_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


def _bring(lab: Lab, action_name: str, parameter: str, data: bytes, visitor: str) -> InputView:
    action = lab.actions.get(action_name)
    if parameter not in [item.name for item in action.parameters() if item.kind == "image"]:
        raise BadParameter("This action takes no image of that name.", hint="See /api/playgrounds.", field="parameter")
    if not data:
        raise BadInput("The file is empty.", hint="Choose another one.")
    kept = action.prepare_input(parameter, data)
    keep = lab.actions.playground_of(action_name).keep_hours
    digest = lab.store.artifacts.put(visitor, kept, "application/octet-stream", keep_hours=keep)
    hints = {name: asdict(hint) for name, hint in action.suggest(parameter, kept).items()}
    return InputView(digest=digest, bytes=len(kept), suggestions=hints)


async def _events(events: AsyncIterator[RunEvent], reference: str) -> AsyncIterator[str]:
    try:
        async for event in events:
            yield _told(event)
    except VitrineError as err:
        yield _sse("error", Answer.to(err).body(reference))


def _told(event: RunEvent) -> str:
    match event:
        case Started():
            return _sse("started", {})
        case Progressed():
            return _sse("progress", asdict(event))
        case Produced():
            return _sse("output", {"name": event.name, "kind": event.result.kind, "title": event.result.title})
        case Final():
            return _sse("final", RunView.of(event.run).model_dump(mode="json"))


def _sse(kind: str, data: Any) -> str:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"


def _output(run: Run, name: str) -> StoredOutput:
    for output in run.outputs:
        if output.name == name:
            return output
    raise NotFound("This run has no result of that name.", hint="Its results are listed in the run.")


def _file(output: StoredOutput, path: Any) -> FileResponse:
    shown = output.media_type in _SHOWN
    return FileResponse(
        path,
        media_type=output.media_type if shown else "application/octet-stream",
        filename=file_name(output),
        content_disposition_type="inline" if shown else "attachment",
        headers={"Cache-Control": "private, max-age=3600"},
    )
