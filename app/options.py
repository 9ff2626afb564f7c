"""The options of Streamlit and Gradio that we rely on, and the check that they are really in force.

Environment variables named STREAMLIT_* are ignored without Streamlit's own command line, and .streamlit/config.toml
is read from the folder the server was started in: both fail silently, so the boot self-test reads each option back.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

EXPECTED: Mapping[str, Any] = {
    "global.developmentMode": False,
    "server.fileWatcherType": "none",
    "server.runOnSave": False,
    "server.headless": True,
    "server.enableCORS": True,
    "server.enableXsrfProtection": True,
    "server.maxUploadSize": 64,
    "server.maxMessageSize": 64,
    "server.enableStaticServing": False,
    "server.enableAgentApi": False,
    "server.scriptHealthCheckEnabled": False,
    "server.disconnectedSessionTTL": 120,
    "runner.postScriptGC": False,
    "runner.magicEnabled": False,
    "client.showErrorDetails": "none",
    "client.allowedOrigins": [],
    "client.toolbarMode": "minimal",
    "browser.gatherUsageStats": False,
    "browser.serverAddress": "localhost",
}
_ENVIRONMENT = {"GRADIO_ANALYTICS_ENABLED": ("False",), "HF_HUB_DISABLE_TELEMETRY": ("1", "True")}  # Gradio's word


def not_in_force() -> list[str]:
    """One sentence for each option that is not what we rely on; empty when all are."""
    from streamlit import config

    found = {key: config.get_option(key) for key in EXPECTED}
    wrong = [
        f"Streamlit's option {key} is {found[key]!r} and should be {wanted!r}; start Vitrine in its own folder, where "
        ".streamlit/config.toml is."
        for key, wanted in EXPECTED.items()
        if found[key] != wanted
    ]
    wrong += [
        f"{name} is {os.environ.get(name)!r} in the environment and should be {wanted[0]!r}."
        for name, wanted in _ENVIRONMENT.items()
        if os.environ.get(name) not in wanted
    ]
    if not os.environ.get("GRADIO_TEMP_DIR"):
        wrong.append("GRADIO_TEMP_DIR is not set, so uploads would lie in a folder that all programs share.")
    return wrong
