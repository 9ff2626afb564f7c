"""What the runtime itself costs: `python -m tests.backends.runtime.overhead` prints the figures.

A no-op action, one after the other: submit to Final (with its rows in SQLite), and a live change to its last event.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

from backends.runtime.local import LocalRuntime
from tests.backends.runtime.workbench import ACTIONS, VERSION, Add, House

RUNS = 200


def timed(do, count=RUNS):
    """Milliseconds of each of `count` calls do(0), do(1), ... after ten to warm up; and processor time of one."""
    for place in range(10):
        do(place)
    seconds, processor = [], time.process_time()
    for place in range(10, count + 10):
        started = time.perf_counter()
        do(place)
        seconds.append(time.perf_counter() - started)
    return np.array(seconds) * 1000, (time.process_time() - processor) / count * 1000


def main():
    with tempfile.TemporaryDirectory() as folder:
        house = House(Path(folder))
        house.runtime = runtime = LocalRuntime(ACTIONS, house.registry, house.store, version=VERSION)
        runtime.start()

        def recorded(place):
            run = runtime.submit(house.experiment(Add(left=place, right=1)), "ann")
            assert list(runtime.watch(run.id, "ann"))[-1].run.state == "done"

        def known(place):
            assert runtime.submit(house.experiment(Add(left=0, right=1)), f"visitor{place}").state == "done"

        def live(place):
            assert list(runtime.live(house.experiment(Add(left=place, right=2)), "ann", "view"))[-1].result.value

        for name, do in (("submit to Final", recorded), ("known result", known), ("live change", live)):
            wall, processor = timed(do)
            p50, p95 = np.percentile(wall, [50, 95])
            print(f"{name:16} p50 {p50:6.2f} ms   p95 {p95:6.2f} ms   processor {processor:6.2f} ms   n={RUNS}")
        house.close()


if __name__ == "__main__":
    main()
