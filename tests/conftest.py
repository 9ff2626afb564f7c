"""How the tests are shared out when several processes run them (`make test` does so)."""

from __future__ import annotations

from pathlib import Path

import pytest

_TOGETHER = {"browser": "real use", "load": "real use"}  # they need a quiet machine, so never two of them at once


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file stays in one process, and so does all that drives real pages."""
    here = Path(__file__).parent
    for item in items:
        folder = item.path.relative_to(here).parts[0]
        item.add_marker(pytest.mark.xdist_group(_TOGETHER.get(folder, str(item.path))))
