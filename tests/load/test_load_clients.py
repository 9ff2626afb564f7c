"""The load clients notice what they are there to notice; else fifty happy visitors would prove nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
import websockets
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.http11 import Request, Response

from tests.load.clients import Dropped, Refused, Visitor
from tests.load.figures import quantile
from tests.load.playground_tab import PlaygroundTab
from tests.load.shell_tab import ShellTab


def test_load_is_never_put_on_another_machine() -> None:
    with pytest.raises(ValueError, match="this machine"):
        Visitor("http://example.org:7860")


def test_a_websocket_that_ends_before_the_script_does_is_a_dropped_connection() -> None:
    asyncio.run(_open_shell(_started(), expect=Dropped))


def test_an_exception_shown_on_the_page_is_an_error_though_the_script_ended_well() -> None:
    shown = ForwardMsg()
    shown.delta.new_element.exception.type = "ZeroDivisionError"
    asyncio.run(_open_shell(_started(), shown, _finished(), expect=Refused))


def test_a_script_that_is_run_again_early_is_followed_to_the_end_of_the_second_run() -> None:
    again = _finished(ForwardMsg.FINISHED_EARLY_FOR_RERUN)
    asyncio.run(_open_shell(_started("first"), again, _started("second"), _finished(), expect=None))


def test_a_page_that_answers_with_an_error_is_refused() -> None:
    async def scenario() -> None:
        async with _server() as url, Visitor(url) as visitor:
            with pytest.raises(Refused, match="404"):
                await visitor.get("/nowhere")

    asyncio.run(scenario())


def test_a_playground_without_that_event_says_so() -> None:
    async def scenario() -> None:
        async with Visitor("http://127.0.0.1:1") as visitor, PlaygroundTab(visitor, "/play/x/") as tab:
            tab.config = {"dependencies": []}
            with pytest.raises(Refused, match="no event 'load'"):
                await tab.fire("load")

    asyncio.run(scenario())


def test_a_server_that_is_not_there_is_a_dropped_connection() -> None:
    async def scenario() -> None:
        async with Visitor("http://127.0.0.1:1") as visitor:
            with pytest.raises(Dropped):
                await visitor.get("/")

    asyncio.run(scenario())


@pytest.mark.parametrize(("part", "expected"), [(0.5, 2.0), (0.95, 4.0), (0.25, 1.0)])
def test_a_quantile_is_one_of_the_values_that_were_seen(part: float, expected: float) -> None:
    assert quantile([4.0, 1.0, 3.0, 2.0], part) == expected


async def _open_shell(*messages: ForwardMsg, expect: type[Exception] | None) -> None:
    async with _server(*messages) as url, Visitor(url) as visitor, ShellTab(visitor) as tab:
        if expect:
            with pytest.raises(expect):
                await tab.open()
        else:
            assert (await tab.open()).session == "second"


@asynccontextmanager
async def _server(*messages: ForwardMsg) -> AsyncIterator[str]:
    """A server that knows Streamlit's addresses, says `messages` when asked to run, and hangs up."""

    def answer(connection: websockets.ServerConnection, request: Request) -> Response | None:
        if request.path == "/_stcore/stream":
            return None
        known = request.path in ("/", "/_stcore/health", "/_stcore/host-config")
        return connection.respond(HTTPStatus.OK if known else HTTPStatus.NOT_FOUND, "here")

    async def talk(connection: websockets.ServerConnection) -> None:
        await connection.recv()
        for message in messages:
            await connection.send(message.SerializeToString())

    async with websockets.serve(
        talk, "127.0.0.1", 0, process_request=answer, subprotocols=[websockets.Subprotocol("streamlit")]
    ) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def _started(session: str = "one") -> ForwardMsg:
    message = ForwardMsg()
    message.new_session.initialize.session_id = session
    return message


def _finished(status: ForwardMsg.ScriptFinishedStatus.ValueType = ForwardMsg.FINISHED_SUCCESSFULLY) -> ForwardMsg:
    return ForwardMsg(script_finished=status)
