"""Tiny real actions, models and houses for the runtime's tests. Gates are files, so that they work across processes."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from backends.core.action import Action, Job
from backends.core.encoding import array_file
from backends.core.errors import BadInput
from backends.core.events import Event, Output, Progress
from backends.core.experiment import Experiment
from backends.core.limits import Limits
from backends.core.parameters import image, integer, model, number, text
from backends.core.playground import Actions, Playground
from backends.core.results import Number, Text
from backends.core.seeds import generator
from backends.registry.catalogue import Catalogue, Local, ModelCard
from backends.registry.registry import Registry
from backends.runtime.executor import Final, RunEvent, Runtime
from backends.store.store import Store
from backends.store.values import Run

PATIENCE = 20.0  # seconds; only ever waited for when something is broken
VERSION = "1.2.3"
TINY = "bench/tiny"


class Add(Action):
    """Two numbers become one."""

    name: ClassVar = "bench/add"
    title: ClassVar = "Add"
    live: ClassVar = True
    left: float = number(0.0, title="Left", minimum=0, maximum=1e6, step=1, help="A number.")
    right: float = number(0.0, title="Right", minimum=0, maximum=1e6, step=1, help="Another.")

    def run(self, job: Job) -> Iterator[Event]:
        yield Progress(0.5, "Adding")
        yield Output("sum", Number(self.left + self.right, "Sum"))


class Draw(Action):
    """Random numbers, by the seed."""

    name: ClassVar = "bench/draw"
    title: ClassVar = "Draw"
    seeded: ClassVar = True
    count: int = integer(8, title="Count", minimum=1, maximum=1000, help="How many.")

    def run(self, job: Job) -> Iterator[Event]:
        yield Output("drawn", array_file("drawn.npy", generator(job.seed, "drawn").standard_normal(self.count)))


class Walk(Action):
    """Many short steps, with a model held for all of them."""

    name: ClassVar = "bench/walk"
    title: ClassVar = "Walk"
    live: ClassVar = True
    steps: int = integer(10, title="Steps", minimum=1, maximum=1_000_000, help="10 ms each.")
    tag: int = integer(0, title="Tag", minimum=0, maximum=1_000_000, help="Tells one from another.")
    model: str = model(TINY, title="Model", help="Held meanwhile.", task="bench")

    def run(self, job: Job) -> Iterator[Event]:
        with job.lease(self.model):
            yield Output("first", Text("half a result"))
            for step in range(self.steps):
                job.cancellation.wait(0.01)
                job.cancellation.check()
                yield Progress(step / self.steps, f"Step {step}")
        yield Output("walked", Number(float(self.steps), "Steps"))


class Careless(Action):
    """Many short steps, without a look at the stop sign."""

    name: ClassVar = "bench/careless"
    title: ClassVar = "Careless"
    live: ClassVar = True

    def run(self, job: Job) -> Iterator[Event]:
        with job.lease(TINY):
            for step in range(100_000):
                threading.Event().wait(0.01)
                yield Progress(step / 100_000, "Never looking")


class Gate(Action):
    """Waits until a file is there."""

    name: ClassVar = "bench/gate"
    title: ClassVar = "Gate"
    path: str = text("", title="File", help="Its path.", max_length=4000)

    def run(self, job: Job) -> Iterator[Event]:
        yield Output("before", Text("not the end"))
        while not Path(self.path).exists():
            job.cancellation.check()
            job.cancellation.wait(0.005)
        yield Output("after", Text("the end"))


class Deaf(Action):
    """One long step that looks at no stop sign: it ends when a file is there."""

    name: ClassVar = "bench/deaf"
    title: ClassVar = "Deaf"
    live: ClassVar = True
    path: str = text("", title="File", help="Its path.", max_length=4000)

    def run(self, job: Job) -> Iterator[Event]:
        yield Progress(0.0, "Going under")
        while not Path(self.path).exists():
            threading.Event().wait(0.005)
        yield Output("after", Text("up again"))


class Break(Action):
    """Fails in the way that is asked for, after a first result."""

    name: ClassVar = "bench/break"
    title: ClassVar = "Break"
    live: ClassVar = True
    how: str = text("bug", title="How", help="bug, exit or sentence.", max_length=20)

    def run(self, job: Job) -> Iterator[Event]:
        yield Output("first", Text("half a result"))
        if self.how == "sentence":
            raise BadInput("This picture shows no lung.", hint="Choose another.")
        if self.how == "exit":
            raise SystemExit(3)
        raise RuntimeError("Jane Doe, born 1970")


class Measure(Action):
    """Reads an input and says how long it is."""

    name: ClassVar = "bench/measure"
    title: ClassVar = "Measure"
    photo: str = image(title="Photo", help="Any.", accepts=(".png",))

    def run(self, job: Job) -> Iterator[Event]:
        yield Output("length", Number(float(len(job.read(self.photo))), "Bytes"))


class Predict(Action):
    """A real network on one random image, together with what other runs ask of it."""

    name: ClassVar = "bench/predict"
    title: ClassVar = "Predict"
    seeded: ClassVar = True
    live: ClassVar = True
    model: str = model(TINY, title="Model", help="Which.", task="bench")

    def run(self, job: Job) -> Iterator[Event]:
        picture = torch.from_numpy(generator(job.seed, "image").standard_normal((1, 8, 8)).astype(np.float32))
        with job.lease(self.model) as network:
            answer = job.batched(network, logits, picture, window_ms=20.0)
        yield Output("logits", array_file("logits.npy", answer.numpy()))


@torch.inference_mode()
def logits(network: torch.nn.Module, images: list[torch.Tensor]) -> list[torch.Tensor]:
    """For Job.batched: images (1, 8, 8) -> logits (5,)."""
    device = next(network.parameters()).device
    return list(network(torch.stack(images).to(device)).cpu())


PLAYGROUND = Playground(
    "bench", "Bench", "For tests.", (Add, Draw, Walk, Careless, Gate, Deaf, Break, Measure, Predict)
)
ACTIONS = Actions([PLAYGROUND])


def network() -> torch.nn.Module:
    """A small convolutional network, the same each time."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3),
            torch.nn.BatchNorm2d(4),
            torch.nn.ReLU(),
            torch.nn.Flatten(),
            torch.nn.Linear(144, 5),
        ).eval()


