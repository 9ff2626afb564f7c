"""What the registry tells people: its errors as sentences, and one error given to many threads."""

from __future__ import annotations

from typing import TypeVar

from backends.core.errors import Busy, LoadFailed, OutOfMemory, VitrineError
from backends.registry.entry import Entry
from backends.registry.progress import Progress

SOON = 5.0  # seconds to wait when nothing better is known

Error = TypeVar("Error", bound=VitrineError)


def again(error: Error) -> Error:
    """A copy with a life of its own: an exception raised in two threads would mix up their tracebacks."""
    copy = type(error).__new__(type(error), *error.args)
    copy.__dict__.update(error.__dict__)
    copy.__cause__ = error.__cause__
    return copy


def busy(entry: Entry, held_by: dict[str, int], now: float) -> Busy:
    """Why a lease was not granted in time."""
    title = entry.card.title
    match entry.state:
        case "loading" if entry.flight is not None:
            return _loading(entry, entry.flight.progress, now)
        case "waiting":
            others = ", ".join(sorted(held_by)) or "others"
            return Busy(f"There is no memory for {title} while these are in use: {others}.", retry_after=SOON)
        case "retiring" | "releasing":
            return Busy(f"{title} is being unloaded, and will be loaded again.", retry_after=SOON)
        case _:
            return Busy(f"{title} is in use.", retry_after=SOON)


def closing() -> Busy:
    """The registry is shutting down."""
    return Busy("The server is stopping.", retry_after=SOON)


def no_thread() -> Busy:
    """The machine would not give a thread."""
    return Busy("The server has too much to do to load a model now.", retry_after=SOON)


def never_fits(entry: Entry, held_by: dict[str, int]) -> OutOfMemory:
    """The model is larger than its pool's budget."""
    needed, budget, name = entry.card.bytes, entry.pool.budget, entry.pool.name
    return OutOfMemory(
        f"{entry.card.title} needs {_mega(needed)}, and models may use {_mega(budget)} of {name}.",
        needed=needed,
        free=max(0, entry.pool.free),
        held_by=held_by,
        hint="Choose a smaller model, or raise the memory budget in the settings.",
    )


def out_of_memory(entry: Entry, needed: int, free: int, held_by: dict[str, int]) -> OutOfMemory:
    """Memory ran out although idle models were evicted. needed: 0 where the allocator did not say."""
    held_by = {name: size for name, size in held_by.items() if name != entry.id or entry.leases}
    others = ", ".join(f"{name} ({_mega(size)})" for name, size in sorted(held_by.items()))
    return OutOfMemory(
        f"{entry.pool.name} ran out: {entry.card.title} asked for {_mega(needed) if needed else 'more'},"
        f" and {_mega(free)} are free.",
        needed=needed,
        free=free,
        held_by=held_by,
        hint=f"In use: {others}. Try a smaller input." if others else "Try a smaller input or model.",
    )


def load_failed(entry: Entry) -> LoadFailed:
    """The loader raised something that is not ours; the log has it."""
    return LoadFailed(f"{entry.card.title} could not be loaded.", hint="The server's log says why.")


def _loading(entry: Entry, progress: Progress, now: float) -> Busy:
    """When a load will be done is guessed from its download's speed, or from the last load."""
    elapsed = max(now - progress.started, 1e-3)
    if progress.phase == "fetching":
        left = elapsed * (progress.total - progress.done) / progress.done if progress.done else SOON
        how_far = f"{progress.done / 1e6:.0f} of {progress.total / 1e6:.0f} MB"
        return Busy(f"{entry.card.title} is still being downloaded ({how_far}).", retry_after=max(1.0, left))
    left = entry.tally.last_load_seconds - elapsed if entry.tally.loads else SOON
    return Busy(f"{entry.card.title} is still being loaded.", retry_after=max(1.0, left))


def _mega(count: int) -> str:
    return f"{count / 1e6:.0f} MB" if count >= 1e6 else f"{count} bytes"
