"""Which models exist: what each is, where its weights come from, and how it is built from them.

Cards are plain data; making one reads no file and imports no framework. A card that lacks its licence or its size
cannot be made, and two cards of one id cannot stand in one catalogue.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backends.core.errors import DuplicateModel, IncompleteModel, NotFound

SAFE_PATTERNS = ("*.safetensors", "*.json", "*.txt")  # weights, configuration, vocabulary: nothing that can run

Loader = Callable[[Path, str], Any]

_ID = re.compile(r"[a-z0-9][a-z0-9._-]*/[a-z0-9][a-z0-9._-]*")
_REPO = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")


@dataclass(frozen=True)
class Bundled:
    """Weights that ship with Vitrine: a folder with `manifest.json`, checked against it before every first use."""

    folder: Path


@dataclass(frozen=True)
class Local:
    """Weights the owner of the machine put there. Without a manifest, what lies there is hashed and taken as it is."""

    folder: Path


@dataclass(frozen=True)
class Hub:
    """Weights on the Hugging Face Hub (or what HF_ENDPOINT names).

    repo: 'owner/name'. revision: a commit (40 hex digits, best) or a branch or tag, which is resolved once and then
    stays what it was. files: glob patterns of what to fetch; pickled files are never fetched, whatever they say.
    """

    repo: str
    revision: str
    files: tuple[str, ...] = SAFE_PATTERNS

    def __post_init__(self) -> None:
        parts = self.revision.split("/")
        if not _REPO.fullmatch(self.repo) or not _REVISION.fullmatch(self.revision) or ".." in parts:
            raise IncompleteModel(f"'{self.repo}' at '{self.revision}' does not name a Hub repository and a revision.")


Source = Bundled | Local | Hub


@dataclass(frozen=True)
class ModelCard:
    """One model of the catalogue. Raises IncompleteModel where something a card must have is missing.

    id: '<domain>/<name>', lower case. task: the Hub's name of it ('image-classification').
    parameters: how many weights. bytes: memory while resident (fp32 unless the loader says otherwise), > 0.
    licence: an SPDX name or the licence's own. labels: the classes in the order of the logits.
    loader: called with the folder of checked files and the device ('cpu', 'cuda:0'); returns the model. It must not
    lease other models: it runs under the process-wide construction lock.
    card: Markdown, or the name of a Markdown file in the folder ('card.md').
    idle_seconds: unload after so long without use; None: the registry's default; infinity: never.
    device: '' is wherever the registry puts models; 'cpu' keeps this one in RAM.
    exclusive: the object is not thread-safe, so one lease at a time.
    fork: what each lease gets instead of the shared object (a copy with its own scheduler, say); cheap, no new weights.
    """

    id: str
    title: str
    task: str
    domain: str
    family: str
    parameters: int
    bytes: int
    licence: str
    source: Source
    loader: Loader = field(repr=False)
    labels: tuple[str, ...] = ()
    card: str = field(default="", repr=False)
    idle_seconds: float | None = None
    device: str = ""
    exclusive: bool = False
    fork: Callable[[Any], Any] | None = field(default=None, repr=False)
    place: str = field(init=False, default="", compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", _where())
        lacking = [name for name in ("title", "task", "domain", "family", "licence") if not getattr(self, name).strip()]
        lacking += [name for name in ("parameters", "bytes") if getattr(self, name) <= 0]
        if self.idle_seconds is not None and not self.idle_seconds >= 0:
            lacking.append("idle_seconds")
        if not _ID.fullmatch(self.id):
            raise IncompleteModel(f"'{self.id}' in {self.place} is not a model id.", hint="Write it as 'domain/name'.")
        if lacking:
            what = ", ".join(lacking)
            raise IncompleteModel(f"The card of {self.id} in {self.place} lacks: {what}.", hint="Fill it in.")

    @property
    def text(self) -> str:
        """The card's Markdown; empty where it is a file that is not there (a Hub model before its download)."""
        if "\n" in self.card or not self.card.endswith(".md") or isinstance(self.source, Hub):
            return self.card
        path = self.source.folder / self.card
        return path.read_text(encoding="utf-8") if path.is_file() else ""


class Catalogue:
    """All models by id, in the order they were added. Filled at start-up by one thread, then only read."""

    def __init__(self, cards: Iterable[ModelCard] = ()) -> None:
        self._cards: dict[str, ModelCard] = {}
        for card in cards:
            self.add(card)

    def add(self, card: ModelCard) -> None:
        """Add a card. Raises DuplicateModel, which names both places."""
        other = self._cards.get(card.id)
        if other is not None:
            raise DuplicateModel(f"Two models are named '{card.id}': in {other.place} and in {card.place}.")
        self._cards[card.id] = card

    def get(self, model_id: str) -> ModelCard:
        """The card of that id. Raises NotFound."""
        try:
            return self._cards[model_id]
        except KeyError:
            raise NotFound(f"There is no model named '{model_id[:80]}'.", hint="See the Models page.") from None

    def where(self, task: str, domain: str = "") -> tuple[ModelCard, ...]:
        """The cards of a task, and of a domain unless it is empty."""
        return tuple(card for card in self if card.task == task and domain in ("", card.domain))

    def __iter__(self) -> Iterator[ModelCard]:
        return iter(self._cards.values())

    def __len__(self) -> int:
        return len(self._cards)

    def __contains__(self, model_id: object) -> bool:
        return model_id in self._cards


def _where() -> str:
    """'file:line' of the code that is making a card: the first frame outside this file and the generated __init__."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename in (__file__, "<string>"):
        frame = frame.f_back
    path = Path(frame.f_code.co_filename)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else Path(path.name)
    return f"{shown}:{frame.f_lineno}"