def load(folder: Path, device: str) -> torch.nn.Module:
    """The catalogue's loader."""
    found = network()
    found.load_state_dict(load_file(folder / "model.safetensors"))
    return found.eval().to(device)


def card(folder: Path, model_id: str = TINY, loader=load, **more) -> ModelCard:
    """A card of the network, whose weights are written into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(network().state_dict(), folder / "model.safetensors")
    fields = {"title": "Tiny", "task": "bench", "domain": "bench", "family": "CNN", "licence": "Apache-2.0"}
    return ModelCard(id=model_id, parameters=777, bytes=4000, source=Local(folder), loader=loader, **{**fields, **more})


class House:
    """A store and a registry in a folder, and what tests ask of a runtime in it."""

    def __init__(self, folder: Path, *, limits: Limits | None = None, cards=(), device: str = "cpu") -> None:
        self.folder = folder
        self.limits = limits or Limits(visitor_waiting=100)
        folder.mkdir(parents=True, exist_ok=True)
        self.registry = Registry(
            Catalogue([card(folder / "tiny"), *cards]), ram_budget=2**30, vram_budget=2**30, device=device
        )
        self.store = Store.open(f"sqlite:///{folder / 'store.db'}", folder / "artifacts", self.limits)
        self.runtime: Runtime | None = None
        self._gates = 0

    def experiment(self, action: Action, seed: int = 0) -> Experiment:
        """As Lab.experiment."""
        named = [getattr(action, item.name) for item in action.parameters() if item.kind == "model"]
        return action.experiment(seed=seed, revisions={name: self.registry.revision(name) for name in named})

    def submit(self, action: Action, visitor: str = "ann", seed: int = 0) -> Run:
        """Ask for a run of the action."""
        return self.runtime.submit(self.experiment(action, seed), visitor)

    def gate(self) -> Path:
        """A file that is not there yet; touch it to open the gate."""
        self._gates += 1
        return self.folder / f"gate{self._gates}"

    def events(self, run: Run, within: float = PATIENCE) -> list[RunEvent]:
        """All that the run says to someone who watches from now on. Fails when it does not end in time."""
        return in_time(lambda: list(self.runtime.watch(run.id, run.visitor)), within)

    def ended(self, run: Run, within: float = PATIENCE) -> Run:
        """The run as its Final shows it."""
        last = self.events(run, within)[-1]
        assert isinstance(last, Final)
        return last.run

    def running(self, run: Run) -> Run:
        """Wait until the run has said its first output or progress of its own."""
        events = self.runtime.watch(run.id, run.visitor)
        in_time(lambda: next(event for event in events if type(event).__name__ == "Started"))
        return run

    def close(self) -> None:
        """Leave nothing behind."""
        if self.runtime is not None:
            self.runtime.close(0)
        self.registry.close()
        self.store.close()


def in_time(do, within: float = PATIENCE):
    """What `do` returns, on another thread; an AssertionError instead of a test that hangs."""
    answer: list = []

    def work() -> None:
        try:
            answer.append((do(), None))
        except BaseException as err:
            answer.append((None, err))

    thread = threading.Thread(target=work, daemon=True, name="in time")
    thread.start()
    thread.join(within)
    assert answer, f"no end within {within} s"
    value, error = answer[0]
    if error is not None:
        raise error
    return value


def said(capsys, caplog) -> str:
    """All that was printed or logged so far, wherever an application in this process has sent the logs."""
    printed = capsys.readouterr()
    return printed.out + printed.err + caplog.text
