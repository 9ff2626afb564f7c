"""50 visitors at work at once never see or change one another's things: 100,000 tries with ids that are not theirs."""

from __future__ import annotations

import multiprocessing
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from starlette.testclient import TestClient

from backends.core.identity import COOKIE, new_id
from backends.core.limits import Limits
from backends.runtime.lab import Lab
from backends.store.store import Store
from tests.fuzz.isolation import Account, build
from tests.fuzz.isolation_probes import Prober, probe

pytestmark = pytest.mark.fuzz
VISITORS, TRIES, PROCESSES = 50, 100_000, 2
HTTP_VISITORS, HTTP_TRIES = 8, 4_000
MOST_SECONDS = 1200  # it took 220 in a whole run on two cores


def everything(store: Store, visitors: list[str]) -> list[object]:
    """All that each visitor has, as they see it."""
    return [
        (store.sessions.list(one), store.sessions.deleted(one), store.runs.recent(one, 500), store.usage(one))
        for one in visitors
    ]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path / 'vitrine.db'}", tmp_path / "artifacts", Limits())


def test_fifty_visitors_never_read_or_change_what_is_not_theirs(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Streamlit puts the page that it runs, also in a test, in the place of the main module, and a process that is
    # spawned begins by running that one: it would fail, be replaced by another, and so on for ever.
    monkeypatch.setitem(sys.modules, "__main__", ModuleType("__main__"))
    started = time.monotonic()
    visitors = [new_id() for _ in range(VISITORS)]
    account = build(store, visitors, random.Random(1))
    before = everything(store, visitors)

    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        shares = [(tmp_path, account, seed, TRIES // PROCESSES) for seed in range(PROCESSES)]
        found = pool.starmap_async(probe, shares).get(MOST_SECONDS)

    counts = sum((one.counts for one in found), Counter[str]())
    wrong = [line for one in found for line in one.wrong]
    print(f"\n{VISITORS} visitors, {TRIES:,} tries in {time.monotonic() - started:.0f} s, {len(wrong)} cross-reads")
    print(", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())))
    assert wrong == []
    assert everything(store, visitors) == before
    assert counts["read"] + counts["refused"] + counts["refused, link closed"] == TRIES
    assert counts["read"] > TRIES // 20  # what is theirs they do read: refusing everything would prove nothing
    assert counts["refused, link closed"] > 100
    store.close()


@pytest.mark.parametrize("leak", ["a grant nobody gave", "a link that opens again", "a stranger's upload"])
def test_the_proof_would_notice_a_leak(store: Store, leak: str) -> None:
    visitors = [new_id() for _ in range(4)]
    account = build(store, visitors, random.Random(2))
    assert Prober(store, account, random.Random(3)).run(500).wrong == []
    open_leak(store, account, leak)
    assert any("cross-read" in line for line in Prober(store, account, random.Random(3)).run(3000).wrong)
    store.close()


def open_leak(store: Store, account: Account, leak: str) -> None:
    """Something that the account does not know of."""
    if leak == "a grant nobody gave":
        link = next(one for one in sorted(account.open_links()) if one not in account.came_by[account.visitors[0]])
        reader = next(one for one in account.visitors if one != account.session_of(link).owner)
        account.came_by[reader].discard(link)
        store.sessions.open(link, reader)
    elif leak == "a link that opens again":
        from backends.store.tables import LinkRow

        with store._parts.database.write() as rows:
            for link in account.closed:
                row = rows.get_one(LinkRow, link)
                row.revoked = row.expires = None
    else:
        owner, other = account.visitors[:2]
        store.artifacts.put(other, f"photo 1 of {owner}".encode(), "image/png")


def test_no_address_of_the_api_tells_others_things_from_absent_ones(visit: Callable[[], TestClient], lab: Lab) -> None:
    clients = {}
    for _ in range(HTTP_VISITORS):
        client = visit()
        client.get("/api/sessions")
        clients[client.cookies[COOKIE].rpartition(".")[0]] = client
    account = build(lab.store, list(clients), random.Random(4))
    before = everything(lab.store, account.visitors)
    routes = addresses(next(iter(clients.values())))
    rng, counts, absent = random.Random(5), Counter[str](), {}
    for _ in range(HTTP_TRIES):
        visitor = rng.choice(account.visitors)
        method, path, kind = rng.choice(routes)
        readable = (account.runs_of if kind == "runs" else account.addresses_of)(visitor)
        asked = rng.choice(sorted(account.runs if kind == "runs" else {*account.sessions, *account.open_links()}))
        if asked in readable or asked in account.open_links() or account_deleted(account, asked, visitor):
            if method == "GET" and path in ("/runs/{run_id}", "/sessions/{address}") and asked in readable:
                assert clients[visitor].get("/api" + filled(path, asked)).status_code == 200
                counts["read"] += 1
            continue
        if (method, path) not in absent:
            absent[method, path] = told(clients[visitor], method, filled(path, new_id()))
        assert told(clients[visitor], method, filled(path, asked)) == absent[method, path], (method, path)
        counts["refused"] += 1
    print(f"\n{len(routes)} addresses: {dict(counts)}")
    assert everything(lab.store, account.visitors) == before
    assert counts["refused"] > HTTP_TRIES // 2
    assert counts["read"] > 10
    assert {answer[0] for answer in absent.values()} <= {404, 422}
    assert sum(answer[0] == 404 for answer in absent.values()) > len(absent) * 0.7


BODIES = {
    ("PATCH", "/sessions/{session_id}"): {"title": "Stolen"},
    ("POST", "/sessions/{session_id}/runs"): {"run_id": "A" * 22},
    ("PUT", "/sessions/{session_id}/order"): {"run_ids": []},
    ("PATCH", "/sessions/{session_id}/runs/{run_id}"): {"title": "Stolen"},
    ("POST", "/sessions/{session_id}/links"): {},
}


def addresses(client: TestClient) -> list[tuple[str, str, str]]:
    """Every documented address that takes an id of a run or a session, also those that are added after this test."""
    paths = client.get("/api/openapi.json").json()["paths"]
    found = []
    for path, methods in paths.items():
        kind = "sessions" if "{session_id}" in path or "{address}" in path or "{link}" in path else ""
        kind = kind or ("runs" if "{run_id}" in path else "")
        found += [(method.upper(), path, kind) for method in methods if kind]
    return found


def filled(path: str, asked: str) -> str:
    """The id goes where it first belongs; what stands behind it is made up."""
    first = path[path.index("{") : path.index("}") + 1]
    path = path.replace(first, asked)
    for name in ("{run_id}", "{link}", "{name}"):
        path = path.replace(name, "A" * 22)
    return path


def told(client: TestClient, method: str, path: str) -> tuple[int, dict[str, str]]:
    """Status and error, without the reference."""
    body = next((body for (verb, known), body in BODIES.items() if verb == method and same_route(known, path)), None)
    answer = client.request(method, "/api" + path, json=body)
    assert answer.status_code >= 400, (method, path, answer.text[:200])
    return answer.status_code, {**answer.json()["error"], "reference": ""}


def same_route(known: str, path: str) -> bool:
    """Whether `path` is `known` with ids filled in."""
    ours, theirs = known.split("/"), path.split("/")
    return len(ours) == len(theirs) and all(a == b or a[:1] == "{" for a, b in zip(ours, theirs, strict=True))


def account_deleted(account: Account, asked: str, visitor: str) -> bool:
    """Whether it is their own session that they can restore."""
    one = account.sessions.get(asked)
    return one is not None and one.deleted and one.owner == visitor
