"""Many visitors with uploads, runs, sessions and links, and an account in plain sets of what each of them may read.

The account is kept by this file alone, from what was done; the store is never asked who may do what.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

from backends.core.digest import sha256
from backends.core.results import Text
from backends.store.store import Store
from backends.store.tables import LinkRow
from backends.store.values import Run, Session, utc_now
from tests.backends.store.making import done_run

COMMON = b"a picture that many people have"
Done = TypeVar("Done")


@dataclass
class Saved:
    """A session as the account knows it. links: all that were ever made."""

    owner: str
    runs: list[str]
    links: list[str]
    deleted: bool = False


@dataclass
class Account:
    """What was done, and by whom. words: what a run's result says, different for every run that was computed."""

    visitors: list[str]
    uploads: dict[str, set[str]] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)
    bytes: dict[str, set[str]] = field(default_factory=dict)
    sessions: dict[str, Saved] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)
    came_by: dict[str, set[str]] = field(default_factory=dict)

    def sessions_of(self, visitor: str) -> set[str]:
        """Own ones that stand, and those of which a link that is open was opened."""
        came = self.came_by[visitor] - self.closed
        standing = {key: one for key, one in self.sessions.items() if not one.deleted}
        return {key for key, one in standing.items() if one.owner == visitor or came.intersection(one.links)}

    def runs_of(self, visitor: str) -> set[str]:
        """Own ones, and those in the sessions that they may read."""
        own = {run for run, owner in self.runs.items() if owner == visitor}
        return own.union(*(self.sessions[key].runs for key in self.sessions_of(visitor)))

    def bytes_of(self, visitor: str) -> set[str]:
        """Own uploads, and what goes into and comes out of the runs that they may read."""
        return self.uploads[visitor].union(*(self.bytes[run] for run in self.runs_of(visitor)))

    def addresses_of(self, visitor: str) -> set[str]:
        """What `open` takes from them: ids and links of own sessions, and the open links by which they came."""
        own = {key: one for key, one in self.sessions.items() if one.owner == visitor and not one.deleted}
        links = {link for one in own.values() for link in one.links}
        came = {link for link in self.came_by[visitor] - self.closed if not self.session_of(link).deleted}
        return {*own, *links, *came}

    def told_as_closed(self, visitor: str) -> set[str]:
        """The links that are told as withdrawn or expired: their session stands and belongs to someone else."""
        return {
            link for link in self.closed if self.session_of(link).owner != visitor and not self.session_of(link).deleted
        }

    def open_links(self) -> set[str]:
        """The links that open something for whoever has them."""
        standing = [one for one in self.sessions.values() if not one.deleted]
        return {link for one in standing for link in one.links} - self.closed

    def session_of(self, link: str) -> Saved:
        return next(one for one in self.sessions.values() if link in one.links)


def at_once(steps: Iterable[Callable[[], Done]], rng: random.Random) -> list[Done]:
    """The steps in any order, eight at a time; their results in the order of the steps."""
    waiting = list(enumerate(steps))
    rng.shuffle(waiting)
    with ThreadPoolExecutor(8) as pool:
        going = {place: pool.submit(step) for place, step in waiting}
        return [going[place].result(600) for place in range(len(waiting))]


def build(store: Store, visitors: list[str], rng: random.Random) -> Account:
    """Let everyone work at the same time: upload, run, save, share, look at others' work, copy it, withdraw, delete."""
    account = Account(visitors, came_by={visitor: set() for visitor in visitors})
    _upload(store, account, rng)
    _run(store, account, rng)
    _save(store, account, rng)
    _share(store, account, rng)
    _look(store, account, rng)
    _close(store, account, rng)
    return account


def _upload(store: Store, account: Account, rng: random.Random) -> None:
    pairs = [(visitor, f"photo {n} of {visitor}".encode()) for visitor in account.visitors for n in range(2)]
    pairs += [(visitor, COMMON) for visitor in account.visitors[::3]]
    account.uploads = {visitor: set() for visitor in account.visitors}
    at_once([lambda pair=pair: store.artifacts.put(*pair, "image/png") for pair in pairs], rng)
    for visitor, data in pairs:
        account.uploads[visitor].add(sha256(data))


