"""What a client is told: a run's numbers, texts and tables as JSON, its pictures to look at, the rest as links."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import mcp_types as types
from mcp.shared.exceptions import MCPError

from backends.core.encoding import decode
from backends.core.errors import VitrineError
from backends.core.results import Encoded, Figure
from backends.experiments.naming import file_name
from backends.runtime.lab import Lab
from backends.store.values import Run, StoredOutput

_PICTURES = 2**20  # bytes of pictures in one answer, about as much as models are shown; larger ones are linked
_TEXT = 20_000  # characters of one text, and
_ROWS = 100  # rows of one table; all of it is behind the link
_RESOURCE = 8 * 2**20  # bytes that are read through the protocol; more goes by HTTP
_OUTPUT = re.compile(r"/api/runs/([\w-]{1,64})/outputs/([^/?#]{1,200})$")


def run_told(run: Run, lab: Lab, visitor: str, origin: str) -> types.CallToolResult:
    """A run: its state and plain results as JSON, pictures, and a link to each result's bytes."""
    read = lab.store.artifacts.read
    plain = {output.name: _plain(output, read(output.digest, visitor)) for output in run.outputs if _is_plain(output)}
    told: dict[str, Any] = {
        "run": run.id,
        "state": run.state,
        "experiment": run.experiment.as_dict(),
        "results": plain,
        "digests": {output.name: output.digest for output in run.outputs},
    }
    if run.error:
        told["error"] = run.error
    pictures = list(_pictures(run, lab, visitor))
    links = [_link(output, run, origin) for output in run.outputs]
    text = types.TextContent(text=json.dumps(told, ensure_ascii=False))
    return types.CallToolResult(content=[text, *pictures, *links], structured_content=told)


def examples_told(lab: Lab) -> types.CallToolResult:
    """The examples of all playgrounds."""
    told = {
        playground.name: [
            {
                "id": example.id,
                "title": example.title,
                "source": example.source,
                "synthetic": example.synthetic,
                "settings": dict(example.values),
            }
            for example in playground.examples()
        ]
        for playground in lab.actions.playgrounds
    }
    return types.CallToolResult(
        content=[types.TextContent(text=json.dumps(told, ensure_ascii=False))], structured_content=told
    )


def refused(error: VitrineError) -> types.CallToolResult:
    """What was wrong and what to do, as a result that says it is an error."""
    text = types.TextContent(text=f"{error.sentence} {error.hint}".strip())
    return types.CallToolResult(content=[text], structured_content={"error": error.as_dict()}, is_error=True)


def resource_told(address: str, lab: Lab, visitor: str) -> types.ReadResourceResult:
    """A result's bytes by its link. Raises MCPError where there is none for this visitor, or it is too large."""
    named = _OUTPUT.search(address)
    try:
        run = lab.store.runs.get(named[1], visitor) if named else None
        output = next((item for item in run.outputs if named and item.name == named[2]), None) if run else None
        if output is None:
            raise MCPError(types.INVALID_PARAMS, "There is no such result. Give the link as a tool has told it.")
        if output.bytes > _RESOURCE:
            raise MCPError(types.INVALID_PARAMS, "This result is too large to be read so. Fetch its link by HTTP.")
        data = lab.store.artifacts.read(output.digest, visitor)
    except VitrineError as err:
        raise MCPError(types.INVALID_PARAMS, f"{err.sentence} {err.hint}".strip()) from err
    blob = types.BlobResourceContents(uri=address, mime_type=output.media_type, blob=base64.b64encode(data).decode())
    return types.ReadResourceResult(contents=[blob])


def _is_plain(output: StoredOutput) -> bool:
    return output.kind in ("number", "text", "table", "tokens", "figure")


def _plain(output: StoredOutput, data: bytes) -> Any:
    """The result as plain data; of a figure the table behind it."""
    if output.kind == "text":
        text = data.decode()
        return text if len(text) <= _TEXT else f"{text[:_TEXT]} ..."
    if output.kind == "figure":
        figure = decode(Encoded(output.kind, output.media_type, data, output.meta))
        assert isinstance(figure, Figure)
        return _shortened({"columns": list(figure.table.columns), "rows": [list(row) for row in figure.table.rows]})
    return _shortened({"title": output.meta.get("title", ""), **json.loads(data)})


def _shortened(told: dict[str, Any]) -> dict[str, Any]:
    rows = told.get("rows")
    if not isinstance(rows, list) or len(rows) <= _ROWS:
        return told
    return {**told, "rows": rows[:_ROWS], "left_out": f"{len(rows) - _ROWS} more rows"}


def _pictures(run: Run, lab: Lab, visitor: str) -> Iterator[types.ImageContent]:
    left = _PICTURES
    for output in run.outputs:
        if output.kind == "image" and output.bytes <= left:
            left -= output.bytes
            data = base64.b64encode(lab.store.artifacts.read(output.digest, visitor)).decode()
            yield types.ImageContent(data=data, mime_type=output.media_type)


def _link(output: StoredOutput, run: Run, origin: str) -> types.ResourceLink:
    return types.ResourceLink(
        uri=f"{origin}/api/runs/{run.id}/outputs/{output.name}",
        name=file_name(output),
        title=str(output.meta.get("title") or output.name),
        description=f"sha256 {output.digest}",
        mime_type=output.media_type,
        size=output.bytes,
    )
