from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from backends.registry import transfer
from backends.registry.hub import HubCache
from tests.backends.registry.hub_stand_in import Repo, StandIn
from tests.backends.registry.support import Workshop


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path / "weights")


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two models of real architectures with random weights, as `save_pretrained` writes them."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    bert = BertConfig(vocab_size=200, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    gpt2 = GPT2Config(vocab_size=200, n_embd=32, n_layer=2, n_head=2, n_positions=64)
    folders = {name: tmp_path_factory.mktemp(name) for name in ("bert", "gpt2")}
    BertForSequenceClassification(bert).save_pretrained(folders["bert"])
    GPT2LMHeadModel(gpt2).save_pretrained(folders["gpt2"])
    for folder in folders.values():
        (folder / "vocab.txt").write_text("[PAD]\n[UNK]\nhello\n")
        (folder / "pytorch_model.bin").write_bytes(b"\x80\x04 not for us")
        (folder / "modeling_evil.py").write_text("raise SystemExit")
    return folders


@pytest.fixture
def hub(saved: dict[str, Path]) -> Iterator[StandIn]:
    with StandIn({f"tiny/{name}": Repo.of(folder) for name, folder in saved.items()}) as running:
        yield running


@pytest.fixture
def cache(hub: StandIn, tmp_path: Path) -> HubCache:
    return HubCache(tmp_path / "hub", endpoint=hub.address, token=False)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "PAUSE", 0.01)
