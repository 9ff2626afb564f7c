"""From a card to a folder of checked files, whatever its source. Knows nothing of memory and of who is waiting."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backends.core.digest import canonical_json, sha256
from backends.core.errors import WeightsCorrupt, WeightsMissing
from backends.registry.catalogue import Bundled, Hub, Local, ModelCard
from backends.registry.hub import HubCache
from backends.registry.manifest import MANIFEST, Manifest, Verifier
from backends.registry.progress import Progress


@dataclass(frozen=True)
class Weights:
    """Checked files. revision: the weight digest. commit: of a Hub source, else ''."""

    folder: Path
    revision: str
    commit: str = ""


class Shelf:
    """Where weights are found. hub: None where the Hub is not to be used at all. Thread-safe."""

    def __init__(self, hub: HubCache | None = None) -> None:
        self._hub = hub
        self._verifier = Verifier()

    def fetch(self, card: ModelCard, progress: Progress, *, again: bool = False) -> Weights:
        """Bring the files here if they are not, and check them. again: hash even what was hashed before.

        Raises WeightsMissing, WeightsCorrupt, DownloadFailed, Cancelled.
        """
        if isinstance(card.source, Hub):
            return self._from_hub(card, card.source, progress, again)
        manifest = self._manifest(card.source, progress)
        progress.enter("verifying")
        self._verifier.check(card.source.folder, manifest, progress.moved, again=again)
        return Weights(card.source.folder, manifest.digest)

    def verify(self, card: ModelCard, progress: Progress) -> Weights:
        """Hash every file again; downloads nothing. Raises WeightsMissing or WeightsCorrupt."""
        if isinstance(card.source, Hub) and self._cache(card).local(card.source) is None:
            raise WeightsMissing(f"{card.title} has not been downloaded yet.", hint="Load it once.")
        return self.fetch(card, progress, again=True)

    def revision(self, card: ModelCard, progress: Progress) -> str:
        """The weight digest, without loading. A Hub branch nobody has resolved yet costs one small request."""
        if isinstance(card.source, Hub):
            return _hub_revision(card.source, self._cache(card).commit(card.source))
        return self._manifest(card.source, progress).digest

    def _from_hub(self, card: ModelCard, source: Hub, progress: Progress, again: bool) -> Weights:
        cache = self._cache(card)
        progress.enter("fetching")
        snapshot = cache.fetch(source, progress)
        progress.enter("verifying")
        try:
            self._verifier.check(snapshot.folder, snapshot.manifest, progress.moved, again=again)
        except (WeightsCorrupt, WeightsMissing):
            cache.discard_damaged(snapshot)
            raise
        return Weights(snapshot.folder, _hub_revision(source, snapshot.commit), snapshot.commit)

    def _manifest(self, source: Bundled | Local, progress: Progress) -> Manifest:
        """The folder's manifest; of a folder of the owner's that has none, what lies there."""
        if isinstance(source, Bundled) or (source.folder / MANIFEST).is_file():
            return Manifest.read(source.folder)
        return Manifest.of(source.folder, lambda path: self._verifier.digest(path, progress.moved))

    def _cache(self, card: ModelCard) -> HubCache:
        if self._hub is None:
            raise WeightsMissing(
                f"{card.title} is on the Hub, and downloads are off.", hint="Allow them in the settings."
            )
        return self._hub


def _hub_revision(source: Hub, commit: str) -> str:
    """Hub weights are named by their commit, which fixes every byte and is known before the download."""
    return sha256(canonical_json({"commit": commit, "files": source.files, "repo": source.repo}))
