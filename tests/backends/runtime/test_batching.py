"""Micro-batching with a real network: equal answers, few forwards, nobody held up by a neighbour."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from backends.core.cancellation import Cancellation
from backends.core.errors import BadInput, Cancelled
from backends.runtime.batching import Batcher, Batches

PATIENCE = 10.0  # seconds; only ever waited for when something is broken


@pytest.fixture
def network():
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 8, 3), torch.nn.BatchNorm2d(8), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(288, 5)
    ).eval()


class Forward:
    """fn of a batcher: counts its calls, and may be held at a gate during the first."""

    def __init__(self, fn, gate=None):
        self.fn, self.gate = fn, gate
        self.batches = []
        self.entered = threading.Event()

    def __call__(self, items):
        self.batches.append(list(items))
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(PATIENCE)
        return self.fn(items)


def eventually(condition):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.002)


def test_sixteen_at_once_need_at_most_two_forwards_and_get_the_same_answers(network):
    images = torch.randn(16, 1, 8, 8)
    with torch.inference_mode():
        alone = [network(image[None])[0] for image in images]

    @torch.inference_mode()
    def logits(items):
        return list(network(torch.stack(items)))

    forward = Forward(logits)
    batcher = Batcher(forward, max_batch=16, window_ms=200)
    with ThreadPoolExecutor(16) as pool:
        together = list(pool.map(batcher, images))
    assert len(forward.batches) <= 2
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def held(fn=lambda items: [item * 10 for item in items], max_batch=4):
    """A batcher whose first forward, with the item 0, is at its gate: what comes now waits for the next."""
    gate = threading.Event()
    forward = Forward(fn, gate)
    batcher = Batcher(forward, max_batch=max_batch, window_ms=0)
    pool = ThreadPoolExecutor(16)
    first = pool.submit(batcher, 0, visitor="first")
    assert forward.entered.wait(PATIENCE)
    return gate, forward, batcher, pool, first


def waiting(batcher, count):
    eventually(lambda: len(batcher._waiting) == count)


def test_visitors_take_turns_in_a_batch_that_cannot_hold_all():
    gate, forward, batcher, pool, first = held(max_batch=4)
    answers = []
    for visitor, item in (("a", 1), ("a", 2), ("a", 3), ("a", 4), ("b", 5), ("c", 6)):
        answers.append(pool.submit(batcher, item, visitor=visitor))
        waiting(batcher, len(answers))
    gate.set()
    assert [answer.result(PATIENCE) for answer in answers] == [10, 20, 30, 40, 50, 60]
    assert first.result(PATIENCE) == 0
    assert forward.batches == [[0], [1, 5, 6, 2], [3, 4]]
    pool.shutdown()


def test_what_is_cancelled_is_never_computed():
    gate, forward, batcher, pool, _ = held()
    stop = Cancellation()
    dropped = pool.submit(batcher, 1, cancellation=stop)
    waiting(batcher, 1)
    kept = pool.submit(batcher, 2)
    waiting(batcher, 2)
    stop.cancel()
    with pytest.raises(Cancelled):  # at once, although the forward before it has not ended
        dropped.result(PATIENCE)
    assert not gate.is_set()
    gate.set()
    assert kept.result(PATIENCE) == 20
    assert forward.batches == [[0], [2]]
    pool.shutdown()


def test_who_is_stopped_while_waiting_for_company_is_not_computed():
    stop, forward = Cancellation(), Forward(lambda items: items)
    batcher = Batcher(forward, window_ms=300)
    with ThreadPoolExecutor(1) as pool:
        lonely = pool.submit(batcher, 1, cancellation=stop)
        waiting(batcher, 1)
        stop.cancel()
        with pytest.raises(Cancelled):
            lonely.result(PATIENCE)
    assert forward.batches == []


def test_one_bad_item_does_not_fail_its_neighbours():
    def fussy(items):
        if 2 in items:
            raise BadInput("Two is not to be had.")
        return [item * 10 for item in items]

    gate, _, batcher, pool, _ = held(fussy)
    answers = []
    for item in (1, 2, 3):
        answers.append(pool.submit(batcher, item))
        waiting(batcher, len(answers))
    gate.set()
    assert answers[0].result(PATIENCE) == 10
    with pytest.raises(BadInput):
        answers[1].result(PATIENCE)
    assert answers[2].result(PATIENCE) == 30
    pool.shutdown()


def test_too_few_answers_are_an_error_and_not_a_mix_up():
    with pytest.raises(ValueError, match="1 items, but 0 answers"):
        Batcher(lambda items: [])(1)


def test_who_is_alone_does_not_wait_for_company():
    batcher = Batcher(lambda items: items, window_ms=60_000, crowd=lambda: 1)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(batcher, "me").result(PATIENCE) == "me"


def double(model, items):
    return [model.factor * item for item in items]


def test_a_batcher_holds_its_model_only_while_somebody_is_in_it():
    class Model:
        factor = 2

    batches = Batches(crowd=lambda: 1)
    models = [Model(), Model()]
    options = {"visitor": "a", "cancellation": Cancellation(), "max_batch": 4, "window_ms": 0.0}
    assert [batches.call(model, double, 21, **options) for model in models] == [42, 42]
    assert batches._open == {}


def test_requests_for_different_models_never_meet(network):
    small, large = torch.nn.Linear(4, 2).eval(), torch.nn.Linear(4, 3).eval()
    batches = Batches(crowd=lambda: 8)

    @torch.inference_mode()
    def logits(model, items):
        return list(model(torch.stack(items)))

    def ask(model):
        return batches.call(
            model, logits, torch.zeros(4), visitor="a", cancellation=Cancellation(), max_batch=4, window_ms=20.0
        )

    with ThreadPoolExecutor(8) as pool:
        shapes = [tuple(answer.shape) for answer in pool.map(ask, [small, large] * 4)]
    assert shapes == [(2,), (3,)] * 4
