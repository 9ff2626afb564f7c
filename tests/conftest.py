"""How the tests are shared out when several processes run them (`make test` does so)."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

# Files that share a server and a Chromium, in two parts that take about as long: what takes longest begins first.
_SECOND_HALF = "test_p"


class _Files(LoadScopeScheduling):  # type: ignore[misc]  # no types
    """A file stays in one process; so does each half of what drives pages, which shares its server."""

    def _split_scope(self, nodeid: str) -> str:
        folder, _, file = nodeid.partition("::")[0].rpartition("/")
        if folder == "tests/browser":
            return f"{folder}: {'second' if file >= _SECOND_HALF else 'first'} half"
        return f"{folder}/{file}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _Files(config, log)
