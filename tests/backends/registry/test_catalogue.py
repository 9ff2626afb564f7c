"""Cards and the catalogue."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from backends.core.errors import DuplicateModel, IncompleteModel, NotFound
from backends.registry.catalogue import Bundled, Catalogue, Hub, Local
from tests.backends.registry.support import Workshop

HERE = Path(__file__).name


def test_two_models_of_one_id_are_refused_with_both_places(workshop: Workshop) -> None:
    catalogue = Catalogue([workshop.card("a")])
    with pytest.raises(DuplicateModel, match=r"'test/a'.*support\.py:\d+ and in .*support\.py:\d+"):
        catalogue.add(workshop.card("a"))
    assert len(catalogue) == 1


def test_a_card_knows_where_it_was_written(workshop: Workshop) -> None:
    from backends.registry.catalogue import ModelCard

    facts: dict[str, Any] = {**vars(workshop.card("a"))}
    del facts["place"]
    assert HERE in ModelCard(**facts).place
    assert not ModelCard(**facts).place.startswith("/")


@pytest.mark.parametrize(
    "facts",
    [
        {"licence": " "},
        {"size": 0},
        {"size": -1},
        {"parameters": 0},
        {"title": ""},
        {"task": ""},
        {"family": ""},
        {"domain": ""},
        {"idle_seconds": -1.0},
        {"idle_seconds": float("nan")},
    ],
)
def test_a_card_that_lacks_something_is_refused_with_its_file(workshop: Workshop, facts: dict[str, Any]) -> None:
    lacks = "bytes" if "size" in facts else next(iter(facts))
    with pytest.raises(IncompleteModel, match=rf"test/a in .*support\.py:\d+ lacks: {lacks}\."):
        workshop.card("a", **facts)


@pytest.mark.parametrize("wrong", ["a", "A/b", "a/b/c", "../a", "a/", "a b/c", "a/b\n"])
def test_an_id_is_a_domain_and_a_name(workshop: Workshop, wrong: str) -> None:
    with pytest.raises(IncompleteModel, match="is not a model id"):
        workshop.card("a", id=wrong)


def test_models_are_found_by_id_task_and_domain(workshop: Workshop) -> None:
    cards = [
        workshop.card("a"),
        workshop.card("b", task="text-generation", domain="text"),
        workshop.card("c", domain="medical"),
    ]
    catalogue = Catalogue(cards)
    assert [card.id for card in catalogue] == ["test/a", "test/b", "test/c"]
    assert catalogue.get("test/b") is cards[1]
    assert catalogue.where("image-classification") == (cards[0], cards[2])
    assert catalogue.where("image-classification", "medical") == (cards[2],)
    assert "test/a" in catalogue
    assert "test/z" not in catalogue
    with pytest.raises(NotFound, match="no model named 'test/z'"):
        catalogue.get("test/z")


def test_a_cards_text_is_its_own_or_a_file_of_its_folder(workshop: Workshop, tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text("# Trained here\n")
    assert workshop.card("a", card="# Short\ntext").text == "# Short\ntext"
    assert workshop.card("a", card="card.md", source=Bundled(tmp_path)).text == "# Trained here\n"
    assert workshop.card("a", card="card.md", source=Local(tmp_path / "nowhere")).text == ""
    assert workshop.card("a", card="card.md", source=Hub("a/b", "main")).text == "card.md"
