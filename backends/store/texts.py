"""What people write into a session, checked and tidied: titles, notes, tags. Every refusal names its field."""

from __future__ import annotations

from collections.abc import Sequence

from backends.core.errors import BadInput

TITLE_MAX = 200
TEXT_MAX = 20_000
TAG_MAX = 40
TAGS_MAX = 20
_COPY = "Copy of "


def checked_title(title: str) -> str:
    """A session's title on one line. Raises BadInput on an empty or overlong one."""
    clean = _one_line(title)
    if not 1 <= len(clean) <= TITLE_MAX:
        raise BadInput(f"The title must have 1 to {TITLE_MAX} characters.", hint="Give it a short name.", field="title")
    return clean


def checked_item_title(title: str) -> str:
    """A result's title on one line; empty for the usual one. Raises BadInput."""
    clean = _one_line(title)
    if len(clean) > TITLE_MAX:
        raise BadInput(f"The title must have at most {TITLE_MAX} characters.", hint="Shorten it.", field="title")
    return clean


def checked_text(text: str, field: str, called: str) -> str:
    """Markdown of up to 20,000 characters. called: what the sentence calls it ('The notes'). Raises BadInput."""
    clean = _kept(text)
    if len(clean) > TEXT_MAX:
        raise BadInput(f"{called} must have at most {TEXT_MAX:,} characters.", hint="Shorten it.", field=field)
    return clean


def checked_tags(tags: Sequence[str]) -> list[str]:
    """The tags in order; of two that differ in case only, the first. Raises BadInput."""
    clean: dict[str, str] = {}
    for tag in map(_one_line, tags):
        clean.setdefault(tag.casefold(), tag)
    if any(not 1 <= len(tag) <= TAG_MAX for tag in clean.values()):
        raise BadInput(f"Each tag must have 1 to {TAG_MAX} characters.", hint="Use short words.", field="tags")
    if len(clean) > TAGS_MAX:
        raise BadInput(f"A session can have at most {TAGS_MAX} tags.", hint="Remove some.", field="tags")
    return list(clean.values())


def copy_title(title: str) -> str:
    """What a copy is called; a long title loses its end."""
    whole = _COPY + title
    return whole if len(whole) <= TITLE_MAX else whole[: TITLE_MAX - 1].rstrip() + "…"


def _one_line(text: str) -> str:
    return " ".join(_kept(text).split())


def _kept(text: str) -> str:
    """PostgreSQL keeps no NUL, and half a character (a lone surrogate) is no UTF-8."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
