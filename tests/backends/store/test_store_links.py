"""Share links: several a session, with an end, withdrawn at will; rights last as long as the link by which one came."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from backends.core.errors import BadInput, LinkClosed, NotFound, NotYours
from backends.core.results import Text
from backends.store.sessions import LINK_HOURS_MAX, OPEN_LINKS_MAX
from backends.store.store import Store
from backends.store.values import Session
from tests.backends.store.making import FakeClock, done_run


class Shown:
    """Alice's session with a picture and its result, and all ways in which someone else can read it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.photo = store.artifacts.put("alice", b"photo", "image/png")
        self.run = done_run(store, "alice", {"t": Text("result")}, photo=self.photo)
        session = store.sessions.create("alice", "Shown")
        self.session = store.sessions.add_run(session.id, "alice", self.run.id)

    def ways(self, visitor: str) -> list[Callable[[], object]]:
        store, digest = self.store, self.run.outputs[0].digest
        return [
            lambda: store.sessions.get(self.session.id, visitor),
            lambda: store.runs.get(self.run.id, visitor),
            lambda: store.runs.outputs(self.run.id, visitor),
            lambda: store.artifacts.read(self.photo, visitor),
            lambda: store.artifacts.open_path(digest, visitor),
        ]

    def check_readable(self, visitor: str) -> None:
        for way in self.ways(visitor):
            way()

    def check_refused(self, visitor: str) -> None:
        for way in (*self.ways(visitor), lambda: self.store.runs.create(self.run.experiment, visitor)):
            with pytest.raises(NotYours):
                way()


@pytest.fixture
def shown(store: Store) -> Shown:
    return Shown(store)


def test_a_new_session_has_one_open_link_and_more_can_be_made(store: Store, clock: FakeClock) -> None:
    session = store.sessions.create("alice", "Shown")
    (first,) = session.links
    assert session.link == session.address == first.id != session.id
    clock.forward(minutes=1)
    second = store.sessions.share(session.id, "alice", hours=2)
    assert second.expires == clock() + timedelta(hours=2)
    now = store.sessions.get(session.id, "alice")
    assert now.links == (second, first)
    assert now.link == second.id
    assert now.updated == session.updated  # sharing is not working on it
    clock.forward(hours=2)
    assert store.sessions.get(session.id, "alice").link == first.id
    closed = store.sessions.revoke(session.id, "alice", first.id)
    assert (closed.link, closed.address) == ("", session.id)
    assert [link.revoked for link in closed.links] == [None, clock()]


def test_a_reader_sees_the_link_they_came_by_and_no_other(store: Store, shown: Shown, clock: FakeClock) -> None:
    clock.forward(minutes=1)
    second = store.sessions.share(shown.session.id, "alice", hours=1)
    seen = store.sessions.open(shown.session.link, "bob")
    assert (seen.link, seen.links, seen.mine) == (shown.session.link, (), False)
    assert store.sessions.get(shown.session.id, "bob") == seen
    store.sessions.open(second.id, "bob")
    assert store.sessions.get(shown.session.id, "bob").link == second.id
    clock.forward(hours=1)
    assert store.sessions.get(shown.session.id, "bob").link == shown.session.link


def test_a_withdrawn_link_takes_all_rights_back_at_once(store: Store, shown: Shown) -> None:
    store.sessions.open(shown.session.link, "bob")
    shown.check_readable("bob")
    store.sessions.revoke(shown.session.id, "alice", shown.session.link)
    shown.check_refused("bob")
    with pytest.raises(LinkClosed, match=r"^This link was withdrawn by whoever shared it\.$") as caught:
        store.sessions.open(shown.session.link, "bob")
    assert caught.value.hint == "Ask whoever shared it for a new one."
    with pytest.raises(LinkClosed):
        store.sessions.duplicate(shown.session.link, "carol")
    assert store.sessions.open(shown.session.link, "alice").mine  # to its owner it is still their session
    shown.check_readable("alice")


