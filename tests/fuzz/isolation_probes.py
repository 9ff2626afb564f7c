"""One process's share of the reads and writes that are tried with guessed, swapped, mutated and truncated ids."""

from __future__ import annotations

import random
import string
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backends.core.digest import sha256
from backends.core.errors import LinkClosed, NotFound
from backends.core.identity import new_id
from backends.core.limits import Limits
from backends.core.results import Text
from backends.store.store import Store
from backends.store.values import Run, Session
from tests.backends.store.making import experiment
from tests.fuzz.isolation import Account

Method = Callable[[Store, str, str], Any]
READS: dict[str, tuple[str, Method]] = {
    "runs.get": ("runs", lambda store, x, who: store.runs.get(x, who)),
    "runs.outputs": ("runs", lambda store, x, who: store.runs.outputs(x, who)),
    "artifacts.read": ("files", lambda store, x, who: store.artifacts.read(x, who)),
    "artifacts.open_path": ("files", lambda store, x, who: store.artifacts.open_path(x, who)),
    "artifacts.media_type": ("files", lambda store, x, who: store.artifacts.media_type(x, who)),
    "sessions.get": ("sessions", lambda store, x, who: store.sessions.get(x, who)),
    "sessions.open": ("addresses", lambda store, x, who: store.sessions.open(x, who)),
    "sessions.duplicate": ("addresses", lambda store, x, who: store.sessions.duplicate(x, who)),
    "runs.create": ("files", lambda store, x, who: store.runs.create(experiment(photo=x), who)),
}
WRITES: dict[str, Method] = {
    "sessions.change": lambda store, x, who: store.sessions.change(x, who, title="Stolen"),
    "sessions.order": lambda store, x, who: store.sessions.order(x, who, []),
    "sessions.delete": lambda store, x, who: store.sessions.delete(x, who),
    "sessions.restore": lambda store, x, who: store.sessions.restore(x, who),
    "sessions.erase": lambda store, x, who: store.sessions.erase(x, who),
    "sessions.share": lambda store, x, who: store.sessions.share(x, who),
    "sessions.add_run": lambda store, x, who: store.sessions.add_run(x, who, new_id()),
    "sessions.remove_run": lambda store, x, who: store.sessions.remove_run(x, who, new_id()),
    "sessions.annotate": lambda store, x, who: store.sessions.annotate(x, who, new_id(), note="Stolen"),
    "sessions.revoke": lambda store, x, who: store.sessions.revoke(x, who, new_id()),
}
LEAVES_TRACES = {"sessions.duplicate", "runs.create", *WRITES}  # tried only where it must be refused


