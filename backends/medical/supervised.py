"""Recipes of the bundled classifiers, and the loop that trains them.

Gradient descent under a wall-clock budget, averaged weights, mixup (Zhang et al., 2017, arXiv:1710.09412);
the epoch is chosen on validation images, clean and disturbed. Temperature scaling after Guo et al., 2017.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone reads
from numpy.typing import NDArray
from torch import Tensor, nn

from backends.core.seeds import generator, stream_seed
from backends.medical.data import Augmentation, ImageSet, Split, to_tensor
from backends.medical.networks import ARCHITECTURES, Classifier, classifier_from_config
from backends.medical.scores import auc, balanced_accuracy, logits_of, softmax
from backends.medical.training import Budget, Report, arithmetic, follow

VIEWS = 2  # disturbed copies of the validation images: the clean ones are too easy to tell good epochs apart
SGD = partial(torch.optim.SGD, momentum=0.9, nesterov=True)
ADAMW = partial(torch.optim.AdamW, betas=(0.9, 0.99))  # learns sooner where few epochs fit into the budget
LOOK_FROM = 0.5  # share of the budget before which no epoch can be the best, so none is scored


@dataclass(frozen=True)
class Recipe:
    """What one classifier is trained on, and how.

    lr: peak learning rate at `batch` images a step. mixup: alpha of its Beta law (0 = off). ema: decay a step.
    """

    model_id: str
    source: str
    architecture: str
    augmentation: Augmentation
    batch: int = 64
    lr: float = 0.05
    weight_decay: float = 5e-4
    optimiser: Callable[..., torch.optim.Optimizer] = SGD
    label_smoothing: float = 0.1
    mixup: float = 0.2
    ema: float = 0.998


# Exposure and crop follow the class here, so both are made unreliable.
CHEST = Augmentation(degrees=10, shift=2.5, scale=0.15, flips=True, gain=0.4, offset=0.15, gamma=0.4, erase=0.3)
# Stain is a shortcut and size is a feature: colour moves, scale does not.
CELLS = Augmentation(
    degrees=180, shift=2.5, scale=0.0, flips=True, gain=0.3, offset=0.12, gamma=0.3, tint=0.6, grey=0.2
)

# What another film, view or patient may look like.
FILM = Augmentation(degrees=10, shift=2.0, scale=0.12, flips=True, gain=0.25, offset=0.1, gamma=0.25)


def _adam(model_id: str, source: str, architecture: str, augmentation: Augmentation, **options: Any) -> Recipe:
    """A recipe with AdamW and averaged weights, as small sets and networks without a long warm-up like it."""
    usual: dict[str, Any] = {
        "optimiser": ADAMW,
        "weight_decay": 0.05,
        "label_smoothing": 0.05,
        "mixup": 0.0,
        "ema": 0.995,
    }
    return Recipe(model_id, source, architecture, augmentation, **{**usual, **options})


RECIPES: dict[str, Recipe] = {
    recipe.model_id: recipe
    for recipe in (
        Recipe("medical/pneumonia-resnet18", "pneumonia", "resnet18-half-28", CHEST),
        _adam("medical/redcells-resnet18", "redcells", "resnet18-half-48", CELLS, batch=32, lr=2e-3),
        _adam("medical/pneumonia-efficientnet-b0", "pneumonia", "efficientnet-b0-28", FILM, lr=2e-3),
        _adam("medical/pneumonia-vit-tiny", "pneumonia", "vit-tiny-28", FILM, lr=7e-4, mixup=0.2),
        _adam("medical/redcells-vit-tiny", "redcells", "vit-tiny-48", CELLS, lr=7e-4, batch=32),
        _adam("medical/modality-efficientnet-b0", "modality", "efficientnet-b0-64", FILM, lr=2e-3),
        _adam("medical/nih-resnet18", "nih", "resnet18-half-128", FILM, lr=1e-3, batch=32, mixup=0.2),
    )
}


def fit(
    recipe: Recipe, data: ImageSet, budget: Budget, *, device: str, seed: int, report: Report
) -> tuple[Classifier, int, int]:
    """Train on data.train until `budget` is spent.

    Returns the averaged weights of the best epoch in eval mode, the epochs made and the number of the best one.
    """
    torch.manual_seed(stream_seed(seed, "init"))
    config = classifier_config(recipe, data)
    model = classifier_from_config(config).to(device).to(memory_format=torch.channels_last).train()
    average = classifier_from_config(config).to(device).eval()
    average.load_state_dict(model.state_dict())
    rng = torch.Generator().manual_seed(stream_seed(seed, "batches"))
    mixes = generator(seed, "mixup")
    views = _validation_views(data.val, recipe.augmentation, seed)
    optimiser = recipe.optimiser(_groups(model, recipe.weight_decay), lr=recipe.lr)
    best, chosen, kept, epoch, step = -math.inf, 0, average.state_dict(), 0, 0
    while not budget.spent():
        batches = torch.split(torch.randperm(len(data.train.labels), generator=rng), recipe.batch)
        total = 0.0
        for rows in batches:
            budget.set_rate(optimiser, recipe.lr)
            images, targets = _batch(recipe, data, rows, rng, mixes)
            total += _descend(model, optimiser, images.to(device), targets.to(device)) / len(batches)
            step += 1
            follow(average, model, min(recipe.ema, (1 + step) / (10 + step)))
        epoch += 1
        report(f"epoch {epoch}: loss {total:.4f}, {100 * budget.done():.0f} % of the time")
        if budget.done() < LOOK_FROM:
            continue
        score = _selection_score(average, views, data.val.labels)
        report(f"validation {score:.4f}")
        if score >= best:
            best, chosen = score, epoch
            kept = {name: value.clone() for name, value in average.state_dict().items()}
    average.load_state_dict(kept)
    return average, epoch, chosen


def fit_temperature(logits: Tensor, labels: NDArray[np.int64]) -> float:
    """The temperature in [0.05, 20] that minimises the negative log-likelihood of `labels` (N,). logits: (N, K)."""
    candidates = torch.logspace(math.log10(0.05), math.log10(20.0), 1201, dtype=torch.float64)
    target = torch.from_numpy(labels)
    losses = [float(F.cross_entropy(logits.double() / t, target)) for t in candidates]
    return round(float(candidates[int(np.argmin(losses))]), 4)


def classifier_config(recipe: Recipe, data: ImageSet) -> dict[str, Any]:
    """The content of config.json before training: mean and std are those of the training pixels, a channel each."""
    pixels = data.train.images.astype(np.float64) / 255.0
    return {
        "id": recipe.model_id,
        "kind": "classifier",
        "data": recipe.source,
        "architecture": recipe.architecture,
        "classes": list(data.classes),
        "input_size": int(data.train.images.shape[1]),
        "channels": int(data.train.images.shape[3]),
        "mean": [round(float(value), 6) for value in pixels.mean((0, 1, 2))],
        "std": [round(float(value), 6) for value in pixels.std((0, 1, 2))],
        "temperature": 1.0,
        "cam_layer": ARCHITECTURES[recipe.architecture].cam_layer,
    }


def _batch(
    recipe: Recipe, data: ImageSet, rows: Tensor, rng: torch.Generator, mixes: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Augmented images (B, C, H, W) and soft targets (B, K), mixed with one another."""
    index = rows.numpy()
    images = recipe.augmentation(to_tensor(data.train.images[index]), rng)
    k = len(data.classes)
    targets = F.one_hot(torch.from_numpy(data.train.labels[index]), k).float()
    targets = targets * (1.0 - recipe.label_smoothing) + recipe.label_smoothing / k
    if recipe.mixup > 0.0:
        share = float(mixes.beta(recipe.mixup, recipe.mixup))
        other = torch.randperm(len(images), generator=rng)
        images = share * images + (1.0 - share) * images[other]
        targets = share * targets + (1.0 - share) * targets[other]
    return images, targets


