"""A store in a folder of its own, with a clock that the test moves."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.store.store import Store
from tests.backends.store.making import FakeClock, open_store


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    opened = open_store(tmp_path, clock)
    yield opened
    opened.close()


@pytest.fixture(params=["wal", "exclusive"])
def either_store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    """The same promises hold on a file system whose locks do not work."""
    opened = open_store(tmp_path, clock, locks=request.param == "wal")
    yield opened
    opened.close()
