"""A run that ends while another thread is importing torch must not touch the half of it that is there."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

from backends.core.experiment import Experiment
from backends.registry.memory import is_out_of_memory, torch_in_use
from backends.runtime.provenance import Notes, versions


@pytest.fixture
def half_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch as other threads see it in the middle of its import: in sys.modules, and nearly empty."""
    torch = ModuleType("torch")
    torch.__spec__ = ModuleSpec("torch", None)
    torch.__spec__._initializing = True  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torch", torch)


@pytest.mark.usefixtures("half_imported")
def test_half_imported_torch_is_not_in_use() -> None:
    assert torch_in_use() is None
    assert "torch" not in versions()
    assert not is_out_of_memory(RuntimeError("something else"))
    told = Notes().provenance(Experiment("a/b", {}, {}, {}), "test")
    assert told["device"] == "cpu"
    assert "threads" not in told


def test_imported_torch_is() -> None:
    import torch

    assert torch_in_use() is torch
    assert versions()["torch"] == str(torch.__version__)
