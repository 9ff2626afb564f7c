"""The version, as pyproject.toml has it: part of what a cached result is known by."""

from __future__ import annotations

import tomllib

from app.settings import ROOT

VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
