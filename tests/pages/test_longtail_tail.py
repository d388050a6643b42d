"""The page Tail and balance: rare classes and their export, a balance, captions against images."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.pages import longtail_world as made
from tests.pages import small_world
from tests.pages.longtail_world import work_off
from tests.pages.seen import cells, charts, texts
from workbench.api import Workbench

BALANCE, SIDES = "Balance", "Captions and images"
RARE = sorted(made.COUNTS, key=made.COUNTS.__getitem__)


def _metrics(app) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def _label(bench: Workbench, row: int) -> str:
    return str(bench.item("things", row).columns["label"])


def test_an_empty_workspace_leads_on(empty, visit) -> None:
    for tab in ("Rarest classes", BALANCE, SIDES):
        app = visit("tail", tab=tab)
        assert not app.exception and not app.error
        assert app.info


def test_without_a_counting_each_tab_offers_one(own: Workbench, visit) -> None:
    from tests.pages.evaluated import evaluate

    evaluate(own)
    for tab, key in (("Rarest classes", "rare"), (BALANCE, "balance"), (SIDES, "sides")):
        app = visit("tail", tab=tab)
        assert not app.exception and not app.error
        assert app.button(key=f"{key}.make.count")


def test_the_rarest_classes_stand_with_their_failures(tail: Workbench, visit, world) -> None:
    app = visit("tail", run=world.run, k="3")
    assert not app.exception and not app.error
    table = app.dataframe[0].value
    assert table["name"].to_list() == RARE[:3] and table["captions"].to_list() == [0, 2, 5]
    found = tail.rare_classes(world.run, f"count:{world.count}", 3)
    assert _metrics(app)["Accuracy of the rarest"] == f"{found.rare.value:.1f}%"
    assert _metrics(app)["Of all others"] == f"{found.rest.value:.1f}%"
    labels = {_label(tail, cell["row"]) for cell in cells(app)}
    assert labels <= set(RARE[:3])
    others, rare = charts(app)[0]["data"][:2]
    assert sorted(point[0] for point in rare["customdata"]) == [9, 10, 11]
    assert len(others["customdata"]) == 9


def test_an_opened_class_shows_its_images_and_captions(tail: Workbench, visit, world) -> None:
    app = visit("tail", run=world.run, side="All", **{"class": "0"})
    assert not app.exception and not app.error
    assert {_label(tail, cell["row"]) for cell in cells(app)} == {"red disc"}
    shown = texts(app)
    assert "**512 captions**; rank 12 from the rarest" in shown
    assert ":orange-background[red disc]" in shown


def test_the_rarest_are_written_as_a_test_set(tail, visit, world, tmp_path: Path) -> None:
    app = visit("tail", run=world.run, k="2")
    app.text_input(key="rare.folder").set_value(str(tmp_path / "rare")).run()
    app.button(key="rare.write").click().run()
    assert not app.exception and not app.error
    assert "16 images" in app.success[0].value
    manifest = json.loads((tmp_path / "rare" / "manifest.json").read_text())
    assert [each["name"] for each in manifest["classes"]] == RARE[:2]
    app.button(key="rare.write").click().run()
    assert "nothing is overwritten" in texts(app)


def test_a_cap_says_what_it_would_do_before_it_is_asked(tail, visit, world) -> None:
    app = visit("tail", tab=BALANCE, count=world.count, cap="100")
    assert not app.exception and not app.error
    counts = made.COUNTS.values()
    shown = _metrics(app)
    assert shown["Concepts cut"] == "4 of 12"
    kept = sum(min(count, 100) for count in counts) / sum(counts)
    assert shown["Matches that stay, at least"] == f"{kept:.1%}"
    assert shown["Captions without a concept"] == str(made.LINES - sum(counts) + 20)
    assert app.button(key="balance.ask").label.startswith("Balance web at 100")


def test_a_balance_is_asked_and_shown(own_tail: Workbench, visit, world) -> None:
    app = visit("tail", tab=BALANCE, count=world.count, cap="100", seed="3")
    app.button(key="balance.ask").click().run()
    assert not app.exception and not app.error
    work_off(own_tail)
    app = visit("tail", tab=BALANCE, count=world.count, cap="100", seed="3")
    (found,) = [each for each in own_tail.balances(world.count) if each.cap == 100]
    assert f"{found.effective.kept:,} of {made.LINES:,} captions stayed" in texts(app).replace(
        "**", ""
    )
    table = app.dataframe[0].value
    assert table["before"].to_list() == list(made.COUNTS.values())
    assert table["sampled"].to_list() == found.effective.actual.tolist()
    assert table["cut"].to_list() == [count > 100 for count in made.COUNTS.values()]


def test_a_concept_shows_which_captions_stay(tail: Workbench, visit, world) -> None:
    app = visit("tail", tab=BALANCE, count=world.count, cap="50", concept="1")
    assert not app.exception and not app.error
    kept = set(tail.balance_sample(world.balance)["number"].to_pylist())
    examples = tail.count_examples(world.count, 1, 12)
    (lines,) = [m.value for m in app.markdown if m.value.startswith("- ")]
    told = ["stays" in line for line in lines.split("\n")]
    assert told == [each.number in kept for each in examples]
    before, _, sampled = charts(app)[0]["data"][:3]
    assert before["customdata"][0] == [0, "before"] and sampled["customdata"][0] == [0, "sampled"]
    assert app.button(key="balance.beside.0").label == "red disc (20)"
    app.button(key="balance.beside.0").click().run()
    assert not app.exception and not app.error
    assert app.query_params["concept"] == "0"


def test_the_sampled_list_is_there_and_nasty_captions_are_literal(tail, visit, world) -> None:
    app = visit("tail", tab=BALANCE, count=world.count, cap="50", concept="0")
    sample = app.dataframe[-1].value
    assert sample["caption"].to_list() == tail.balance_sample(world.balance)["caption"].to_pylist()
    (lines,) = [m.value for m in app.markdown if m.value.startswith("- ")]
    assert "\\<script\\>" in lines and "<script>" not in lines


def test_suggested_caps_go_into_the_address(tail, visit, world) -> None:
    app = visit("tail", tab=BALANCE, count=world.count)
    app.button(key="balance.cap.tail.0.2").click().run()
    assert not app.exception and not app.error
    assert app.query_params["cap"] == "110"
    app.button(key=f"balance.made.{world.balance}").click().run()
    assert app.query_params["cap"] == "50"
    assert "captions stayed" in texts(app)


@pytest.mark.parametrize("concept", ["", "5"])
def test_captions_stand_against_images(tail: Workbench, visit, world, concept: str) -> None:
    given = {"concept": concept} if concept else {}
    app = visit("tail", tab=SIDES, run=world.run, threshold="0.5", **given)
    assert not app.exception and not app.error
    found = tail.sides(world.own_count, world.run, 0.5)
    shown = _metrics(app)
    assert shown["Misaligned"] == f"{found.degree.by_index:.1%}"
    assert shown["With a named concept"] == str(12 * small_world.EACH)
    table = app.dataframe[0].value.set_index("concept")
    assert set(table["captions"]) == {small_world.EACH}
    for place, name in enumerate(made.CLASSES.names):
        assert table.loc[name, "integrated"] == found.degree.integrated[place]
    rows = [cell["row"] for cell in cells(app)]
    if concept:
        side = next(rows for rows in found.of(5).values() if rows)
        assert rows == list(side)
    else:
        assert rows == list(found.apart[:24])
