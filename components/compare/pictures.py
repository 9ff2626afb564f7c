"""One picture of several runs with linked zoom and pan: side by side, under a divider, or as their difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from backends.core.digest import canonical_json, sha256
from backends.core.results import Image
from backends.experiments.compare import LETTERS, Compared
from backends.store.values import Run
from components.compare.parts import COLOURS
from components.shell_results import address

_HERE = Path(__file__).parent


def show_pictures(output: Compared, runs: Sequence[Run]) -> None:
    """Show that picture of the runs that have it. Reruns and theme switches leave view and zoom as they are."""
    data = pictures_data(output, runs)
    _component()(key=f"compare-{output.name}", data=data, height="content")


def pictures_data(output: Compared, runs: Sequence[Run]) -> dict[str, Any]:
    """What the page needs to know: where each picture is, and its size, so that nothing jumps while they load."""
    found = [_of_run(index, run, output) for index, run in enumerate(runs)]
    kept = [one for one in found if one]
    key = sha256(canonical_json([one["url"] for one in kept]))[:16]
    return {"key": key, "name": output.name, "title": output.title, "runs": kept}


def _of_run(index: int, run: Run, output: Compared) -> Mapping[str, Any] | None:
    result, stored = output.results[index], output.stored[index]
    if not isinstance(result, Image) or stored is None:
        return None
    height, width = result.pixels.shape[:2]
    return {
        "run": run.id,
        "letter": LETTERS[index],
        "colour": COLOURS[index],
        "url": address(run, stored),
        "alt": result.alt,
        "width": width,
        "height": height,
    }


@cache
def _component() -> Any:
    return st.components.v2.component(
        "vitrine_compare_pictures",
        html='<div class="vt-cmp"></div>',
        css=(_HERE / "pictures.css").read_text(encoding="utf-8"),
        js="".join((_HERE / name).read_text(encoding="utf-8") for name in ("pictures_tools.js", "pictures.js")),
        isolate_styles=False,
    )
