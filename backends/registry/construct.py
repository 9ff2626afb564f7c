"""One model is constructed at a time, in the whole process.

`from_pretrained` and `init_empty_weights` replace `torch.nn.Module.register_parameter` and torch's initialisers for
everyone while they work: a second construction in another thread would be left with parameters on the `meta` device.
Using, moving or freeing models that exist takes no part in this and is never blocked by it.

Lock order: this lock first, then `Registry._lock`; never the other way round.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_CONSTRUCTION = threading.RLock()  # re-entrant: a loader may call another loader


@contextmanager
def construction() -> Iterator[None]:
    """Hold the process-wide construction lock. For whoever builds a model outside the registry, too."""
    with _CONSTRUCTION:
        yield