def _descend(model: Classifier, optimiser: torch.optim.Optimizer, images: Tensor, targets: Tensor) -> float:
    """One step; returns the loss before it."""
    with arithmetic(images.device.type):
        logits = model(images.contiguous(memory_format=torch.channels_last))
    loss = F.cross_entropy(logits.float(), targets)
    optimiser.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    torch.nn.utils.clip_grad_norm_(model.parameters(), 2.0)
    optimiser.step()
    return float(loss.detach())


def _validation_views(val: Split, augmentation: Augmentation, seed: int) -> list[Tensor]:
    rng = torch.Generator().manual_seed(stream_seed(seed, "validation"))
    images = to_tensor(val.images)
    return [images, *(augmentation(images, rng) for _ in range(VIEWS))]


def _selection_score(model: Classifier, views: list[Tensor], labels: NDArray[np.int64]) -> float:
    """Mean of AUC and balanced accuracy over the views."""
    guesses = [softmax(logits_of(model, view)) for view in views]
    return float(np.mean([(auc(labels, guess) + balanced_accuracy(labels, guess)) / 2.0 for guess in guesses]))


def _groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay for filters and matrices only: on norms and biases it does harm."""
    tensors = list(model.parameters())
    return [
        {"params": [tensor for tensor in tensors if tensor.ndim > 1], "weight_decay": weight_decay},
        {"params": [tensor for tensor in tensors if tensor.ndim <= 1], "weight_decay": 0.0},
    ]
