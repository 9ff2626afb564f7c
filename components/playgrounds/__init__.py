"""What a playground brings for its own page and slides: one module by its name, where it needs one at all."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType


def own_code(playground: str) -> ModuleType | None:
    """`components/playgrounds/<name>.py`; None where all of the page is derived."""
    name = f"{__name__}.{playground}"
    return importlib.import_module(name) if importlib.util.find_spec(name) else None