@dataclass
class Findings:
    """How often what was tried, and everything that should not have been."""

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Prober:
    """Tries things as any of the visitors, and compares with the account."""

    def __init__(self, store: Store, account: Account, rng: random.Random) -> None:
        self._store, self._account, self._rng = store, account, rng
        links = {link for one in account.sessions.values() for link in one.links}
        self._real = {
            "runs": sorted(account.runs),
            "sessions": sorted(account.sessions),
            "addresses": sorted({*links, *account.sessions}),
            "files": sorted(set[str]().union(*account.bytes.values(), *account.uploads.values())),
        }
        self._open = account.open_links()
        self._readable = {
            visitor: {
                "runs": account.runs_of(visitor),
                "sessions": account.sessions_of(visitor),
                "addresses": account.addresses_of(visitor),
                "files": account.bytes_of(visitor),
            }
            for visitor in account.visitors
        }
        self._lists = {
            visitor: {kind: sorted(ids) for kind, ids in all_.items()} for visitor, all_ in self._readable.items()
        }
        self._closed = {visitor: account.told_as_closed(visitor) for visitor in account.visitors}
        self._methods = {**READS, **{name: ("sessions", method) for name, method in WRITES.items()}}
        self._names = [*READS, *READS, *WRITES]
        self._refusals: dict[str, dict[str, str]] = {}
        for name, (kind, method) in self._methods.items():
            self._refusals[name] = _refusal(lambda m=method, k=kind: m(store, _absent(k, rng), account.visitors[0]))
        self.findings = Findings()

    def run(self, count: int) -> Findings:
        """Try `count` times."""
        tried = 0
        while tried < count:
            visitor, name = self._rng.choice(self._account.visitors), self._rng.choice(self._names)
            kind, method = self._methods[name]
            how, asked = self._pick(visitor, kind)
            readable = asked in self._readable[visitor][kind]
            if name in LEAVES_TRACES and (readable or asked in self._own_deleted(visitor)):
                continue
            if kind == "addresses" and asked in self._open and not readable:
                continue  # knowing an open link is the right to read
            if name == "runs.create" and len(asked) != 64:
                continue  # not an experiment at all
            self._try(name, method, asked, visitor, readable, how)
            tried += 1
        return self.findings

    def _own_deleted(self, visitor: str) -> set[str]:
        return {key for key, one in self._account.sessions.items() if one.deleted and one.owner == visitor}

    def _pick(self, visitor: str, kind: str) -> tuple[str, str]:
        """How, and the id."""
        rng, own = self._rng, self._lists[visitor][kind]
        how = rng.choices(
            ("readable", "swapped", "other kind", "guessed", "mutated", "truncated"), (10, 32, 12, 12, 20, 14)
        )[0]
        if how == "readable" and own:
            return how, rng.choice(own)
        if how == "other kind":
            return how, rng.choice(self._real[rng.choice([other for other in self._real if other != kind])])
        if how == "guessed":
            return how, _absent(kind, rng)
        real = rng.choice(self._real[kind])
        if how == "mutated":
            place = rng.randrange(len(real))
            letters = "0123456789abcdef" if kind == "files" else string.ascii_letters + string.digits + "-_"
            return how, real[:place] + rng.choice(letters) + real[place + 1 :]
        if how == "truncated":
            odd = (real[:-1], real[: len(real) // 2], real[1:], real + "A", real.upper(), f" {real}", f"{real}\0", "")
            return how, rng.choice(odd)
        return "swapped", real

    def _try(self, name: str, method: Method, asked: str, visitor: str, readable: bool, how: str) -> None:
        counts, wrong = self.findings.counts, self.findings.wrong
        counts[how] += 1
        told = f"{name}({asked!r}) as {visitor}"
        try:
            answer = method(self._store, asked, visitor)
        except LinkClosed:
            counts["refused, link closed"] += 1
            if readable or name not in ("sessions.open", "sessions.duplicate") or asked not in self._closed[visitor]:
                wrong.append(f"{told}: a link that is not closed was told as closed")
        except NotFound as err:
            counts["refused"] += 1
            if readable:
                wrong.append(f"{told}: refused, though it is theirs to read")
            elif asked in self._closed[visitor] and name in ("sessions.open", "sessions.duplicate"):
                wrong.append(f"{told}: a closed link was not told as closed")
            elif {**err.as_dict(), "status": str(err.status)} != self._refusals[name]:
                wrong.append(f"{told}: refused in other words than what is not there: {err.as_dict()}")
        else:
            counts["read"] += 1
            if not readable:
                wrong.append(f"{told}: a cross-read or a cross-write")
            elif not self._is_right(answer, asked, visitor):
                wrong.append(f"{told}: answered with something else")

    def _is_right(self, answer: Any, asked: str, visitor: str) -> bool:
        account = self._account
        if isinstance(answer, Session):
            mine = account.sessions[answer.id].owner == visitor
            secrets_kept = mine or (not answer.links and not any(item.speaker for item in answer.items))
            return (
                answer.mine == mine and secrets_kept and [r.id for r in answer.runs] == account.sessions[answer.id].runs
            )
        if isinstance(answer, Run):
            return answer.id == asked and answer.visitor == (visitor if account.runs[asked] == visitor else "")
        if isinstance(answer, dict):
            return bool(answer["words"] == Text(account.words[asked]))
        if isinstance(answer, bytes):
            return sha256(answer) == asked
        return answer.name == asked if isinstance(answer, Path) else isinstance(answer, str)


def probe(folder: Path, account: Account, seed: int, count: int) -> Findings:
    """One process's share: its own connection to the same database."""
    store = Store.open(f"sqlite:///{folder / 'vitrine.db'}", folder / "artifacts", Limits())
    try:
        return Prober(store, account, random.Random(seed)).run(count)
    finally:
        store.close()


def _absent(kind: str, rng: random.Random) -> str:
    return sha256(rng.randbytes(16)) if kind == "files" else new_id()


def _refusal(call: Callable[[], object]) -> dict[str, str]:
    try:
        call()
    except NotFound as err:
        return {**err.as_dict(), "status": str(err.status)}
    raise AssertionError("what is not there was found")
