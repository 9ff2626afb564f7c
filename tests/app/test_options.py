"""The options that we rely on are checked for effect, not for being written somewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from app.settings import ROOT

_ASK = (
    "import json; from app.environment import prepare; from app.settings import Settings; prepare(Settings()); {more}"
)
_TELL = "from app.options import not_in_force; print(json.dumps(not_in_force()))"


def problems(folder: Path, data: Path, more: str = "pass") -> list[str]:
    """What a process started in `folder` finds."""
    env = {**os.environ, "VITRINE_DATA_FOLDER": str(data), "PYTHONPATH": str(ROOT)}
    code = f"{_ASK.format(more=more)}; {_TELL}"
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_every_option_is_in_force_when_started_in_the_project(tmp_path: Path) -> None:
    assert problems(ROOT, tmp_path) == []


def test_a_server_started_elsewhere_or_with_telemetry_is_found_out(tmp_path: Path) -> None:
    found = problems(tmp_path, tmp_path / "data", "import os; os.environ['GRADIO_ANALYTICS_ENABLED'] = 'True'")
    assert any("server.fileWatcherType" in problem for problem in found)
    assert any("GRADIO_ANALYTICS_ENABLED" in problem for problem in found)
