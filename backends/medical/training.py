"""What every training loop here shares: the time budget with its learning-rate schedule, and averaged weights."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

import torch
from torch import nn

Report = Callable[[str], None]

WARM_UP = 0.1  # share of the budget in which the learning rate rises


class Budget:
    """A wall-clock budget that starts when it is made. The schedule follows the clock, so that a slower machine makes
    fewer steps but still ends with a small learning rate.
    """

    def __init__(self, minutes: float) -> None:
        self._seconds = 60.0 * minutes
        self._started = time.monotonic()

    def done(self) -> float:
        """Share of the budget that is spent, in [0, 1]."""
        return min(1.0, (time.monotonic() - self._started) / self._seconds)

    def spent(self) -> bool:
        """Whether nothing is left."""
        return self.done() >= 1.0

    def set_rate(self, optimiser: torch.optim.Optimizer, peak: float) -> None:
        """Set the learning rate that is due now."""
        for group in optimiser.param_groups:
            group["lr"] = peak * schedule(self.done())


def schedule(done: float) -> float:
    """Factor of the peak learning rate at the share `done` of the budget: linear rise, then half a cosine to 0."""
    if done < WARM_UP:
        return max(0.02, done / WARM_UP)
    return 0.5 * (1.0 + math.cos(math.pi * (done - WARM_UP) / (1.0 - WARM_UP)))


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the weights and running statistics of `average` towards `model`: an exponential moving average."""
    current = model.state_dict()
    pairs = [(mean, current[name]) for name, mean in average.state_dict().items() if mean.is_floating_point()]
    torch._foreach_lerp_([mean for mean, _ in pairs], [value for _, value in pairs], 1.0 - decay)


def has_bfloat16(device: str) -> bool:
    """Whether `device` computes in bfloat16 by itself. A CPU that has to emulate it takes twenty times as long as in
    float32 (measured on an AVX2 EPYC); one that torch tells nothing about counts as such.
    """
    if torch.device(device).type != "cpu":
        return True
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def arithmetic(device: str) -> torch.autocast:
    """The context in which networks are trained on `device`: bfloat16 where it has that, else float32."""
    return torch.autocast(torch.device(device).type, torch.bfloat16, enabled=has_bfloat16(device))


def quiet(_message: str) -> None:
    """A report that nobody reads."""
