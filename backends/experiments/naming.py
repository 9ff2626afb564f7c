"""What a result is called as a file."""

from __future__ import annotations

import re

from backends.store.values import StoredOutput

_ENDINGS = {
    "image/png": ".png",
    "audio/wav": ".wav",
    "application/json": ".json",
    "application/zip": ".zip",
    "text/plain": ".txt",
    "text/markdown": ".md",
}


def file_name(output: StoredOutput) -> str:
    """A name to save the result under: letters, digits, dots and dashes only."""
    wanted = str(output.meta.get("name") or output.name + _ENDINGS.get(output.media_type, ".bin"))
    return re.sub(r"[^A-Za-z0-9._-]+", "_", wanted.rsplit("/", 1)[-1])[:100].lstrip(".") or "result.bin"
