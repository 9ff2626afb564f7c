"""What must stand in the environment before Gradio, Streamlit or huggingface_hub are imported.

Not one request may leave the machine unless a visitor asked for a Hub model; temporary files have a place of ours.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from app.settings import Settings

_QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False",  # also its version check
    "GRADIO_SSR_MODE": "False",  # no Node process
    "GRADIO_MCP_SERVER": "False",
    "GRADIO_RUN_HISTORY": "False",  # runs belong to the store, not to the browser
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",  # its own thread pool deadlocks after a fork, and ours is enough
}


def prepare(settings: Settings) -> Path:
    """Set the environment and make this instance's folder for temporary files; returns that folder.

    Folders of instances that were killed are removed.
    """
    quieten(settings)
    parent = settings.data_folder / "tmp"
    parent.mkdir(parents=True, exist_ok=True)
    for folder in parent.iterdir():
        if not _is_running(folder.name):
            shutil.rmtree(folder, ignore_errors=True)
    mine = parent / str(os.getpid())
    mine.mkdir(exist_ok=True)
    os.environ["GRADIO_TEMP_DIR"] = str(mine)
    return mine


def quieten(settings: Settings) -> None:
    """Set the environment: no telemetry, no version checks, and as many threads as the settings say.

    The number of OpenMP threads must stand before torch is imported: later it holds for one thread of ours only.
    """
    os.environ.update(_QUIET)
    if settings.offline:
        os.environ["HF_HUB_OFFLINE"] = "1"
    threads = settings.torch_threads or max(1, (os.cpu_count() or 1) // settings.workers)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, str(threads))


def _is_running(name: str) -> bool:
    """Whether a process of that id lives; what is not an id is not ours to keep."""
    if not name.isdecimal():
        return False
    try:
        os.kill(int(name), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
