"""An action's HTTP call as a command line that can be pasted, derived from its declaration."""

from __future__ import annotations

import json

from backends.core.action import Action
from backends.core.parameters import Parameter

_CURL = "curl -s -b vitrine.cookies -c vitrine.cookies"  # the cookie keeps who one is between the calls
_DIGEST = "python3 -c \"import json, sys; print(json.load(sys.stdin)['digest'])\""


def curl_example(action: type[Action], address: str) -> str:
    """Give each input, submit with the usual values, wait for the end, and fetch the first result."""
    lines = [f"ADDRESS={address or 'http://localhost:7860'}", ""]
    for item in action.parameters():
        if item.kind == "image":
            lines += [*_give(action, item), ""]
    lines += [
        "# Run it, and wait up to a minute for the results.",
        f"{_CURL} -H 'Content-Type: application/json' \\",
        f"  \"$ADDRESS/api/actions/{action.name}?wait=60\" -d '{_body(action)}'",
    ]
    if action.outputs:
        name = action.outputs[0].name
        lines += ["", "# Fetch one result; the answer above tells RUN_ID."]
        lines += [f'{_CURL} "$ADDRESS/api/runs/RUN_ID/outputs/{name}"']
    return "\n".join(lines)


def _give(action: type[Action], item: Parameter) -> list[str]:
    query = f"action={action.name}&parameter={item.name}"
    return [
        f"# Give a file; its digest is what the action takes as '{item.name}'.",
        f"{item.name.upper()}=$({_CURL} -H 'Content-Type: application/octet-stream' \\",
        f'  --data-binary @my-picture{item.accepts[0]} "$ADDRESS/api/inputs?{query}" | {_DIGEST})',
    ]


def _body(action: type[Action]) -> str:
    """The JSON body inside single quotes; the shell puts the digests in between."""
    values = {item.name: f"<{item.name}>" if item.kind == "image" else item.default for item in action.parameters()}
    body: dict[str, object] = {"parameters": values} | ({"seed": 0} if action.seeded else {})
    text = json.dumps(body, indent=2)
    for item in action.parameters():
        if item.kind == "image":
            text = text.replace(f'"<{item.name}>"', f'"\'"${item.name.upper()}"\'"')
    return text
