"""The image sets that the medical recipes train on, and the augmentations that suit them.

Each set is a folder with one `data.npz`: {train,val,test}_images uint8 (N, H, W) or (N, H, W, 3), _labels int64,
and `classes`. The data itself never ships; `SOURCES` says where anyone can get it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name everyone reads
from numpy.typing import NDArray
from torch import Tensor

from backends.core.errors import BadInput

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Source:
    """Where a set comes from, under which terms, and what is known to be wrong with it.

    classes: those that are used, in the order of the labels; empty for all that the file has.
    """

    folder: str
    title: str
    public: str
    licence: str
    attribution: str
    limits: tuple[str, ...]
    classes: tuple[str, ...] = ()


SOURCES: dict[str, Source] = {
    "pneumonia": Source(
        folder="pneumonia_mnist28",
        title="PneumoniaMNIST (28 px, grey)",
        public="https://medmnist.com (pneumoniamnist.npz; saved again as data.npz with the key `classes`)",
        licence="CC BY 4.0",
        attribution="Yang et al., MedMNIST v2, Scientific Data 10, 41, 2023; images: Kermany et al., Cell 172, 2018",
        limits=(
            "Children of one to five years from one hospital; other ages, machines and views are out of scope.",
            "Cropping and exposure differ between the classes, so part of the score may be the camera, not the lung.",
            "Training and validation may share patients; test patients are others, so test is harder than validation.",
        ),
    ),
    "redcells": Source(
        folder="rbc12_48",
        title="Chula RBC-12 (48 px crops, RGB)",
        public="https://github.com/Chula-PIC-Lab/Chula-RBC-12-Dataset (72 px crops on the labels, Lanczos to 48 px)",
        licence="MIT",
        attribution="Naruenatthanaset et al., arXiv:2012.01321, 2021; (c) 2021 Chula PIC Lab",
        limits=(
            "Stain colour differs by slide batch and some types live in few batches, so colour is a shortcut.",
            "Splits keep smears apart, not patients: patient ids are not public.",
            "Normal cells, macrocytes and microcytes differ by size alone: never rescale a crop.",
        ),
    ),
    "modality": Source(
        folder="mednist64",
        title="MedNIST, a part of it (64 px, grey)",
        public="https://github.com/apolanco3225/Medical-MNIST-Classification (blocks of 100 files kept in one split)",
        licence="CC BY-SA 4.0",
        attribution="Dr. Bradley J. Erickson, Department of Radiology, Mayo Clinic; images from TCIA, RSNA Bone Age "
        "Challenge and NIH Chest X-ray",
        limits=(
            "An easy task: six kinds of picture that anyone tells apart; it says nothing about any disease.",
            "Patient ids are gone; neighbouring files stay in one split, which only nearly keeps patients apart.",
            "The makers squashed CT windows to 8 bit, so grey backgrounds give abdomen and chest away.",
        ),
    ),
    "nih": Source(
        folder="cxr128",
        title="NIH ChestX-ray8, a part of it (128 px, grey)",
        public="https://github.com/muhammedtalo/COVID-19 (No_findings and Pneumonia), padded to squares, 128 px",
        licence="no restrictions on use; link, citation and acknowledgement required",
        attribution="NIH Clinical Center, https://nihcc.app.box.com/v/ChestXray-NIHCC; Wang et al., ChestX-ray8, "
        "CVPR 2017, pp. 3462-3471",
        limits=(
            "Labels were mined from reports by a program; pneumonia is among the least reliable of them.",
            "Pneumonia was filmed more often lying in bed (AP, portable), so part of the score may be the film.",
            "The test set has 140 images: read the intervals.",
        ),
        classes=("no_finding", "pneumonia"),  # the file's third class comes from another hospital
    ),
}


@dataclass(frozen=True)
class Split:
    """Images (N, H, W, C) uint8 and labels (N,) int64 in [0, K)."""

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@dataclass(frozen=True)
class ImageSet:
    """A labelled set in three parts. classes: K names in the order of the labels."""

    classes: tuple[str, ...]
    train: Split
    val: Split
    test: Split


def default_data_root() -> Path:
    """VITRINE_DATA if set, else the folder `shared/data` beside the checkout."""
    return Path(os.environ.get("VITRINE_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def load_image_set(root: Path, key: str) -> ImageSet:
    """The set `key` (of SOURCES) under `root`. Raises BadInput when its file is not there or lacks an array."""
    source = SOURCES[key]
    path = root / source.folder / "data.npz"
    if not path.is_file():
        raise BadInput(f"{source.title} is not there.", hint=f"Get it from {source.public}, or give --data.")
    with np.load(path, allow_pickle=False) as arrays:
        missing = {f"{part}_{what}" for part in SPLITS for what in ("images", "labels")} - set(arrays.files)
        if missing or "classes" not in arrays.files:
            raise BadInput(f"{source.title} lacks {', '.join(sorted(missing)) or 'classes'}.")
        named = [str(name) for name in arrays["classes"]]
        classes = source.classes or tuple(named)
        numbers = [named.index(name) for name in classes]
        parts = [_split(arrays[f"{part}_images"], arrays[f"{part}_labels"], numbers) for part in SPLITS]
        return ImageSet(classes, *parts)


def _split(images: NDArray[np.uint8], labels: NDArray[np.int64], numbers: list[int]) -> Split:
    """numbers: the labels that are used; each becomes its place in this list, images of others are left out."""
    labels = labels.reshape(-1)
    kept = np.isin(labels, numbers)
    if images.ndim == 3:
        images = images[..., None]
    places = np.array([numbers.index(label) for label in labels[kept].tolist()], np.int64)
    return Split(images[kept], places)


def to_tensor(images: NDArray[np.uint8]) -> Tensor:
    """(N, H, W, C) uint8 to (N, C, H, W) float32 in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).float() / 255.0


