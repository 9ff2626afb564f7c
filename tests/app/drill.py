"""A checkout in which one command has made a new playground, for the contributor's drill."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAME = "drill"
_LEFT_BEHIND = shutil.ignore_patterns(".git", ".venv*", "var", "__pycache__", ".*_cache", ".hypothesis")


def make_checkout(folder: Path) -> tuple[Path, set[str]]:
    """A copy of this checkout with the new playground in it; the files that the command wrote, by comparison."""
    copy = folder / "checkout"
    shutil.copytree(ROOT, copy, ignore=_LEFT_BEHIND)
    before = _files(copy)
    run(copy, "-m", "app", "new", "playground", NAME)
    return copy, _files(copy) - before


def run(checkout: Path, *arguments: str, cwd: Path | None = None) -> str:
    """Run Python with these arguments in the checkout; its output. Fails the test when it exits with an error."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd or checkout, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, f"{arguments}:\n{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def _files(folder: Path) -> set[str]:
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in found if "__pycache__" not in path.parts}
