"""A session as slides: the live page at /present/{address}, and the same as one file from the API."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as Asked
from starlette.responses import FileResponse, Response

from app.visiting import visitor_of
from backends.core.errors import TooLarge, VitrineError
from backends.runtime.lab import Lab
from backends.store.values import Session, StoredOutput
from components.slides.document import closed_html, slides_html
from components.slides.look import plotly_file
from components.slides.material import Material

FILE_BYTES_MAX = 128 * 2**20  # of results in one file; it is built in memory, and browsers open larger ones badly
_SMALL = 16 * 1024  # bytes of what is kept while one page is written
_A_DAY = {"Cache-Control": "public, max-age=86400"}  # its address stays the same with another version
_FRESH = {"Cache-Control": "private, no-store"}  # a link that was withdrawn must not open from a cache


def mount_presenting(root: Starlette, lab: Lab) -> None:
    """Add the live page and what it loads."""

    async def plotly(_: Asked) -> Response:
        return FileResponse(plotly_file(), media_type="text/javascript", headers=_A_DAY)

    async def present(request: Asked) -> Response:
        visitor: str = request.state.visitor
        page, status = await run_in_threadpool(_page, lab, request.path_params["address"], visitor)
        return HTMLResponse(page, status, _FRESH)

    root.add_route("/present/files/plotly.min.js", plotly)
    root.add_route("/present/{address}", present)


def router(lab: Lab) -> APIRouter:
    """The address of the file."""
    routes = APIRouter(tags=["sessions"])

    @routes.get("/sessions/{address}/slides.html", response_class=HTMLResponse)
    def slides_file(
        address: str,
        request: Request,
        speaker: Annotated[bool, Query(description="With speaker notes; for the owner only.")] = False,
    ) -> HTMLResponse:
        """A session as slides in one HTML file that needs no network. address: a link, or the id of one's own."""
        visitor = visitor_of(request)
        session = lab.store.sessions.open(address, visitor)
        _check_size(session)
        page = slides_html(session, _material(lab, session, visitor, str(request.base_url)), speaker=speaker)
        name = f"{file_stem(session.title)}.html"
        return HTMLResponse(page, headers={**_FRESH, "Content-Disposition": f'attachment; filename="{name}"'})

    return routes


def file_stem(title: str) -> str:
    """A title as a file's name: letters, digits and hyphens of ASCII, at most 60, never empty."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9]+", "-", plain)[:60].strip("-").lower() or "slides"


def _page(lab: Lab, address: str, visitor: str) -> tuple[str, int]:
    """The page and its status."""
    try:
        session = lab.store.sessions.open(address, visitor)
        return slides_html(session, _material(lab, session, visitor), speaker=True), 200
    except VitrineError as err:
        return closed_html(err), err.status


def _material(lab: Lab, session: Session, visitor: str, base: str = "") -> Material:
    """base: the address of the API, for a file; empty for the live page."""
    small: dict[str, bytes] = {}  # a title reads the sentence that the slide then reads again

    def read(output: StoredOutput) -> bytes:
        if output.digest in small:
            return small[output.digest]
        data = lab.store.artifacts.read(output.digest, visitor)
        if len(data) < _SMALL:
            small[output.digest] = data
        return data

    origin = base.rstrip("/").removesuffix("/api")
    return Material(lab.actions, read, live=not base, address=session.address, origin=origin)


def _check_size(session: Session) -> None:
    total = sum(output.bytes for run in session.runs for output in run.outputs if output.kind != "file")
    if total > FILE_BYTES_MAX:
        raise TooLarge(
            f"These results are {total >> 20} MB, more than the {FILE_BYTES_MAX >> 20} MB that one file may hold.",
            hint="Present it live, or make a session with fewer results.",
        )
