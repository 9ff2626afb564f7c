"""What axe-core finds on a page that has come to rest."""

from __future__ import annotations

import time

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame, Page

_LOOKS = 5  # a second apart: colours that are just fading, or a part that is being drawn anew, are looked at again


def serious(target: Page | Frame) -> list[str]:
    """Rules of serious or critical impact that stay broken, each with the element that breaks it."""
    told: list[str] = []
    for look in range(_LOOKS):
        found = Axe().run(target).response["violations"]  # type: ignore[arg-type]
        told = [
            f"{one['id']}: {node['html'][:160]}"
            for one in found
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]
        if not told or look == _LOOKS - 1:
            break
        time.sleep(1.0)
    return told
