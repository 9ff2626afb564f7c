"""Training of the example generators, and the choice of the example images that ship."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from backends.core.seeds import stream_seed
from backends.medical.data import ImageSet, to_tensor
from backends.medical.generator import T_CLOSEST, Generator, generator_from_config
from backends.medical.isolate import isolate
from backends.medical.training import Budget, Report, arithmetic, follow


@dataclass(frozen=True)
class GeneratorRecipe:
    """What one generator is trained on, and how.

    examples, per_class: prefix and number of the images that ship. judge: the classifier that must agree with them.
    patch, widths: see Generator. turns: whether mirror images and quarter turns are as likely as the original.
    alone: whether what surrounds the object in the middle is faded out first (see isolate).
    mean, std, shift: see Generator. t_mean, t_std: of the normal law of log(t / (1 - t)) in training.
    lr: peak learning rate at `batch` images a step. ema: decay a step. unlabelled: share of images shown without class.
    """

    model_id: str
    source: str
    examples: str
    per_class: int
    judge: str
    patch: int
    widths: tuple[int, int, int]
    turns: bool
    alone: bool
    mean: float = 0.5
    std: float = 0.5
    shift: float = 1.0
    t_mean: float = -0.6
    t_std: float = 0.8
    batch: int = 32
    lr: float = 1e-3
    ema: float = 0.999
    unlabelled: float = 0.1


GENERATORS: dict[str, GeneratorRecipe] = {
    recipe.model_id: recipe
    for recipe in (
        GeneratorRecipe(
            "medical/xray-generator",
            "pneumonia",
            "xray",
            3,
            "medical/pneumonia-resnet18",
            patch=1,
            widths=(32, 64, 128),
            turns=False,
            alone=False,
        ),
        GeneratorRecipe(
            "medical/redcell-generator",
            "redcells",
            "redcell",
            1,
            "medical/redcells-resnet18",
            patch=3,  # 48 px fold to 16 x 16 x 27: a ninth of the places to visit
            widths=(48, 96, 128),
            turns=True,
            alone=True,
            mean=0.6,
            std=0.15,  # smears have little contrast; on [-1, 1] the shapes drowned in the noise
            # An outline of 48 px is decided while t is still near 0.1; later weights leave it broken.
            shift=3.0,
            t_mean=-1.7,
            t_std=1.2,
        ),
    )
}


def fit_generator(
    recipe: GeneratorRecipe, data: ImageSet, budget: Budget, *, device: str, seed: int, report: Report
) -> tuple[Generator, int]:
    """Train on data.train until `budget` is spent. Returns the averaged weights in eval mode, and the epochs made."""
    torch.manual_seed(stream_seed(seed, "init"))
    config = generator_config(recipe, data)
    model = generator_from_config(config).to(device).to(memory_format=torch.channels_last).train()
    average = generator_from_config(config).to(device).eval()
    average.load_state_dict(model.state_dict())
    rng = torch.Generator().manual_seed(stream_seed(seed, "batches"))
    optimiser = torch.optim.AdamW(model.parameters(), lr=recipe.lr, betas=(0.9, 0.99), weight_decay=0.01)
    pixels = isolate(data.train.images) if recipe.alone else data.train.images
    images, labels = (to_tensor(pixels) - recipe.mean) / recipe.std, torch.from_numpy(data.train.labels)
    step, epoch = 0, 0
    while not budget.spent():
        total = 0.0
        batches = torch.split(torch.randperm(len(labels), generator=rng), recipe.batch)
        for rows in batches:
            budget.set_rate(optimiser, recipe.lr)
            clean = _turn(images[rows], rng) if recipe.turns else images[rows]
            loss = _flow_loss(recipe, model, clean.to(device), _hide(labels[rows], recipe, len(data.classes), rng), rng)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            step += 1
            follow(average, model, min(recipe.ema, (1 + step) / (10 + step)))
            total += float(loss.detach()) / len(batches)
        epoch += 1
        report(f"epoch {epoch}: loss {total:.4f}, {100 * budget.done():.0f} % of the time")
    return average, epoch


def generator_config(recipe: GeneratorRecipe, data: ImageSet) -> dict[str, Any]:
    """The content of config.json before training."""
    return {
        "id": recipe.model_id,
        "kind": "generator",
        "data": recipe.source,
        "judge": recipe.judge,
        "architecture": "flow-unet",
        "classes": list(data.classes),
        "input_size": int(data.train.images.shape[1]),
        "channels": int(data.train.images.shape[3]),
        "patch": recipe.patch,
        "widths": list(recipe.widths),
        "alone": recipe.alone,
        "mean": recipe.mean,
        "std": recipe.std,
        "shift": recipe.shift,
        "steps": 40,
        "guidance": 1.5,
    }


def _flow_loss(
    recipe: GeneratorRecipe, model: Generator, clean: Tensor, labels: Tensor, rng: torch.Generator
) -> Tensor:
    """Mean squared error of the velocity; t is logit-normal with more weight on noise, where the shape is decided."""
    t = torch.sigmoid(torch.randn(len(clean), generator=rng) * recipe.t_std + recipe.t_mean).to(clean.device)
    noise = torch.randn(clean.shape, generator=rng).to(clean.device)
    at = t.view(-1, 1, 1, 1)
    noisy = (at * clean + (1.0 - at) * noise).contiguous(memory_format=torch.channels_last)
    with arithmetic(clean.device.type):
        guess = model(noisy, t, labels.to(clean.device))
    loss: Tensor = (((guess.float() - clean) / (1.0 - at).clamp_min(T_CLOSEST)) ** 2).mean()
    return loss


def _hide(labels: Tensor, recipe: GeneratorRecipe, nobody: int, rng: torch.Generator) -> Tensor:
    hidden = torch.rand(len(labels), generator=rng) < recipe.unlabelled
    return torch.where(hidden, torch.tensor(nobody), labels)


def _turn(images: Tensor, rng: torch.Generator) -> Tensor:
    """Each image in one of the eight positions of a square."""
    out = images.clone()
    position = torch.randint(0, 8, (len(images),), generator=rng)
    for k in range(8):
        chosen = images[position == k]
        turned = torch.rot90(chosen, k % 4, (2, 3))
        out[position == k] = turned.flip(3) if k >= 4 else turned
    return out
