"""Starts the real server with the tiny playground beside the real ones: `python -m tests.app.launch [what to break]`.

'lifespan': Gradio's lifespans are not entered. 'loader': the registry has a model whose loader never returns.
"""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

from app import environment, logs
from app.settings import Settings


def main(broken: str) -> None:
    settings = Settings()
    logs.configure(settings.log_level)
    environment.prepare(settings)
    from app import server as room
    from app.serve import Server
    from tests.app.tiny import TINY

    app = room.create_app(settings, (TINY,))
    if broken == "lifespan":
        app.root.router.lifespan_context = room._lifespan(app, _NoShell(), room._tools(app.lab))
    if broken == "loader":
        threading.Timer(1.0, _wedge, [app.lab]).start()
    server = Server(app, settings, strict="--strict" in sys.argv)
    server.run()
    sys.exit(1 if server.failed else 0)


class _NoShell:
    """Stands for a root whose lifespan enters nothing that is mounted."""

    def lifespan(self) -> Any:
        from contextlib import asynccontextmanager

        @asynccontextmanager
        async def nothing(_: Any) -> Any:
            yield

        return nothing


def _wedge(lab: Any) -> None:
    from backends.registry.catalogue import Local, ModelCard

    def never(folder: Path, device: str) -> Any:
        threading.Event().wait()

    folder = Path(sys.argv[-1])
    card = ModelCard(
        id="tiny/wedged", title="Wedged", task="none", domain="tiny", family="none", parameters=1, bytes=1000,
        licence="MIT", source=Local(folder), loader=never,
    )  # fmt: skip
    lab.catalogue.add(card)
    with lab.registry.lease("tiny/wedged", deadline=60):
        pass


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
