"""Two labs that know nothing of one another, and a session with a run of every sort in the first."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.runtime.lab import Lab
from backends.store.values import Session
from tests.backends.experiments.archives import ANN, exported, of_every_sort, open_lab


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with open_lab(Path(tmp_path_factory.mktemp("here"))) as lab:
        yield lab


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with open_lab(Path(tmp_path_factory.mktemp("there"))) as lab:
        yield lab


@pytest.fixture(scope="module")
def lesson(here: Lab) -> Session:
    return of_every_sort(here, ANN)


@pytest.fixture(scope="module")
def archive(here: Lab, lesson: Session) -> bytes:
    return exported(here, lesson, ANN)
