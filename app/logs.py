"""Structured logs: one JSON object a line, on standard error, with the request's reference. All loggers end here.

Never logged: contents of uploads, file names, query strings.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

# Loggers that install handlers of their own, or say at every request what our own line says better.
_THEIRS = (
    "uvicorn",
    "uvicorn.error",
    "uvicorn.access",
    "streamlit",
    "gradio",
    "httpx",
    "asyncio",
    "huggingface_hub",
    "alembic",
)

# Only ours speak below a warning: at debug, Pillow logs the EXIF of a picture it is given.
_OURS = ("vitrine", "app", "pages", "components", "backends")

# Without the local variables: they hold what people uploaded.
_TRACEBACK = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)


def configure(level: str) -> None:
    """Send the logs of Vitrine and of its libraries through one formatter.

    level: debug, info, warning or error; of Vitrine's own loggers, while libraries say warnings and errors only.
    """
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.ExceptionRenderer(_TRACEBACK),
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.ERROR if level == "error" else logging.WARNING)
    for name in _OURS:
        logging.getLogger(name).setLevel(level.upper())
    logging.captureWarnings(True)
    adopt()


def adopt() -> None:
    """Take the handlers off the libraries' loggers, so that their lines go through ours; call again after imports."""
    for name in [*_THEIRS, *(known for known in logging.root.manager.loggerDict if known.startswith("streamlit"))]:
        logger = logging.getLogger(name)
        logger.handlers = []
        logger.propagate = True
        if name not in ("uvicorn", "uvicorn.error"):
            logger.setLevel(logging.WARNING)
    logging.getLogger("uvicorn.error").setLevel(logging.WARNING)
