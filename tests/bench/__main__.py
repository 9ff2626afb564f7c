"""`python -m tests.bench [name ...]`: print the figures of README.md, measured now; all of them without a name.

Each bench is a module of this folder, run in a process of its own so that none warms or freezes anything for the next.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

BENCHES = ("medical-latency", "first-paint", "shell-load", "sweep", "session-archive", "store-size", "saved-work")


def main(names: list[str]) -> int:
    """Run the named benches, or all; the exit code is that of the worst."""
    unknown = [name for name in names if name not in BENCHES]
    if unknown:
        print(f"No bench is called {', '.join(unknown)}; there are: {', '.join(BENCHES)}.", file=sys.stderr)
        return 2
    root = Path(__file__).parents[2]
    worst = 0
    for name in names or BENCHES:
        print(f"\n## {name}\n", flush=True)
        command = [sys.executable, "-m", f"tests.bench.{name.replace('-', '_')}"]
        worst = max(worst, abs(subprocess.call(command, cwd=root)))
    return worst


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
