"""The one ASGI application on the one port: API under /api, playgrounds under /play/<name>, tools at /mcp, shell at /.

Mounted applications never receive ASGI's lifespan, so the root's enters all of them: Gradio chains its own to it,
Streamlit's is given by `App.lifespan()` and that of the tools by `run()`. The shell is mounted last: it answers every
path that nobody else has.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from app import environment, logs
from app.api import create_api
from app.background import Background
from app.metrics import Metrics
from app.readiness import Readiness
from app.routes.presenting import mount_presenting
from app.safety.bodies import Bodies
from app.safety.closed import Closed
from app.safety.fetched import judge_files, never_fetch
from app.safety.forwarded import Forwarded
from app.safety.headers import Headers, Nonces
from app.safety.hosts import Hosts
from app.safety.origins import Origins
from app.safety.rates import Rates
from app.safety.references import References
from app.safety.visitors import Visitors
from app.selftest import Address
from app.settings import ROOT, Settings
from app.shell_page import ShellPage, page_names, shell_html
from app.watching import Watchers
from app.wiring import build_lab
from backends.core.playground import Playground
from backends.runtime.lab import Lab
from components import lab as installed
from components.slides import look as slides
from components.theme.page import first_script

_WAITING_EVENTS = 256  # events that may wait in one playground's Gradio queue; the runtime has its own, smaller bound
# Whoever follows a run keeps a thread until it ends. In the 40 that everything else shares, 48 followers kept a static
# file from being answered for 20 s; with threads of their own it took 15 ms (tests/load/test_many_followers.py).
_FOLLOWERS = 256
_A_YEAR = "public, max-age=31536000, immutable"


class Application:
    """The whole server as an ASGI application, with what starts and stops it."""

    def __init__(self, settings: Settings, lab: Lab, temp: Path) -> None:
        self.settings = settings
        self.lab = lab
        self.readiness = Readiness()
        self.metrics = Metrics(lab)
        self.background = Background(lab, settings, self.readiness, temp)
        self.root = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
        self._drained = False
        self._guarded = guard(self.root, settings, lab, self.metrics, head())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        await self._guarded(scope, receive, send)

    def listening(self, port: int, on_failure: Any) -> None:
        """Begin the work in the background, now that the socket listens on `port`."""
        host = (self.settings.hosts or ("localhost",))[0].replace("*.", "self-test.")
        connect = self.settings.host if self.settings.host not in ("0.0.0.0", "::", "localhost") else "127.0.0.1"
        self.background.start(Address(connect, port, f"{host}:{port}"), on_failure)

    async def drain(self) -> None:
        """Take no more runs, let those that are going finish for `drain_seconds`, mark the rest interrupted."""
        if not self._drained:
            self._drained = True
            await asyncio.to_thread(self.lab.runtime.close, self.settings.drain_seconds)

    async def close(self) -> None:
        """Stop everything and let go of models and database."""
        await self.drain()
        await asyncio.to_thread(self.background.stop)
        await asyncio.to_thread(self.lab.registry.close)
        await asyncio.to_thread(self.lab.store.close)


def create_app(settings: Settings, more: tuple[Playground, ...] = ()) -> Application:
    """The application, not started: its lifespan does that. more: playgrounds besides those under backends/.

    One to a process: Streamlit's runtime is a singleton. Raises what `build_lab` raises.
    """
    temp = environment.prepare(settings)
    lab = build_lab(settings, more)
    installed.install(lab)
    app = Application(settings, lab, temp)
    app.root.mount("/api", create_api(lab, app.metrics, app.readiness))
    for folder in ("fonts", "brand"):
        app.root.mount(f"/assets/{folder}", _Lasting(directory=ROOT / "assets" / folder, check_dir=False))
    app.root.add_route("/favicon.ico", _favicon)
    mount_presenting(app.root, lab)
    shell, tools = _shell(), _tools(lab)
    app.root.router.routes.append(Route("/mcp", tools.asgi_app))
    app.root.router.lifespan_context = _lifespan(app, shell, tools)
    for playground in lab.actions.playgrounds:
        mount_playground(app.root, playground, lab)
    app.root.mount("/", shell_page(shell, lab))
    logs.adopt()
    return app


def guard(root: ASGIApp, settings: Settings, lab: Lab, metrics: Metrics, own_scripts: str = "") -> ASGIApp:
    """`root` behind every guard; the first to see a request is the last in this list."""
    app: ASGIApp = Nonces(root)
    app = Bodies(app, settings.limits.upload_bytes, settings.limits.archive_bytes)
    app = Rates(app, settings.submits_per_second, settings.uploads_per_minute)
    app = Visitors(app, lab.identity)
    app = Origins(app, settings.allowed_origins)
    app = Closed(app)
    app = Hosts(app, settings.hosts)
    app = Forwarded(app, settings.trust_proxy)
    app = References(app, metrics.observe)
    shell_scripts = shell_html() + first_script()
    return Headers(app, settings.frame_ancestors, shell_scripts, own_scripts, slides.script_html())


def shell_page(shell: ASGIApp, lab: Lab) -> ShellPage:
    """The shell with our page, which begins with the stored result that an address opens."""
    from components.first_sight import first_sight

    names = page_names(playground.name for playground in lab.actions.playgrounds)
    return ShellPage(shell, shell_html(), names, partial(first_sight, lab))


def head() -> str:
    """Our scripts in the head of a playground's page."""
    from components.theme import gradio as look

    return look.head()


def mount_playground(root: FastAPI, playground: Playground, lab: Lab) -> None:
    """Build the playground's page and mount it under /play/<name>."""
    import gradio as gr

    from components.playground import build
    from components.theme import gradio as look

    blocks = build(playground, lab)
    judge_files(blocks)
    never_fetch()
    blocks.max_threads = _FOLLOWERS  # before the queue is made: it takes its number of workers from it
    blocks.queue(max_size=_WAITING_EVENTS, api_open=False)
    gr.mount_gradio_app(
        root,
        blocks,
        f"/play/{playground.name}",
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=lab.limits.upload_bytes,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=look.gradio_theme(),
        css=look.gradio_css(),
        head=head(),
    )


def _shell() -> Any:
    import streamlit

    return streamlit.App(ROOT / "app" / "shell.py")


def _tools(lab: Lab) -> Any:
    """The sessions of /mcp. Gradio imports the protocol's library in any case, so this costs the start nothing."""
    from app.mcp.service import make_sessions

    return make_sessions(lab, Watchers(lab))


async def _favicon(_: Request) -> FileResponse:
    """What browsers ask for on pages that name no icon, such as a playground opened by itself."""
    return FileResponse(ROOT / "assets" / "brand" / "mark.svg", media_type="image/svg+xml")


def _lifespan(app: Application, shell: Any, tools: Any) -> Any:
    enter_shell = shell.lifespan()

    @asynccontextmanager
    async def lifespan(root: FastAPI) -> AsyncIterator[None]:
        async with enter_shell(root), tools.run():
            await asyncio.to_thread(app.lab.runtime.start)
            try:
                yield
            finally:
                await app.close()

    return lifespan


class _Lasting(StaticFiles):
    """Files whose names change with their contents."""

    def file_response(self, *args: Any, **kwargs: Any) -> Any:
        """The file, to be kept by the browser."""
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = _A_YEAR
        return response
