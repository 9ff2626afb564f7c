"""Seeds: one number a run, and independent streams drawn from it by name.

A stream's seed depends on the run's seed and the stream's name only, so adding a second use of randomness to an
action does not change the numbers of the first.
"""

from __future__ import annotations

import hashlib

import numpy as np

SEED_MAX = 2**31 - 1  # fits a signed 32-bit integer, which every library and URL takes


def stream_seed(seed: int, name: str) -> int:
    """The seed of the stream `name` of a run: an integer in [0, 2**31)."""
    raw = hashlib.sha256(f"{seed}:{name}".encode()).digest()
    return int.from_bytes(raw[:4], "big") & SEED_MAX


def generator(seed: int, name: str) -> np.random.Generator:
    """A NumPy generator for the stream `name` of a run."""
    return np.random.default_rng(stream_seed(seed, name))
