"""The medical viewer as the rest of the house sees it: its name, its notice, its actions and its examples."""

from __future__ import annotations

from backends.core.playground import Playground
from backends.medical import ingest
from backends.medical.actions import Classify
from backends.medical.gallery import examples


def warm_up() -> None:
    """Start the helper that reads DICOM files, and import torch and timm, which takes seconds."""
    import timm  # noqa: F401 - imported here so that the first load does not have to

    ingest.warm()


PLAYGROUND = Playground(
    name="medical",
    title="Medical images",
    summary="Window an X-ray, a CT or MR slice or a picture from a microscope, ask a trained network, "
    "and see where it looked.",
    actions=(Classify,),
    icon="radiology",
    # After Chester's click-through, torchxrayvision's and MONAI's notices: research and teaching, no device, liability.
    notice="Not for clinical use. For teaching and research only: this is not a medical device, nothing here has been "
    "approved by any authority, and no answer may inform the care of a patient. Whoever continues is responsible "
    "for what they do with it. Only upload pictures that you may share with this server.",
    keep_hours=2.0,  # pictures of patients stay no longer than a lesson needs them
    warm_up=warm_up,
    examples=examples,
)
