"""The local executor passes the conformance suite."""

import pytest

from backends.runtime.local import LocalRuntime
from tests.backends.runtime.conformance import CrowdContract, RunsContract
from tests.backends.runtime.conformance_live import LiveContract
from tests.backends.runtime.conformance_stop import StopContract
from tests.backends.runtime.workbench import ACTIONS, VERSION


@pytest.fixture
def executor():
    def make(house, *, version=VERSION, **options):
        return LocalRuntime(ACTIONS, house.registry, house.store, version=version, limits=house.limits, **options)

    return make


class TestRuns(RunsContract):
    pass


class TestCrowd(CrowdContract):
    pass


class TestStop(StopContract):
    pass


class TestLive(LiveContract):
    pass
