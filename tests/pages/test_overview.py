"""Overview: empty, filled, and when something went wrong."""

from __future__ import annotations


def test_it_shows_the_collections_and_offers_a_search(bench, visit) -> None:
    app = visit()
    assert not app.exception and not app.error
    assert app.title[0].value == "Workbench"
    assert any("96 images" in caption.value for caption in app.caption)


def test_an_empty_workspace_says_what_will_happen(empty, visit) -> None:
    app = visit()
    assert not app.exception and not app.error
    assert any("empty" in info.value for info in app.info)
