"""The same servers and clients as in tests/app."""

from __future__ import annotations

from tests.app.conftest import client, lab, picture, server, settings, visit

__all__ = ["client", "lab", "picture", "server", "settings", "visit"]
