"""A tab of a Gradio app: the components' values as the page holds them, events through the queue (protocol sse_v3).

An event is POSTed to queue/join; what becomes of it comes on queue/data (SSE), one stream while any is under way.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from gradio_client.utils import apply_diff

from tests.load.clients import PATIENCE, Dropped, Refused, Visitor


@dataclass
class Answer:
    """What an event ended with: outputs by component id, in seconds since it was fired."""

    seconds: float
    outputs: dict[int, Any]


class PlaygroundTab:
    """A tab with a Gradio app: holds the components' values as the page does, fires events, follows the queue."""

    def __init__(self, visitor: Visitor, path: str) -> None:
        self.visitor = visitor
        self.address = path
        self.path = path.split("?")[0].rstrip("/")
        self.session = secrets.token_hex(6)
        self.values: dict[int, Any] = {}
        self.config: dict[str, Any] = {}
        self._ids: dict[str, int] = {}
        self._messages: dict[str, asyncio.Queue[dict[str, Any]]] = {}  # by event; some come before the join's answer
        self._going: set[str] = set()  # events that were joined and have not ended
        self._tasks: list[asyncio.Task[None]] = []
        self._stream: asyncio.Task[None] | None = None

    async def __aenter__(self) -> PlaygroundTab:
        return self

    async def __aexit__(self, *exc: object) -> None:
        tasks = [*self._tasks, *([self._stream] if self._stream else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def open(self, *, assets: bool = True) -> None:
        """Load the page with its configuration, and hold the heartbeat that keeps the session."""
        html = await (self.visitor.page(self.address) if assets else _text(self.visitor, self.address))
        start = html.index("window.gradio_config") + len("window.gradio_config")
        self.config = json.JSONDecoder().raw_decode(html[html.index("{", start) :])[0]
        for component in self.config["components"]:
            props = component.get("props", {})
            self.values[component["id"]] = props.get("value")
            if props.get("elem_id"):
                self._ids[props["elem_id"]] = component["id"]
        self._tasks.append(asyncio.create_task(self._heartbeat()))

    @property
    def alive(self) -> bool:
        """Whether the heartbeat still comes; without it the server drops the session."""
        return bool(self._tasks) and not any(task.done() for task in self._tasks)

    def id(self, elem_id: str) -> int:
        """The component of that elem_id. Raises KeyError."""
        return self._ids[elem_id]

    def value(self, elem_id: str) -> Any:
        """What the page shows in that component."""
        return self.values[self.id(elem_id)]

    def set(self, elem_id: str, value: Any) -> None:
        """Move a control, without firing anything."""
        self.values[self.id(elem_id)] = value

    async def fire(self, event: str, elem_id: str = "", event_data: Any = None) -> Answer:
        """Fire an event ('load', 'click', 'input') and follow it to its end. Raises Refused or Dropped."""
        started = time.perf_counter()
        answer = Answer(0.0, {})
        async for arrived, outputs in self.stream(event, elem_id, event_data):
            answer = Answer(arrived - started, outputs)
        return answer

    async def stream(
        self, event: str, elem_id: str = "", event_data: Any = None
    ) -> AsyncIterator[tuple[float, dict[int, Any]]]:
        """Fire an event and yield (arrival time, outputs) as they come; the page's values follow."""
        event_id, outputs = await self._join(event, elem_id, event_data)
        try:
            async for arrived, data in self._answers(event_id):
                named = dict(zip(outputs, data, strict=True))
                self._show(named)
                yield arrived, named
        finally:
            self._going.discard(event_id)
            self._messages.pop(event_id, None)

    async def begin(self, event: str, elem_id: str) -> None:
        """Fire an event, and return once the server has begun it; the tab follows it until it is closed."""
        event_id, _ = await self._join(event, elem_id, None)
        messages = self._messages.setdefault(event_id, asyncio.Queue())
        async with asyncio.timeout(PATIENCE):
            while (message := await messages.get())["msg"] != "process_starts":
                if message["msg"] == "dropped":
                    raise Dropped(f"the event stream ended early: {message['why']}")

    async def _join(self, event: str, elem_id: str, event_data: Any) -> tuple[str, list[int]]:
        """Join the queue: (the event's id, the components that its answers are for)."""
        source = self.id(elem_id) if elem_id else None
        dependency = self._dependency(event, source)
        body = {
            "data": [self.values.get(item) for item in dependency["inputs"]],
            "event_data": event_data,
            "fn_index": dependency["id"],
            "trigger_id": source,
            "session_hash": self.session,
        }
        answer = await self.visitor.post(f"{self.path}/gradio_api/queue/join", json=body)
        event_id = str(answer.json()["event_id"])
        self._going.add(event_id)
        if self._stream is None or self._stream.done():
            self._stream = asyncio.create_task(self._read())
        return event_id, dependency["outputs"]

    def _dependency(self, event: str, source: int | None) -> dict[str, Any]:
        found: list[dict[str, Any]] = [
            dependency
            for dependency in self.config["dependencies"]
            if any(name == event and (source is None or target == source) for target, name in dependency["targets"])
        ]
        if not found:
            raise Refused(f"the page has no event '{event}' of component {source}")
        return max(found, key=lambda dependency: len(dependency["outputs"]))  # of several, the page's own

    async def _answers(self, event_id: str) -> AsyncIterator[tuple[float, list[Any]]]:
        shown: list[Any] | None = None
        messages = self._messages.setdefault(event_id, asyncio.Queue())
        while True:
            async with asyncio.timeout(PATIENCE):
                message = await messages.get()
            if message["msg"] == "dropped":
                raise Dropped(f"the event stream ended early: {message['why']}")
            if message["msg"] == "unexpected_error" or message.get("success") is False:
                raise Refused(f"the event failed: {message.get('message') or message.get('output')}"[:300])
            if message["msg"] not in ("process_generating", "process_completed"):
                continue
            data = message["output"].get("data", [])
            if message["msg"] == "process_generating":  # after the first, only what changed is sent
                shown = data if shown is None else [apply_diff(*pair) for pair in zip(shown, data, strict=True)]
                yield message["arrived"], shown
                continue
            if data:
                yield message["arrived"], data
            return

    def _show(self, outputs: Mapping[int, Any]) -> None:
        for component, output in outputs.items():
            if not isinstance(output, dict) or output.get("__type__") != "update":
                self.values[component] = output
            elif "value" in output:
                self.values[component] = output["value"]

    async def _read(self) -> None:
        """The event stream: held while any event is under way, and asked for again if one begins as it closes."""
        why = ""
        params = {"session_hash": self.session}
        while self._going and not why:
            closed = False
            try:
                async with self.visitor.http.stream("GET", f"{self.path}/gradio_api/queue/data", params=params) as got:
                    why = "" if got.is_success else f"status {got.status_code}"
                    async for line in got.aiter_lines():
                        closed = closed or (line.startswith("data: ") and self._deliver(json.loads(line[6:])))
                why = why or ("" if closed else "it ended without saying so")
            except httpx.HTTPError as err:
                why = repr(err)
        for event_id in self._going:
            self._messages.setdefault(event_id, asyncio.Queue()).put_nowait({"msg": "dropped", "why": why})

    def _deliver(self, message: dict[str, Any]) -> bool:
        """Give a message to whoever follows its event; says whether it was the last of the stream."""
        message["arrived"] = time.perf_counter()
        event_id = message.get("event_id")
        if event_id:
            self._messages.setdefault(event_id, asyncio.Queue()).put_nowait(message)
        if message["msg"] == "process_completed":
            self._going.discard(event_id or "")
        return bool(message["msg"] == "close_stream")

    async def _heartbeat(self) -> None:
        timeout = httpx.Timeout(PATIENCE, read=None)
        address = f"{self.path}/gradio_api/heartbeat/{self.session}"
        async with self.visitor.http.stream("GET", address, timeout=timeout) as answer:
            async for _ in answer.aiter_lines():
                pass


async def _text(visitor: Visitor, path: str) -> str:
    return (await visitor.get(path)).text