def _run(store: Store, account: Account, rng: random.Random) -> None:
    todo = [(visitor, n) for visitor in account.visitors for n in range(3)]

    def compute(visitor: str, n: int) -> Run:
        photo = sha256(COMMON if n == 2 and visitor in account.visitors[::3] else f"photo 0 of {visitor}".encode())
        results = {"words": Text(f"{visitor} made {n}"), "common": Text("the same for everyone")}
        return done_run(store, visitor, results, gain=n, photo=photo)

    made = at_once([lambda pair=pair: compute(*pair) for pair in todo], rng)
    for (visitor, n), run in zip(todo, made, strict=True):
        _note_run(account, run, visitor, f"{visitor} made {n}")


def _save(store: Store, account: Account, rng: random.Random) -> None:
    own = {visitor: [run for run, owner in account.runs.items() if owner == visitor] for visitor in account.visitors}

    def save(visitor: str, runs: list[str]) -> Session:
        session = store.sessions.create(visitor, f"Work of {visitor}", f"Notes of {visitor}")
        for run in runs:
            store.sessions.add_run(session.id, visitor, run)
            store.sessions.annotate(session.id, visitor, run, note=f"By {visitor}", speaker=f"Secret of {visitor}")
        return store.sessions.get(session.id, visitor)

    todo = [(visitor, runs[part]) for visitor, runs in own.items() for part in (slice(0, 2), slice(1, 2))]
    for session in at_once([lambda pair=pair: save(*pair) for pair in todo], rng):
        _note_session(account, session)


def _share(store: Store, account: Account, rng: random.Random) -> None:
    def more(key: str, owner: str) -> list[str]:
        return [store.sessions.share(key, owner).id, store.sessions.share(key, owner, hours=1).id]

    todo = [(key, one.owner) for key, one in account.sessions.items()]
    for (key, _), links in zip(todo, at_once([lambda pair=pair: more(*pair) for pair in todo], rng), strict=True):
        account.sessions[key].links += links


def _look(store: Store, account: Account, rng: random.Random) -> None:
    """Everyone opens four links of others; one in five keeps a copy of the first."""
    links = sorted(account.open_links())
    chosen = {visitor: rng.sample(links, 4) for visitor in account.visitors}
    pairs = [(link, visitor) for visitor, some in chosen.items() for link in some]
    at_once([lambda pair=pair: store.sessions.open(*pair) for pair in pairs], rng)
    for link, visitor in pairs:
        if account.session_of(link).owner != visitor:
            account.came_by[visitor].add(link)
    for visitor in account.visitors[::5]:
        source = account.session_of(chosen[visitor][0])
        copy = store.sessions.duplicate(chosen[visitor][0], visitor)
        if source.owner != visitor:
            for run, known in zip(copy.runs, source.runs, strict=True):
                _note_run(account, run, visitor, account.words[known])
        _note_session(account, copy)


def _close(store: Store, account: Account, rng: random.Random) -> None:
    """Of every session one link is withdrawn and one expires; every seventh session is deleted."""
    for key, one in account.sessions.items():
        withdrawn, *others = rng.sample(one.links, len(one.links))
        store.sessions.revoke(key, one.owner, withdrawn)
        account.closed.add(withdrawn)
        if others:
            expire(store, others[0])
            account.closed.add(others[0])
    for key in list(account.sessions)[::7]:
        store.sessions.delete(key, account.sessions[key].owner)
        account.sessions[key].deleted = True


def expire(store: Store, link: str) -> None:
    """What time does, at once: its end is now a second ago."""
    with store._parts.database.write() as rows:
        rows.get_one(LinkRow, link).expires = utc_now() - timedelta(seconds=1)


def _note_run(account: Account, run: Run, visitor: str, words: str) -> None:
    account.runs[run.id], account.words[run.id] = visitor, words
    account.bytes[run.id] = {output.digest for output in run.outputs} | set(run.experiment.inputs.values())


def _note_session(account: Account, session: Session) -> None:
    owner = next(owner for run, owner in account.runs.items() if run == session.runs[0].id)
    account.sessions[session.id] = Saved(owner, [run.id for run in session.runs], [link.id for link in session.links])
