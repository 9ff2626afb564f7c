"""Where a classifier looked: Grad-CAM (Selvaraju et al., 2017, arXiv:1610.02391) by torchcam, raw magnitudes kept.

torchcam hangs its hooks on the model it is given, and a second thread's forward pass would fire them. So each call
hooks a private twin of the few modules on the way to the layer; weights and all other modules are shared, and the
model that was leased is never touched. Letters: B = 1 image, C channels, H x W pixels, K classes, h x w map cells.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

import numpy as np
import numpy.typing as npt

from backends.core.errors import BadParameter, LayerNotFound, LoadFailed

if TYPE_CHECKING:
    from torch import Tensor, nn

Map = npt.NDArray[np.float32]
# Below a ten-thousandth of a logit no probability moves visibly: such a map is noise and is not drawn.
NEGLIGIBLE = 1e-4


@runtime_checkable
class ImageClassifier(Protocol):
    """What is asked of a model here: see networks.Classifier."""

    classes: tuple[str, ...]
    input_size: int
    channels: int
    cam_layer: str
    temperature: Any


@dataclass(frozen=True, eq=False)
class Explanation:
    """probabilities: (K,) float64, sum 1. target: the class explained, in [0, K).

    evidence: (h, w) float32 >= 0, gradient of the target's logit times activation, as Grad-CAM leaves it: not scaled.
    """

    probabilities: npt.NDArray[np.float64]
    target: int
    evidence: Map

    @property
    def peak(self) -> float:
        """The largest evidence."""
        return float(self.evidence.max())

    @property
    def positive(self) -> bool:
        """Whether anything at all speaks for the class."""
        return self.peak > NEGLIGIBLE


def grad_cam(model: nn.Module, image: Map, target: int | None) -> Explanation:
    """Probabilities and Grad-CAM from one forward pass.

    model: an ImageClassifier in eval mode. image: (1, C, H, W) float32 in [0, 1]. target: a class, None for the most
    probable. Raises LayerNotFound when the model has no such layer or its output has no height and width, BadParameter
    for a class it does not have, LoadFailed when its numbers are not finite.
    """
    import torch
    from torchcam.methods import GradCAM

    device = next(model.parameters()).device
    images = torch.from_numpy(image).to(device).requires_grad_()  # so that a frozen model has a gradient, too
    facts = cast("ImageClassifier", model)
    layer = facts.cam_layer
    with torch.enable_grad(), GradCAM(private_twin(model, layer), layer) as extractor:
        logits = extractor.model(images)  # (1, K)
        probabilities = _probabilities(logits.detach(), float(facts.temperature))
        chosen = int(probabilities.argmax()) if target is None else target
        if not 0 <= chosen < len(probabilities):
            raise BadParameter("The model has no such class.", hint="Choose one of its classes.", field="explain")
        if extractor.hook_a[0] is None or extractor.hook_a[0].ndim != 4:
            raise LayerNotFound("This model's layer has no map to look at.", hint="Choose another model.")
        (evidence,) = extractor(chosen, logits, normalized=False)  # (1, h, w), after ReLU
    return Explanation(probabilities, chosen, evidence[0].detach().float().cpu().numpy().copy())


def private_twin(model: nn.Module, layer: str) -> nn.Module:
    """A model that computes the same with the same weights, whose module `layer` can be hooked unseen by others.

    Only the modules on the way to `layer` are new objects. Raises LayerNotFound.
    """
    root = node = _shallow(model)
    for part in layer.split("."):
        child = node._modules.get(part)
        if child is None:
            raise LayerNotFound("This model has no layer of that name to look at.", hint="Choose another model.")
        twin = _shallow(child)
        node._modules[part] = twin
        node = twin
    return root


def class_index(classes: Sequence[str], name: str) -> int | None:
    """The index of a class; None for 'predicted'. Raises BadParameter, which names the classes there are."""
    if name == "predicted":
        return None
    if name not in classes:
        known = ", ".join(classes)
        raise BadParameter(
            f"The model does not have this class; it has: {known}.", hint="Choose one of them.", field="explain"
        )
    return classes.index(name)


def _probabilities(logits: Tensor, temperature: float) -> npt.NDArray[np.float64]:
    """(K,): softmax of logits (1, K) divided by the temperature (Guo et al., 2017)."""
    import torch

    scaled = logits[0].double().cpu() / temperature
    if not bool(torch.isfinite(scaled).all()):  # torchcam would sum over NaN and draw an empty map
        raise LoadFailed("The model's answer is not a number.", hint="Choose another model.")
    out: npt.NDArray[np.float64] = torch.softmax(scaled, 0).numpy()
    return out


def _shallow(module: nn.Module) -> nn.Module:
    """A module of its own with the same weights and children, and its own places for children and hooks."""
    twin = copy.copy(module)
    for name in ("_modules", "_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called"):
        twin.__dict__[name] = module.__dict__[name].copy()
    return twin
