"""Every error Vitrine raises on purpose, in one tree.

UI code catches `VitrineError` only: each error has a sentence for the user and a hint that says what to do.
Anything else that escapes is a bug; it is logged with a reference id that the user can quote.

    VitrineError
    ├── BadInput                what the user gave cannot be used
    │   ├── BadParameter        a control has a value outside its declaration
    │   ├── BadImage            a file is not an image we can read
    │   ├── TooLarge            an upload is over a limit
    │   ├── BadArchive          a session's archive is broken, foreign or was changed
    │   └── LayerNotFound       a model has no layer of that kind
    ├── NotFound                no such run, session, artifact, action or model
    │   ├── NotYours            it exists, but belongs to someone else (told as NotFound)
    │   └── LinkClosed          a share link has expired or was withdrawn
    ├── Busy                    a queue or a memory budget is full; says when to try again
    │   └── QuotaExceeded       a visitor's space is full
    ├── Cancelled               the user pressed Stop
    ├── ModelError              a model cannot be had
    │   ├── DuplicateModel      two catalogue entries share an id
    │   ├── IncompleteModel     a catalogue entry lacks its licence or size
    │   ├── WeightsMissing      the weight files are not there
    │   ├── WeightsCorrupt      the weight files do not match their digest
    │   ├── DownloadFailed      the Hub could not be reached, or the download broke
    │   ├── LoadFailed          the loader raised
    │   ├── OutOfMemory         not enough memory even after making room
    │   └── RevisionChanged     the experiment was made with other weights
    ├── DuplicateAction         two actions share a name
    ├── Interrupted             the server stopped while the run was going
    └── StoreError              the store cannot do what was asked
        ├── ArtifactMissing     an artifact's bytes are gone or damaged
        └── NewerSchema         the data was written by a newer Vitrine
"""

from __future__ import annotations


class VitrineError(Exception):
    """An error with a sentence for the user and a hint on what to do.

    sentence: one plain sentence that says what was wrong, without contents of uploads.
    hint: one plain sentence that says what to do; may be empty.
    field: the control beside which it is shown; empty for the whole form.
    """

    code = "error"
    status = 400

    def __init__(self, sentence: str, *, hint: str = "", field: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint
        self.field = field

    def as_dict(self) -> dict[str, str]:
        """The error as every JSON answer shows it."""
        return {"code": self.code, "message": self.sentence, "hint": self.hint, "field": self.field}


class BadInput(VitrineError):
    """What the user gave cannot be used."""

    code = "bad_input"
    status = 422


class BadParameter(BadInput):
    """A control has a value outside its declaration."""

    code = "bad_parameter"


class BadImage(BadInput):
    """A file is not an image we can read."""

    code = "bad_image"


class TooLarge(BadInput):
    """An upload is over a limit."""

    code = "too_large"
    status = 413


class BadArchive(BadInput):
    """A session's archive is broken, foreign or was changed."""

    code = "bad_archive"


class LayerNotFound(BadInput):
    """A model has no layer of the kind that was asked for."""

    code = "layer_not_found"


class NotFound(VitrineError):
    """There is no such run, session, artifact, action or model."""

    code = "not_found"
    status = 404


class NotYours(NotFound):
    """It belongs to someone else; the user is told the same as for NotFound, so that ids cannot be probed."""


class LinkClosed(NotFound):
    """A share link has expired or was withdrawn."""

    code = "link_closed"
    status = 410


class Busy(VitrineError):
    """A queue or a memory budget is full.

    retry_after: seconds after which trying again makes sense.
    """

    code = "busy"
    status = 429

    def __init__(self, sentence: str, *, retry_after: float, hint: str = "") -> None:
        super().__init__(sentence, hint=hint or f"Try again in about {max(1, round(retry_after))} s.")
        self.retry_after = retry_after


class QuotaExceeded(Busy):
    """A visitor's space is full."""

    code = "quota_exceeded"

    def __init__(self, sentence: str, *, hint: str) -> None:
        super().__init__(sentence, retry_after=60.0, hint=hint)


class Cancelled(VitrineError):
    """The user pressed Stop."""

    code = "cancelled"
    status = 409

    def __init__(self, sentence: str = "Stopped.", *, hint: str = "") -> None:
        super().__init__(sentence, hint=hint)


class ModelError(VitrineError):
    """A model cannot be had."""

    code = "model_error"
    status = 503


class DuplicateModel(ModelError):
    """Two catalogue entries share an id."""

    code = "duplicate_model"


class IncompleteModel(ModelError):
    """A catalogue entry lacks its licence or size."""

    code = "incomplete_model"


class WeightsMissing(ModelError):
    """The weight files are not there."""

    code = "weights_missing"


class WeightsCorrupt(ModelError):
    """The weight files do not match their digest."""

    code = "weights_corrupt"


class DownloadFailed(ModelError):
    """The Hub could not be reached, or the download broke."""

    code = "download_failed"


class LoadFailed(ModelError):
    """The loader raised."""

    code = "load_failed"


class OutOfMemory(ModelError):
    """Not enough memory even after making room.

    needed, free: bytes. held_by: model id -> bytes of those in use.
    """

    code = "out_of_memory"

    def __init__(self, sentence: str, *, needed: int, free: int, held_by: dict[str, int], hint: str = "") -> None:
        super().__init__(sentence, hint=hint)
        self.needed = needed
        self.free = free
        self.held_by = held_by


class RevisionChanged(ModelError):
    """The experiment was made with other weights than those that are here."""

    code = "revision_changed"
    status = 409


class DuplicateAction(VitrineError):
    """Two actions share a name."""

    code = "duplicate_action"
    status = 500


class Interrupted(VitrineError):
    """The server stopped while the run was going."""

    code = "interrupted"
    status = 409


class StoreError(VitrineError):
    """The store cannot do what was asked."""

    code = "store_error"
    status = 500


class ArtifactMissing(StoreError):
    """An artifact's bytes are gone or damaged."""

    code = "artifact_missing"
    status = 410


class NewerSchema(StoreError):
    """The data was written by a newer Vitrine."""

    code = "newer_schema"
    status = 409