def test_an_expired_link_takes_all_rights_back_to_the_second(store: Store, shown: Shown, clock: FakeClock) -> None:
    link = store.sessions.share(shown.session.id, "alice", hours=36)
    store.sessions.open(link.id, "bob")
    clock.forward(hours=36, seconds=-1)
    shown.check_readable("bob")
    clock.forward(seconds=1)
    shown.check_refused("bob")
    with pytest.raises(LinkClosed, match=r"^This link expired on 3 March 2026\.$"):
        store.sessions.open(link.id, "bob")
    assert store.sessions.open(link.id, "alice").mine


def test_who_came_by_two_links_reads_until_both_are_closed(store: Store, shown: Shown) -> None:
    second = store.sessions.share(shown.session.id, "alice")
    store.sessions.open(shown.session.link, "bob")
    store.sessions.open(second.id, "bob")
    store.sessions.open(second.id, "carol")
    store.sessions.revoke(shown.session.id, "alice", second.id)
    shown.check_readable("bob")
    shown.check_refused("carol")
    store.sessions.revoke(shown.session.id, "alice", shown.session.link)
    shown.check_refused("bob")


def test_withdrawing_again_changes_nothing_and_an_expired_link_stays_expired(store: Store, clock: FakeClock) -> None:
    session = store.sessions.create("alice", "Shown")
    link = store.sessions.share(session.id, "alice", hours=1)
    once = store.sessions.revoke(session.id, "alice", session.link)
    clock.forward(hours=2)
    assert store.sessions.revoke(session.id, "alice", session.link).links == once.links
    assert store.sessions.revoke(session.id, "alice", link.id).links == once.links
    with pytest.raises(LinkClosed, match="expired"):
        store.sessions.open(link.id, "bob")


def test_a_link_is_withdrawn_in_its_own_session_only(store: Store) -> None:
    one, other = (store.sessions.create("alice", title) for title in "ab")
    for wrong in (other.link, one.id, "A" * 22, "nonsense", ""):
        with pytest.raises(NotFound, match="no such link"):
            store.sessions.revoke(one.id, "alice", wrong)
    assert store.sessions.open(other.link, "bob").title == "b"


@pytest.mark.parametrize("hours", [0, -1, float("nan"), float("inf"), LINK_HOURS_MAX + 1])
def test_a_link_lasts_some_time_and_at_most_a_year(store: Store, hours: float) -> None:
    session = store.sessions.create("alice", "Shown")
    with pytest.raises(BadInput) as caught:
        store.sessions.share(session.id, "alice", hours=hours)
    assert caught.value.field == "hours"
    assert len(store.sessions.get(session.id, "alice").links) == 1


def test_open_links_have_a_limit_and_withdrawing_makes_room(store: Store) -> None:
    session = store.sessions.create("alice", "Shown")
    for _ in range(OPEN_LINKS_MAX - 1):
        store.sessions.share(session.id, "alice")
    with pytest.raises(BadInput, match=str(OPEN_LINKS_MAX)):
        store.sessions.share(session.id, "alice")
    store.sessions.revoke(session.id, "alice", session.link)
    store.sessions.share(session.id, "alice")


def test_closed_links_are_told_apart_for_a_season_and_then_forgotten(store: Store, clock: FakeClock) -> None:
    session = store.sessions.create("alice", "Shown")
    lasting = store.sessions.share(session.id, "alice")
    timed = store.sessions.share(session.id, "alice", hours=24)
    store.sessions.revoke(session.id, "alice", session.link)
    clock.forward(days=89)
    assert store.collect().links == 0
    assert closed_as(store, session.link) == closed_as(store, timed.id) == "link_closed"
    clock.forward(days=1)
    assert store.collect().links == 1
    assert (closed_as(store, session.link), closed_as(store, timed.id)) == ("not_found", "link_closed")
    clock.forward(days=1)
    assert store.collect().links == 1
    assert [link.id for link in get(store, session).links] == [lasting.id]
    assert store.sessions.open(lasting.id, "bob").title == "Shown"


def closed_as(store: Store, link: str) -> str:
    with pytest.raises(NotFound) as caught:
        store.sessions.open(link, "bob")
    return caught.value.code


def get(store: Store, session: Session) -> Session:
    return store.sessions.get(session.id, "alice")
