"""A tab of the Streamlit shell: speaks its WebSocket protocol (protobuf of the installed package) as its page does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.load.clients import PATIENCE, Dropped, Refused, Visitor


@dataclass
class ScriptRun:
    """One run of a page's script, as the browser saw it. seconds: from asking to the end of the script."""

    seconds: float
    session: str
    elements: list[Any] = field(default_factory=list)

    def ids(self, kind: str) -> list[str]:
        """The widget ids of that kind ('slider') on the page."""
        return [str(getattr(item, kind).id) for item in self.elements if item.WhichOneof("type") == kind]


class ShellTab:
    """A tab with the shell: connects as Streamlit's page does, runs its script, notices when it is dropped."""

    def __init__(self, visitor: Visitor, page: str = "") -> None:
        self.visitor = visitor
        self.page = page
        self._socket: websockets.ClientConnection | None = None
        self._hash = ""

    async def __aenter__(self) -> ShellTab:
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._socket:
            await self._socket.close()

    async def open(self, *, assets: bool = True) -> ScriptRun:
        """Load the page, connect, and follow the first run. assets: also fetch what the HTML names."""
        started = time.perf_counter()
        await (self.visitor.page(f"/{self.page}") if assets else self.visitor.get(f"/{self.page}"))
        await asyncio.gather(self.visitor.get("/_stcore/health"), self.visitor.get("/_stcore/host-config"))
        token = self.visitor.http.cookies.get("_streamlit_xsrf") or "PLACEHOLDER_AUTH_TOKEN"
        self._socket = await websockets.connect(
            self.visitor.base.replace("http", "ws", 1) + "/_stcore/stream",
            origin=websockets.Origin(self.visitor.base),
            subprotocols=[websockets.Subprotocol("streamlit"), websockets.Subprotocol(token)],
            additional_headers={"Cookie": self.visitor.cookies},
            user_agent_header="Mozilla/5.0 (Vitrine load)",
            open_timeout=PATIENCE,
            ping_interval=None,  # browsers answer pings and send none
            max_size=None,
            proxy=None,
        )
        run = await self.run()
        run.seconds = time.perf_counter() - started
        return run

    async def run(self, widgets: Mapping[str, float] | None = None) -> ScriptRun:
        """Run the script with these slider positions, and follow it to its end. Raises Dropped or Refused."""
        message = BackMsg()
        state = message.rerun_script
        state.page_name, state.page_script_hash = ("", self._hash) if self._hash else (self.page, "")
        state.context_info.url, state.context_info.timezone = f"{self.visitor.base}/{self.page}", "UTC"
        for name, value in (widgets or {}).items():
            state.widget_states.widgets.add(id=name).double_array_value.data.append(value)
        started = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                await self._open_socket.send(message.SerializeToString())
                run = await self._follow()
        except websockets.ConnectionClosed as err:
            raise Dropped(f"the WebSocket was dropped: {err}") from err
        run.seconds = time.perf_counter() - started
        return run

    @property
    def alive(self) -> bool:
        """Whether the WebSocket still stands."""
        return self._socket is not None and self._socket.state is websockets.State.OPEN

    @property
    def _open_socket(self) -> websockets.ClientConnection:
        if self._socket is None:
            raise Dropped("the tab was not opened")
        return self._socket

    async def _follow(self) -> ScriptRun:
        run = ScriptRun(0.0, "")
        while True:
            message = ForwardMsg.FromString(await self._open_socket.recv(decode=False))
            match message.WhichOneof("type"):
                case "new_session":
                    run = ScriptRun(0.0, message.new_session.initialize.session_id or run.session)
                    self._hash = message.new_session.page_script_hash
                case "delta" if message.delta.WhichOneof("type") == "new_element":
                    run.elements.append(message.delta.new_element)
                case "page_not_found":
                    raise Refused(f"the shell knows no page '{self.page}'")
                case "script_finished":
                    if message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                        continue
                    _no_exception(run, message.script_finished)
                    return run


def _no_exception(run: ScriptRun, status: int) -> None:
    if status not in (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY):
        raise Refused(f"the script ended with status {status}")
    for element in run.elements:
        if element.WhichOneof("type") == "exception":
            raise Refused(f"the page shows an exception: {element.exception.type} {element.exception.message}"[:300])
