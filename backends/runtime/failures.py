"""What is said about a bug: a reference to the user, the place to the log, and never a word of what was uploaded."""

from __future__ import annotations

import secrets
import traceback

from backends.core.errors import VitrineError


def new_reference() -> str:
    """An id under which the log tells more; short enough to be read out."""
    return secrets.token_hex(4)


def unexpected(reference: str) -> VitrineError:
    """What a user is told about a bug."""
    error = VitrineError(
        "Something went wrong in Vitrine itself.", hint=f"Try again; if it stays, report the reference {reference}."
    )
    error.status = 500
    return error


def where(error: BaseException) -> list[str]:
    """The calls that led to an error, innermost last. Without its message, which may repeat what was uploaded."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
