"""Finds Chromium for the browser tests, or installs it by apt: `python -m tests.browser.chromium`.

Prints its path. Where there is none and it cannot be installed, one plain sentence says so and the tests are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_PACKAGE = "chromium-headless-shell"  # Chromium without the windows nobody sees: a third less time for each page
_NAMES = (_PACKAGE, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_PLAYWRIGHT = Path(os.environ.get("PLAYWRIGHT_BROWSERS_PATH", "~/.cache/ms-playwright")).expanduser()
_INSTALL_WITHIN = 600  # seconds


def find_chromium() -> str:
    """The path of a Chromium or Chrome: VITRINE_CHROMIUM, one on the PATH, or Playwright's own; '' for none."""
    named = os.environ.get("VITRINE_CHROMIUM", "")
    if named:
        return named if Path(named).is_file() else ""
    for name in _NAMES:
        found = shutil.which(name)
        if found:
            return found
    for file in sorted(_PLAYWRIGHT.glob("chromium-*/chrome-linux*/chrome"), reverse=True):
        return str(file)
    return ""


def install() -> str:
    """Install Chromium by apt; returns why that cannot be done, or '' when it was done."""
    if shutil.which("apt-get") is None:
        return "there is no apt-get here"
    if os.geteuid() != 0:
        return f"installing it needs root: `sudo apt-get install chromium {_PACKAGE}`"
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    get = ["apt-get", "install", "-y", "-qq"]
    # Chromium itself comes first: it is enough where the other is not to be had, and brings what both draw with.
    for command in (["apt-get", "update", "-qq"], [*get, "chromium"], [*get, _PACKAGE]):
        try:
            done = subprocess.run(command, env=quiet, capture_output=True, timeout=_INSTALL_WITHIN, check=False)
        except subprocess.TimeoutExpired:
            return f"`{' '.join(command)}` took more than {_INSTALL_WITHIN} s"
        if done.returncode and not find_chromium():
            return f"`{' '.join(command)}` failed"
    return ""


def main() -> int:
    """Find, else install, and print the path or the sentence. Always 0: tests without a browser are skipped."""
    found = find_chromium()
    problem = "" if found else install()
    found = found or find_chromium()
    if found:
        print(found)
    else:
        print(f"No Chromium, so the browser tests will be skipped: {problem or 'it cannot be found'}.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
