"""What a 5 x 5 sweep costs, against its 25 runs asked for one by one.

`python -m tests.bench.sweep` sweeps window centre x window width of the medical viewer in a laboratory of its own, with
an empty store, so that nothing is known from before. Three ways take turns in the same process:

sweep   one run of the derived action, through the runtime: submitted, watched, its grid stored.
direct  the same 25 experiments through the runtime, each submitted and watched before the next.
bare    the same 25 actions called by themselves, their outputs encoded: no queue, no store, no watcher.

Each turn has values of its own, so that no cache of the action or the runtime helps one of them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch

from backends.core.action import Action
from backends.core.encoding import encode
from backends.core.events import Output
from backends.core.sweep import sweep_of
from backends.core.sweep_values import read_values
from backends.medical.actions import Classify
from backends.medical.playground import PLAYGROUND
from backends.runtime.executor import Final
from backends.runtime.lab import Lab
from tests.backends.core.swept import swept_lab
from tests.bench.medical_latency import Desk, picture

SIDE = 5
GOAL = 1.1
VISITOR = "bench"
_SETTINGS = {item.name: item for item in Classify.parameters() if item.name in ("centre", "width")}


def values(turn: int) -> tuple[str, str]:
    """Lists of centres and widths that no other turn has."""
    part = turn / 1000
    return f"{40 + part}..{200 + part}:{SIDE}", f"{60 + part}..{240 + part}:{SIDE}"


def cells(image: str, turn: int) -> list[Action]:
    """The 25 actions of a turn."""
    centres, widths = (
        read_values(_SETTINGS[name], told, "") for name, told in zip(_SETTINGS, values(turn), strict=True)
    )
    return [Classify(image=image, centre=centre, width=width) for width in widths for centre in centres]


def sweep(image: str, turn: int) -> Action:
    """The sweep of a turn."""
    x, y = values(turn)
    swept = {"sweep_x": "centre", "sweep_x_values": x, "sweep_y": "width", "sweep_y_values": y}
    return sweep_of(Classify).parse({"image": image, **swept})


def through_the_runtime(lab: Lab, actions: list[Action]) -> None:
    """Each submitted and watched to its end before the next."""
    for action in actions:
        run = lab.runtime.submit(lab.experiment(action), VISITOR)
        last = [event for event in lab.runtime.watch(run.id, VISITOR) if isinstance(event, Final)][-1]
        assert last.run.state == "done", last.run.error


def bare(desk: Desk, actions: list[Action]) -> None:
    """Each called by itself, its outputs encoded."""
    for action in actions:
        assert sum(len(encode(event.result).data) for event in action.run(desk) if isinstance(event, Output))


def take_turns(count: int, calls: Mapping[str, Callable[[int], None]]) -> dict[str, np.ndarray]:
    """Seconds of each call, interleaved: (count, 2), wall and processor. The first round is not counted."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in calls}
    turns: Iterator[int] = iter(range(10**6))
    for round_ in range(count + 1):
        order = list(calls) if round_ % 2 else list(reversed(calls))
        for name in order:
            turn = next(turns)
            began, spent = time.perf_counter(), time.process_time()
            calls[name](turn)
            if round_:
                took[name].append((time.perf_counter() - began, time.process_time() - spent))
    return {name: np.array(pairs) for name, pairs in took.items()}


def main() -> None:
    """Print the table for a small example and a large picture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=5, help="measured sweeps of each kind")
    options = parser.parse_args()
    torch.set_num_threads(1)
    load = os.getloadavg()[0]
    print(
        f"torch {torch.__version__}, 1 thread, {options.count} sweeps of {SIDE} x {SIDE} each, load average {load:.1f}"
    )
    print(f"{'picture':22}{'':8}{'p50 s':>8}{'longest':>9}{'CPU s':>8}{'to direct':>11}{'CPU to direct':>15}")
    example = Classify.prepare_input("image", PLAYGROUND.examples()[0].read())
    for title, data in (("28 x 28, an example", example), ("512 x 512", picture(colour=False))):
        _measure(title, data, options.count)
    print(f"goal: sweep to direct <= {GOAL:g}")


def _measure(title: str, data: bytes, count: int) -> None:
    with tempfile.TemporaryDirectory() as folder, swept_lab(Path(folder)) as lab:
        image = lab.store.artifacts.put(VISITOR, data, "application/octet-stream")
        desk = Desk(lab.registry, data)
        took = take_turns(
            count,
            {
                "sweep": lambda turn: through_the_runtime(lab, [sweep(image, turn)]),
                "direct": lambda turn: through_the_runtime(lab, cells(image, turn)),
                "bare": lambda turn: bare(desk, cells(image, turn)),
            },
        )
    middle = {name: np.median(pairs, axis=0) for name, pairs in took.items()}
    for name, pairs in took.items():
        wall, spent = middle[name] / middle["direct"]
        p50, cpu = middle[name]
        print(f"{title:22}{name:8}{p50:8.2f}{pairs[:, 0].max():9.2f}{cpu:8.2f}{wall:11.2f}{spent:15.2f}")


if __name__ == "__main__":
    main()
