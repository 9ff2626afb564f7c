"""/api/sessions: a session as one .zip file, out and in."""

from __future__ import annotations

import tempfile
from typing import IO
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from app.views import SessionView
from app.visiting import visitor_of
from backends.core.errors import StoreError
from backends.experiments.archive import import_archive, write_archive
from backends.runtime.lab import Lab

_IN_MEMORY = 4 * 2**20  # bytes of an archive that comes in and is kept in memory; more goes to a temporary file
_ZIP = {"application/zip": {"schema": {"type": "string", "format": "binary"}}}


def router(lab: Lab) -> APIRouter:
    """The addresses of archives. {address}: a link, or the id of one's own session."""
    routes = APIRouter(tags=["sessions"])

    @routes.get("/sessions/{address}/archive.zip", response_class=StreamingResponse, responses={200: {"content": _ZIP}})
    def export_session(address: str, request: Request) -> StreamingResponse:
        """The session with all inputs and results, to keep or to import elsewhere; speaker notes for its owner only."""
        archive = write_archive(lab, address, visitor_of(request))
        headers = {
            # The plain form for old programs, RFC 5987's for letters beyond ASCII.
            "Content-Disposition": f"attachment; filename=\"session.zip\"; filename*=utf-8''{quote(archive.file_name)}",
            "Content-Length": str(archive.size),
            "Cache-Control": "no-store",
        }
        return StreamingResponse(archive.chunks(), media_type="application/zip", headers=headers)

    @routes.post(
        "/sessions/archive", status_code=201, openapi_extra={"requestBody": {"required": True, "content": _ZIP}}
    )
    async def import_session(request: Request) -> SessionView:
        """Keep an archive's session as a new one of the visitor's; refused as a whole where anything in it is wrong."""
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
            async for piece in request.stream():
                await run_in_threadpool(_write, file, piece)
            session = await run_in_threadpool(import_archive, lab, file, visitor_of(request))
        return SessionView.of(session)

    return routes


def _write(file: IO[bytes], piece: bytes) -> None:
    try:
        file.write(piece)
    except OSError as err:
        raise StoreError("The archive could not be written to disk.", hint="The disk may be full.") from err
