"""A small class-conditional image generator: the example inputs that ship are drawn by it, so no patient's are.

Flow matching along straight lines (Lipman et al., 2022, arXiv:2210.02747; Liu et al., 2022, arXiv:2209.03003) with a
U-Net that predicts the clean image (Li and He, 2025, arXiv:2511.13720) and classifier-free guidance (Ho and Salimans,
2022, arXiv:2207.12598). Letters: B images, C channels, H x W pixels, K classes, E embedding, t in [0, 1], 1 = image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone reads
from numpy.typing import NDArray
from torch import Tensor, nn

from backends.core.errors import BadParameter
from backends.core.seeds import stream_seed
from backends.medical.networks import strict_load
from backends.medical.weights import read_weights

T_CLOSEST = 0.05  # the velocity (x - x_t) / (1 - t) is not divided by less than this


class Generator(nn.Module):
    """Predicts the clean image from a noisy one.

    classes: K names. input_size: pixels of a side. channels: 1 or 3. patch: side of the pixel blocks that are folded
    into channels first. widths: channels of the three resolutions. mean, std: pixels in [0, 1] are worked on as
    (pixel - mean) / std. steps, guidance, shift: how `generate` samples; a shift over 1 takes smaller steps at first.
    """

    def __init__(
        self,
        classes: Sequence[str],
        *,
        input_size: int,
        channels: int,
        patch: int,
        widths: tuple[int, int, int],
        mean: float = 0.5,
        std: float = 0.5,
        embedding: int = 128,
        steps: int = 40,
        guidance: float = 1.5,
        shift: float = 1.0,
    ) -> None:
        super().__init__()
        self.classes = tuple(classes)
        self.input_size, self.channels, self.patch = input_size, channels, patch
        self.steps, self.guidance, self.shift = steps, guidance, shift
        self.mean, self.std = mean, std
        low, middle, high = widths
        folded = channels * patch**2
        self.embedding = embedding
        self.time = nn.Sequential(nn.Linear(embedding, embedding), nn.SiLU(), nn.Linear(embedding, embedding))
        self.label = nn.Embedding(len(self.classes) + 1, embedding)  # the last row: no class given
        self.enter = nn.Conv2d(folded, low, 3, padding=1)
        self.down1 = _Block(low, low, embedding)
        self.down2 = _Block(low, middle, embedding)
        self.down3 = _Block(middle, high, embedding)
        self.attend = _Attention(high)
        self.bottom = _Block(high, high, embedding)
        self.up3 = _Block(2 * high, middle, embedding)
        self.up2 = _Block(2 * middle, low, embedding)
        self.up1 = _Block(2 * low, low, embedding)
        self.leave = nn.Sequential(nn.GroupNorm(8, low), nn.SiLU(), nn.Conv2d(low, folded, 3, padding=1))

    def forward(self, noisy: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """The clean image (B, C, H, W), standardised. noisy: the same shape; t: (B,); labels: (B,) in [0, K]."""
        e = F.silu(self.time(_waves(t, self.embedding)) + self.label(labels))  # (B, E)
        a = self.down1(self.enter(F.pixel_unshuffle(noisy, self.patch)), e)  # full side
        b = self.down2(F.avg_pool2d(a, 2), e)  # half
        c = self.down3(F.avg_pool2d(b, 2), e)  # quarter
        d = self.bottom(self.attend(c), e)
        d = _double(self.up3(torch.cat([d, c], 1), e))
        d = _double(self.up2(torch.cat([d, b], 1), e))
        d = self.up1(torch.cat([d, a], 1), e)
        clean: Tensor = F.pixel_shuffle(self.leave(d), self.patch)
        return clean

    def velocity(self, noisy: Tensor, t: Tensor, labels: Tensor) -> Tensor:
        """Direction (B, C, H, W) from `noisy` to the image, a unit of t long."""
        ahead = (1.0 - t).clamp_min(T_CLOSEST).view(-1, 1, 1, 1)
        velocity: Tensor = (self(noisy, t, labels) - noisy) / ahead
        return velocity


def load_generator(folder: Path) -> Generator:
    """The generator shipped in `folder`, in eval mode, fp32, on the CPU.

    Reads safetensors and JSON only and checks every hash. Raises WeightsMissing or WeightsCorrupt.
    """
    state, config, _digest = read_weights(folder)
    model = generator_from_config(config)
    strict_load(model, state, folder.name)
    return model.eval()


def generator_from_config(config: dict[str, Any]) -> Generator:
    """An untrained generator as `config` (the content of a config.json) describes it."""
    low, middle, high = config["widths"]
    return Generator(
        config["classes"],
        input_size=config["input_size"],
        channels=config["channels"],
        patch=config["patch"],
        widths=(low, middle, high),
        mean=config["mean"],
        std=config["std"],
        steps=config["steps"],
        guidance=config["guidance"],
        shift=config["shift"],
    )


def generate(model: Generator, class_index: int, seed: int) -> NDArray[np.uint8]:
    """One synthetic image of a class: (H, W) for grey, (H, W, 3) for RGB. The same seed gives the same image.

    Raises BadParameter when there is no such class.
    """
    if not 0 <= class_index < len(model.classes):
        raise BadParameter(f"There is no class {class_index}.", hint=f"Choose 0 to {len(model.classes) - 1}.")
    image: NDArray[np.uint8] = sample(model, torch.tensor([class_index]), [seed])[0]
    if model.channels == 1:
        image = image.squeeze(-1)
    return image


@torch.inference_mode()
def sample(model: Generator, labels: Tensor, seeds: Sequence[int]) -> NDArray[np.uint8]:
    """Synthetic images (B, H, W, C) uint8 by Euler steps from noise. labels: (B,) in [0, K); one seed an image."""
    shape = (model.channels, model.input_size, model.input_size)
    noise = [torch.randn(shape, generator=torch.Generator().manual_seed(stream_seed(s, "noise"))) for s in seeds]
    device = model.label.weight.device
    x = torch.stack(noise).to(device)
    labels = labels.to(device)
    nobody = torch.full_like(labels, len(model.classes))
    times = torch.linspace(0.0, 1.0, model.steps + 1)
    times = times / (times + model.shift * (1.0 - times))
    for now, after in zip(times[:-1].tolist(), times[1:].tolist(), strict=True):
        t = torch.full((len(x),), now, device=device)
        plain = model.velocity(x, t, nobody)
        x = x + (after - now) * (plain + model.guidance * (model.velocity(x, t, labels) - plain))
    pixels = ((x * model.std + model.mean).clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)
    result: NDArray[np.uint8] = pixels.permute(0, 2, 3, 1).cpu().numpy()
    return result


def _waves(t: Tensor, size: int) -> Tensor:
    """Sines and cosines (B, size) of t at frequencies from 1 to 1000."""
    rates = torch.exp(torch.linspace(0.0, math.log(1000.0), size // 2, device=t.device))
    angles = t[:, None] * rates[None]
    return torch.cat([angles.sin(), angles.cos()], 1)


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class _Block(nn.Module):
    """Two convolutions with a skip; the embedding scales and shifts what lies between them."""

    def __init__(self, inputs: int, outputs: int, embedding: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(8, inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.film = nn.Linear(embedding, 2 * outputs)
        self.norm2 = nn.GroupNorm(8, outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.skip = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()
        nn.init.zeros_(self.conv2.weight)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        """x: (B, inputs, h, w), e: (B, E). Returns (B, outputs, h, w)."""
        y = self.conv1(F.silu(self.norm1(x)))
        gain, shift = self.film(e)[:, :, None, None].chunk(2, 1)
        y = self.conv2(F.silu(self.norm2(y) * (1.0 + gain) + shift))
        out: Tensor = self.skip(x) + y
        return out


class _Attention(nn.Module):
    """Self-attention over the cells of the coarsest map."""

    def __init__(self, width: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(8, width)
        self.qkv = nn.Conv2d(width, 3 * width, 1)
        self.out = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, h, w) to the same."""
        b, width, h, w = x.shape
        parts = self.qkv(self.norm(x)).reshape(b, 3, self.heads, width // self.heads, h * w)
        q, k, v = (part.transpose(-1, -2) for part in parts.unbind(1))  # (B, heads, hw, width / heads)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(-1, -2).reshape(b, width, h, w)
        out: Tensor = x + self.out(mixed)
        return out
