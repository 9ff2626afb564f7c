"""`python -m app new playground NAME`: the four files of a playground that works, to be changed into one's own.

Everything else (controls, checks, HTTP, MCP, saving, comparing, sweeping, presenting, export) is derived from them.
"""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template

from app.settings import ROOT
from backends.core.errors import BadInput

_HERE = Path(__file__).parent
_NAME = re.compile(r"[a-z][a-z0-9]{1,30}")
# Addresses and folders of the house itself.
_TAKEN = frozenset({"api", "app", "assets", "component", "home", "mcp", "media", "play", "present", "static"})
_FILES = {
    "pages/{name}.py": "page.py.txt",
    "components/playgrounds/{name}.py": "layout.py.txt",
    "backends/{name}/actions.py": "actions.py.txt",
    "tests/backends/{name}/test_{name}_actions.py": "test.py.txt",
}


def new_playground(name: str, root: Path = ROOT) -> list[Path]:
    """Write the files of a playground; returns their paths under `root`.

    name: one word in lower case, used in addresses. Raises BadInput when it cannot be a name or is taken; then nothing
    was written.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise BadInput(
            f"'{name[:40]}' cannot be a playground's name.",
            hint="Take one word of 2 to 31 lower-case letters or digits.",
        )
    files = {root / path.format(name=name): source for path, source in _FILES.items()}
    if name in _TAKEN or (root / "backends" / name).exists() or any(path.exists() for path in files):
        raise BadInput(f"The name '{name}' is taken.", hint="Choose another one.")
    for path, source in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        text = Template((_HERE / source).read_text(encoding="utf-8")).substitute(name=name, title=name.capitalize())
        path.write_text(_imports_in_order(text), encoding="utf-8")
    return [path.relative_to(root) for path in files]


def _imports_in_order(text: str) -> str:
    """Where the name falls among the imports of ours depends on the name."""
    return re.sub(r"(?:from backends\.[^\n]*\n)+", lambda block: "".join(sorted(block[0].splitlines(True))), text)
