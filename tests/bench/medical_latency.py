"""How long predict + Grad-CAM takes through the viewer's action, against timm and torchcam called directly.

`python -m tests.bench.medical_latency` prints p50 and p95 in milliseconds, and p50 of the processor's time, which other
programs on the machine do not touch. Both sides take turns in the same run, on the same weights and pixels.

core   network and map only: registry lease + grad_cam against timm network + torchcam.GradCAM.
whole  from the stored picture to two PNG files: the action with its outputs encoded, against the shortest script that
       does the same with Pillow, timm and torchcam (resize, forward, map, torchcam.utils.overlay_mask, two PNGs).
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchcam.methods import GradCAM
from torchcam.utils import overlay_mask
from torchvision.transforms.functional import to_pil_image

from backends.core.cancellation import Cancellation
from backends.core.digest import sha256
from backends.core.encoding import encode
from backends.core.events import Output
from backends.medical.actions import Classify
from backends.medical.explain import grad_cam
from backends.medical.inputs import model_input
from backends.medical.models import models
from backends.medical.window import PICTURE
from backends.registry.catalogue import Catalogue
from backends.registry.registry import Registry

SIDE = 512
GOAL_MS, GOAL_RATIO = 150.0, 1.3


class Desk:
    """The least that an action needs: one picture and the real registry."""

    seed = 0

    def __init__(self, registry: Registry, data: bytes) -> None:
        self.cancellation = Cancellation()
        self._registry, self._data = registry, data

    def read(self, digest: str) -> bytes:
        """The picture, whatever is asked for."""
        del digest
        return self._data

    def lease(self, model_id: str) -> AbstractContextManager[Any]:
        """From the registry."""
        return self._registry.lease(model_id)


def ours_core(desk: Desk, model_id: str, seen: np.ndarray[Any, Any]) -> Any:
    """Lease, probabilities and map."""
    with desk.lease(model_id) as network:
        return grad_cam(network, seen, None)


def direct_core(network: torch.nn.Module, seen: Tensor) -> tuple[Tensor, Tensor]:
    """What torchcam's README does, with the raw map kept."""
    with GradCAM(network, "backbone.layer4") as extractor:
        logits = network(seen)
        (found,) = extractor(int(logits.argmax()), logits, normalized=False)
    return logits.softmax(1), found


def ours_whole(desk: Desk, model_id: str, digest: str, turn: Iterator[int]) -> int:
    """The action as a slider calls it: every call has its own window, so that no model input is cached."""
    action = Classify.parse({"image": digest, "model": model_id, "centre": 128 + next(turn) % 50 / 10})
    return sum(len(encode(event.result).data) for event in action.run(desk) if isinstance(event, Output))


def direct_whole(network: Any, data: bytes, turn: Iterator[int]) -> int:
    """The shortest script that shows the same: a changed contrast, a prediction, a map, two PNGs."""
    gain = 1 + next(turn) % 50 / 1000
    picture = Image.open(io.BytesIO(data)).convert("RGB" if network.channels == 3 else "L").point(lambda v: v * gain)
    small = np.asarray(picture.resize((network.input_size, network.input_size), Image.Resampling.BICUBIC), np.float32)
    planes = small[None] if small.ndim == 2 else small.transpose(2, 0, 1)
    _, found = direct_core(network, torch.from_numpy(np.ascontiguousarray(planes[None] / np.float32(255))))
    peak = found.max().clamp_min(1e-8)
    overlaid = overlay_mask(picture.convert("RGB"), to_pil_image(found / peak, mode="F"), colormap="viridis", alpha=0.5)
    total = 0
    for shown in (picture, overlaid):
        out = io.BytesIO()
        shown.save(out, "PNG", compress_level=4)  # as core.encoding does
        total += len(out.getvalue())
    return total


def take_turns(count: int, **calls: Callable[[], Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Milliseconds of each call, interleaved: (count, 2), wall and processor. The first tenth is not counted."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    for index in range(count + count // 10 + 1):
        for name, call in calls.items():
            started, spent = time.perf_counter(), time.process_time()
            call()
            if index > count // 10:
                took[name].append((1000 * (time.perf_counter() - started), 1000 * (time.process_time() - spent)))
    return {name: np.array(values) for name, values in took.items()}


def picture(colour: bool) -> bytes:
    """A 512 x 512 picture with structure at every scale (1 / f noise), whose PNG is as large as a photograph's."""
    rng = np.random.default_rng(0)
    y, x = np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE), indexing="ij")
    planes = []
    for _ in range(3 if colour else 1):
        spectrum = np.fft.fft2(rng.normal(size=(SIDE, SIDE))) / np.maximum(np.hypot(x, y), 1 / SIDE)
        field = np.fft.ifft2(spectrum).real
        planes.append(np.clip(128 + 40 * field / field.std(), 0, 255))
    out = io.BytesIO()
    Image.fromarray(np.stack(planes, -1).squeeze().astype(np.uint8)).save(out, "PNG")
    return Classify.prepare_input("image", out.getvalue())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100, help="measured calls of each kind")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cards = models()
    print(f"torch {torch.__version__}, {options.threads} threads, {options.count} calls, picture {SIDE} x {SIDE}")
    print(f"{'':35}{'ours':>8}{'':16}{'direct':>8}")
    print(f"{'model':28} {'part':6}" + f"{'p50':>8}{'p95':>8}{'CPU':>8}" * 2 + f"{'ratio':>8}")
    registry = Registry(Catalogue(cards))
    try:
        for card in cards:
            _measure(registry, card.id, card.loader(card.source.folder, "cpu"), options.count)
    finally:
        registry.close()
    print(f"goal: p50 <= {GOAL_MS:g} ms, ratio <= {GOAL_RATIO:g}")


def _measure(registry: Registry, model_id: str, network: Any, count: int) -> None:
    data = picture(network.channels == 3)
    desk, digest = Desk(registry, data), sha256(data)
    frame = np.asarray(Image.open(io.BytesIO(data)))
    seen = model_input(frame, PICTURE, network.input_size, network.channels)
    ours_turn, direct_turn = iter(range(10**9)), iter(range(10**9))
    parts = {
        "core": take_turns(
            count,
            ours=lambda: ours_core(desk, model_id, seen),
            direct=lambda: direct_core(network, torch.from_numpy(seen)),
        ),
        "whole": take_turns(
            count,
            ours=lambda: ours_whole(desk, model_id, digest, ours_turn),
            direct=lambda: direct_whole(network, data, direct_turn),
        ),
    }
    for part, took in parts.items():
        wall50, wall95 = (np.percentile([took["ours"][:, 0], took["direct"][:, 0]], q, axis=1) for q in (50, 95))
        spent = np.percentile([took["ours"][:, 1], took["direct"][:, 1]], 50, axis=1)
        cells = [value for side in (0, 1) for value in (wall50[side], wall95[side], spent[side])]
        print(f"{model_id:28} {part:6}" + "".join(f"{cell:8.1f}" for cell in cells) + f"{wall50[0] / wall50[1]:8.2f}")


if __name__ == "__main__":
    main()
