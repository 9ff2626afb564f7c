"""What the medical viewer says in words. Plain sentences from plain numbers; no files, no models."""

from __future__ import annotations

from backends.medical.explain import Explanation
from backends.medical.render import View
from backends.medical.study import Study

UNIT = "logit gradient x activation"
MEANING = (
    "Each cell of the map says how much the features the model found there, times how strongly the class's logit "
    "follows them, speak for the class (Grad-CAM). Only what speaks for it is kept; 0 means nothing did. The numbers "
    "are not scaled, so maps of different pictures can be compared. They show what the model used, not why it is right."
)


def shown_name(name: str) -> str:
    """A class as it is written in a sentence: 'burr_cell' -> 'Burr cell'."""
    spaced = name.replace("_", " ").strip()
    return spaced[:1].upper() + spaced[1:]


def answer_sentence(classes: tuple[str, ...], found: Explanation) -> str:
    """The most probable class and its probability, and those of the class explained where it is another."""
    best = int(found.probabilities.argmax())
    said = f"{shown_name(classes[best])}, {_percent(float(found.probabilities[best]))}"
    if found.target == best:
        return said
    other = f"{shown_name(classes[found.target])}, {_percent(float(found.probabilities[found.target]))}"
    return f"{said}. Explained: {other}"


def notes(study: Study, shown: View, channels: int, found: Explanation, target: str) -> str:
    """What a careful reader should know about this answer; empty when there is nothing."""
    said = []
    if study.colour and channels == 1:
        said.append("This picture is in colour, but the model knows grey pictures only: it sees the brightness.")
    if not study.colour and channels == 3:
        said.append("This picture is grey, but the model knows colour pictures only: do not trust its answer.")
    if not found.positive:
        said.append(f"No positive evidence: nothing in this picture speaks for {target}, so nothing is coloured.")
    rows, columns = study.size
    if abs(rows - columns) > 1:
        said.append("The model sees only the square in the middle.")
    if shown.zoom < 1:
        said.append(f"Shown at one part in {round(1 / shown.zoom)} of its {columns} x {rows} pixels.")
    return " ".join(said)


def _percent(probability: float) -> str:
    """'93 %'; never '100 %' or '0 %', which no model can know."""
    if probability > 0.99:
        return "over 99 %"
    if probability < 0.01:
        return "under 1 %"
    return f"{100 * probability:.0f} %"
