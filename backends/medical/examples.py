"""The example images that ship: drawn by a generator, chosen by rule, and checked not to be copies of the data."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from backends.core.errors import ModelError
from backends.medical.data import ImageSet, to_tensor
from backends.medical.generator import Generator, sample
from backends.medical.isolate import isolate
from backends.medical.networks import Classifier
from backends.medical.scores import bootstrap
from backends.medical.weights import read_json, write_json

CONFIDENT = 0.7  # an example is one that the bundled classifier takes for its class at least so surely
SEEDS = 32  # seeds of a class among which the surest are taken
BATCH = 16
CHECKED = 96  # samples in the generator's own metrics: half a minute on one thread
CHECK_SEED = 10_000  # those samples are not the examples
INDEX = "examples.json"


@dataclass(frozen=True)
class Example:
    """One chosen image: pixels (H, W, C) uint8, its class and the seed that draws it again."""

    pixels: NDArray[np.uint8]
    class_index: int
    seed: int


def choose_examples(model: Generator, judge: Classifier, per_class: int) -> list[Example]:
    """The `per_class` seeds of each class, of the first SEEDS, that `judge` is surest of; a class it is never sure of
    is left out.

    Raises ModelError when it agrees with none at all.
    """
    chosen = [found for k in range(len(model.classes)) for found in _surest(model, judge, k, per_class)]
    if not chosen:
        raise ModelError("No generated image convinces the classifier.", hint="Train the generator for longer.")
    return chosen


def write_examples(
    folder: Path, prefix: str, model: Generator, examples: list[Example], origin: dict[str, str]
) -> None:
    """Write `<prefix>-<class>-<seed>.png` and their entries in examples.json; older ones of `prefix` go.

    origin: {"generator": id, "generator_digest": digest}.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob(f"{prefix}-*.png"):
        old.unlink()
    index = folder / INDEX
    entries = [entry for entry in (read_json(index) if index.is_file() else []) if (folder / entry["file"]).is_file()]
    for example in examples:
        name = model.classes[example.class_index]
        file = f"{prefix}-{name}-{example.seed}.png"
        pixels = example.pixels[..., 0] if model.channels == 1 else example.pixels
        Image.fromarray(pixels).save(folder / file, optimize=True)
        entries.append({"file": file, "class": name, **origin, "seed": example.seed, "synthetic": True})
    write_json(index, sorted(entries, key=lambda entry: str(entry["file"])))


def generator_metrics(model: Generator, images: ImageSet, judge: Classifier, *, alone: bool) -> dict[str, Any]:
    """How often `judge` agrees with the class asked for, and whether samples lie closer to training images than
    unseen test images do: a median far below theirs would be copying.

    alone: whether to compare with images whose surroundings are faded, as it was trained on.
    """
    labels = torch.arange(CHECKED) % len(model.classes)
    seeds = range(CHECK_SEED, CHECK_SEED + CHECKED)
    drawn = np.concatenate(
        [sample(model, labels[i : i + BATCH], seeds[i : i + BATCH]) for i in range(0, CHECKED, BATCH)]
    )
    agreed = (_probabilities(judge, drawn).argmax(1) == labels).double().numpy()
    train, test = (isolate(part.images) if alone else part.images for part in (images.train, images.test))
    ours = nearest_distance(to_tensor(drawn), to_tensor(train))
    unseen = nearest_distance(to_tensor(test), to_tensor(train))
    return {
        "metrics": {
            "classifier_agreement": bootstrap(lambda rows: float(agreed[rows].mean()), CHECKED),
            "nearest_training_distance_samples": bootstrap(lambda rows: float(np.median(ours[rows])), CHECKED),
            "low_training_distance_samples": bootstrap(lambda rows: float(np.percentile(ours[rows], 5)), CHECKED),
            "nearest_training_distance_test": bootstrap(lambda rows: float(np.median(unseen[rows])), len(unseen)),
            "low_training_distance_test": bootstrap(lambda rows: float(np.percentile(unseen[rows], 5)), len(unseen)),
        }
    }


def nearest_distance(images: Tensor, train: Tensor) -> NDArray[np.float64]:
    """Root-mean-square pixel difference (N,) in [0, 1] to the nearest of `train` in any of its eight positions.

    images: (N, C, H, W), train: (M, C, H, W), both float32 in [0, 1].
    """
    flat = images.flatten(1)
    best = torch.full((len(flat),), torch.inf)
    for k in range(8):
        turned = torch.rot90(train, k % 4, (2, 3))
        turned = turned.flip(3) if k >= 4 else turned
        best = torch.minimum(best, torch.cdist(flat, turned.flatten(1)).amin(1))
    distances: NDArray[np.float64] = (best.double() / flat.shape[1] ** 0.5).numpy()
    return distances


def _surest(model: Generator, judge: Classifier, class_index: int, count: int) -> list[Example]:
    seeds = range(SEEDS)
    labels = torch.full((SEEDS,), class_index)
    pixels = np.concatenate(
        [sample(model, labels[i : i + BATCH], seeds[i : i + BATCH]) for i in range(0, SEEDS, BATCH)]
    )
    sure = _probabilities(judge, pixels)[:, class_index]
    order = torch.argsort(sure, descending=True, stable=True)[:count].tolist()
    return [Example(pixels[i], class_index, seeds[i]) for i in order if sure[i] >= CONFIDENT]


@torch.inference_mode()
def _probabilities(judge: Classifier, pixels: NDArray[np.uint8]) -> Tensor:
    """Calibrated probabilities (N, K) of images (N, H, W, C) uint8."""
    return judge.probabilities(to_tensor(pixels))
