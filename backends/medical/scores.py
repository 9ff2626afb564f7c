"""Scores of a classifier on labelled images: pure functions of labels (N,) int64 and probabilities (N, K).

AUC by Mann-Whitney; expected calibration error by Guo et al., 2017 (arXiv:1706.04599); intervals by the percentile
bootstrap over images (Efron, 1979), seeded, so that a second run prints the same digits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backends.core.seeds import generator
from backends.medical.networks import Classifier

Labels = NDArray[np.int64]
Floats = NDArray[np.float64]

ECE_BINS = 15  # the count that most published values use
RESAMPLES = 1000


def binary_auc(positive: NDArray[np.bool_], scores: Floats) -> float:
    """Area under the ROC curve in [0, 1], ties counted half; NaN when a class is absent. Both (N,)."""
    above, below = scores[positive], np.sort(scores[~positive])
    if not len(above) or not len(below):
        return float("nan")
    wins = np.searchsorted(below, above, "left") + np.searchsorted(below, above, "right")
    return float(wins.mean() / (2.0 * len(below)))


def auc(labels: Labels, probabilities: Floats) -> float:
    """AUC in [0, 1]: of class 1 for two classes, else the mean over classes of one against the rest."""
    if probabilities.shape[1] == 2:
        return binary_auc(labels == 1, probabilities[:, 1])
    return float(np.mean([binary_auc(labels == k, probabilities[:, k]) for k in range(probabilities.shape[1])]))


def accuracy(labels: Labels, probabilities: Floats) -> float:
    """Share in [0, 1] of images whose most probable class is right."""
    return float(np.mean(probabilities.argmax(1) == labels))


def sensitivity(labels: Labels, probabilities: Floats, index: int) -> float:
    """Share in [0, 1] of the images of class `index` that are found; NaN when there is none."""
    chosen = labels == index
    return float(np.mean(probabilities[chosen].argmax(1) == index)) if chosen.any() else float("nan")


def balanced_accuracy(labels: Labels, probabilities: Floats) -> float:
    """Mean sensitivity in [0, 1] over the classes that occur."""
    return float(np.mean([sensitivity(labels, probabilities, int(k)) for k in np.unique(labels)]))


def calibration_error(labels: Labels, probabilities: Floats) -> float:
    """Expected calibration error in [0, 1] of the most probable class, in ECE_BINS bins of equal width."""
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    bins = np.clip(np.ceil(confidence * ECE_BINS).astype(int) - 1, 0, ECE_BINS - 1)
    gaps = [abs(float((right[bins == b] - confidence[bins == b]).sum())) for b in np.unique(bins)]
    return float(sum(gaps) / len(labels))


def bootstrap(value_of: Callable[[NDArray[np.int64]], float], n: int) -> dict[str, float | int]:
    """A value with its 95 % interval, four digits: {"value", "low", "high", "n"}.

    value_of: takes row numbers in [0, n), some of them twice, and gives the value on those rows.
    """
    rng = generator(0, "bootstrap")
    value = value_of(np.arange(n))
    drawn = np.array([value_of(rng.integers(0, n, n)) for _ in range(RESAMPLES)])
    drawn = drawn[np.isfinite(drawn)]  # a resample without one of the classes has no AUC
    low, high = np.percentile(drawn, [2.5, 97.5]) if len(drawn) else (value, value)
    return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4), "n": n}


def logits_of(model: Classifier, images: Tensor) -> Tensor:
    """Logits (N, K) on the CPU, on whatever device the model is. images: (N, C, H, W) float32 in [0, 1]."""
    device = model.mean.device
    with torch.inference_mode():
        return torch.cat([model(part.to(device)).float().cpu() for part in torch.split(images, 256)])


def softmax(logits: Tensor) -> Floats:
    """Probabilities (N, K) in double precision."""
    probabilities: Floats = torch.softmax(logits.double(), dim=1).numpy()
    return probabilities