def to_grey(images: Tensor) -> Tensor:
    """(B, 3, H, W) to its luminance (ITU-R BT.601), repeated to (B, 3, H, W)."""
    weights = images.new_tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    return (images * weights).sum(1, keepdim=True).expand_as(images)


@dataclass(frozen=True)
class Augmentation:
    """Random changes that keep the label. Pixels are moved once, by one bilinear resampling.

    degrees, shift (pixels), scale (relative): limits of the affine change. flips: whether mirror images are as likely.
    gain, offset: limits of contrast and brightness, each channel alone by `tint` times that. gamma: limit of log-gamma.
    grey: share of images without colour. erase: side of an erased square as a share of the image (0 = none).
    """

    degrees: float
    shift: float
    scale: float
    flips: bool
    gain: float
    offset: float
    gamma: float
    tint: float = 0.0
    grey: float = 0.0
    erase: float = 0.0

    def __call__(self, images: Tensor, rng: torch.Generator) -> Tensor:
        """A changed copy of images (B, C, H, W) in [0, 1]. rng: a CPU generator, so that devices agree."""
        moved = self._move(images, rng)
        coloured = self._recolour(moved, rng)
        return self._erase(coloured, rng).clamp(0.0, 1.0)

    def _move(self, images: Tensor, rng: torch.Generator) -> Tensor:
        b, _, height, _ = images.shape
        angle = _symmetric(rng, (b,)) * torch.pi * self.degrees / 180.0
        zoom = torch.exp(_symmetric(rng, (b,)) * self.scale)
        mirror = torch.where(torch.rand(b, generator=rng) < 0.5, -1.0, 1.0) if self.flips else torch.ones(b)
        offset = _symmetric(rng, (b, 2)) * 2.0 * self.shift / height
        cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
        rows = [torch.stack([cos * mirror, -sin, offset[:, 0]], 1), torch.stack([sin * mirror, cos, offset[:, 1]], 1)]
        theta = torch.stack(rows, 1).to(images.device)  # (B, 2, 3)
        grid = F.affine_grid(theta, list(images.shape), align_corners=False)
        return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)

    def _recolour(self, images: Tensor, rng: torch.Generator) -> Tensor:
        b, c = images.shape[:2]
        gain = 1.0 + self.gain * (_symmetric(rng, (b, 1, 1, 1)) + self.tint * _symmetric(rng, (b, c, 1, 1)))
        offset = self.offset * (_symmetric(rng, (b, 1, 1, 1)) + self.tint * _symmetric(rng, (b, c, 1, 1)))
        gamma = torch.exp(self.gamma * _symmetric(rng, (b, 1, 1, 1)))
        colourless = torch.rand(b, 1, 1, 1, generator=rng) < self.grey
        gain, offset, gamma, colourless = (value.to(images.device) for value in (gain, offset, gamma, colourless))
        if c == 3 and self.grey > 0:
            images = torch.where(colourless, to_grey(images), images)
        centre = images.mean((1, 2, 3), keepdim=True)
        changed = (images - centre) * gain + centre + offset
        return changed.clamp(1e-4, 1.0) ** gamma

    def _erase(self, images: Tensor, rng: torch.Generator) -> Tensor:
        if self.erase == 0.0:
            return images
        b, _, height, width = images.shape
        centre = torch.rand(b, 2, generator=rng).to(images.device)
        half = self.erase / 2.0
        down = (torch.arange(height, device=images.device) / height - centre[:, :1]).abs() < half  # (B, H)
        across = (torch.arange(width, device=images.device) / width - centre[:, 1:]).abs() < half  # (B, W)
        hole = (down[:, :, None] & across[:, None, :])[:, None]
        return torch.where(hole, images.mean((2, 3), keepdim=True), images)


def _symmetric(rng: torch.Generator, shape: tuple[int, ...]) -> Tensor:
    """Uniform numbers in [-1, 1)."""
    return torch.rand(shape, generator=rng) * 2.0 - 1.0
