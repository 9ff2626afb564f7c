"""How the tests are shared out when several processes run them (`make test` does so)."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

_REAL_USE = ("browser", "load")  # drive whole servers and time them: never two at once


class _Files(LoadScopeScheduling):  # type: ignore[misc]  # no types
    """A file stays in one process, and so does all that uses a server as people do."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "real use" if file.split("/")[1] in _REAL_USE else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _Files(config, log)
