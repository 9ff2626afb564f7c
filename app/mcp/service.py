"""The protocol's server: which requests there are, and who asks. What they do is in the neighbouring files."""

from __future__ import annotations

from typing import Any

import mcp_types as types
import structlog
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings

from app.mcp.calls import Caller, Calls
from app.mcp.told import refused
from app.mcp.tools import list_tools
from app.watching import Watchers
from backends.core.errors import VitrineError
from backends.core.identity import guest
from backends.runtime.failures import new_reference, unexpected, where
from backends.runtime.lab import Lab

_SESSIONS = 1000  # open at once, about 50 kB each; one that is silent for half an hour is closed
_INSTRUCTIONS = (
    "Vitrine runs deep-learning models on this server. Each tool runs one action; '_sweep' tools run it over lists of "
    "values. Where a picture is wanted, give the id of an example (see list_examples), the digest of a file given to "
    "POST /api/inputs, or the file itself in base64. Results are reproducible: equal inputs give equal digests."
)

log = structlog.get_logger(__name__)


def make_sessions(lab: Lab, watchers: Watchers) -> StreamableHTTPSessionManager:
    """The protocol over HTTP, not started. Host, origin, rate and size are checked by the guards before it."""
    tools, calls = list_tools(lab), Calls(lab, watchers)

    async def on_list(_: Any, __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=tools)

    async def on_call(ctx: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            return await calls.call(params.name, params.arguments or {}, _caller(ctx))
        except VitrineError as err:
            return refused(err)
        except Exception as err:  # noqa: BLE001 - the last boundary: a bug's words stay in the log
            reference = new_reference()
            log.error("tool failed", tool=params.name, reference=reference, error=type(err).__name__, where=where(err))
            return refused(unexpected(reference))

    async def on_read(ctx: Any, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
        return await calls.read(str(params.uri), _caller(ctx))

    async def on_resources(_: Any, __: types.PaginatedRequestParams | None) -> types.ListResourcesResult:
        return types.ListResourcesResult(resources=[])  # results are linked by the runs that made them

    server: Server[Any] = Server(
        "vitrine",
        title="Vitrine",
        version=lab.version,
        instructions=_INSTRUCTIONS,
        on_list_tools=on_list,
        on_call_tool=on_call,
        on_list_resources=on_resources,
        on_read_resource=on_read,
    )
    return StreamableHTTPSessionManager(
        server,
        max_sessions=_SESSIONS,
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # app.safety.hosts does it
    )


def _caller(ctx: Any) -> Caller:
    """Who asks: the visitor of the cookie; a client without cookies is a guest while its session lasts."""
    request = ctx.request
    session = request.headers.get("mcp-session-id", "")
    visitor = guest(f"mcp:{session}") if request.state.visitor_is_new and session else request.state.visitor
    return Caller(visitor, f"{request.url.scheme}://{request.url.netloc}", ctx.session.report_progress)
