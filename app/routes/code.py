"""/api/runs/<id>/code: a run as programs that make it again, one by one or all with their inputs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import IO

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, StreamingResponse

from app.visiting import origin_of, visitor_of
from backends.experiments import code
from backends.runtime.lab import Lab
from backends.store.values import Run

_IN_MEMORY = 4 * 2**20  # bytes of a zip that are kept in memory; more goes to a temporary file
_CHUNK = 2**16


def router(lab: Lab) -> APIRouter:
    """The addresses of the programs."""
    routes = APIRouter(tags=["code"])

    def add(name: str, summary: str, write: Callable[[Run, str], str]) -> None:
        def script(run_id: str, request: Request) -> PlainTextResponse:
            run = lab.store.runs.get(run_id, visitor_of(request))
            return PlainTextResponse(write(run, origin_of(request)), headers=_attached(name))

        routes.add_api_route(
            f"/runs/{{run_id}}/code/{name}",
            script,
            methods=["GET"],
            summary=summary,
            operation_id=name.removesuffix(".py"),
            response_class=PlainTextResponse,
        )

    add(code.HTTP, "The run as a program that asks this server.", lambda run, at: code.http_script(lab, run, at))
    add(code.GRADIO, "The same by gradio_client.", lambda run, at: code.gradio_script(lab, run, at))
    add(code.LOCAL, "The run as a program that needs no server.", lambda run, _: code.local_script(lab, run))

    @routes.get(
        "/runs/{run_id}/code.zip",
        response_class=StreamingResponse,
        responses={200: {"content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}}}},
    )
    def code_zip(run_id: str, request: Request) -> StreamingResponse:
        """All three programs with the run's inputs, to be unpacked and run as they are."""
        visitor = visitor_of(request)
        run = lab.store.runs.get(run_id, visitor)
        with ExitStack() as stack:
            file = stack.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))
            code.write_zip(lab, run, visitor, origin_of(request), file)
            stack.pop_all()  # it is whole: whoever sends it closes it
        return StreamingResponse(_chunks(file), media_type="application/zip", headers=_attached("code.zip"))

    return routes


def _attached(name: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk
