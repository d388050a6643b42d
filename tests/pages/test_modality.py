"""The page of the modality gap: its tabs for one tower and for two, its doors, its empty state."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.conftest import _opened
from tests.pages.modality_world import measure
from tests.pages.small_world import NASTY, build
from workbench.api import Workbench

TABS = ("Gap", "Layers", "Units", "Alignment")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    folder = tmp_path_factory.mktemp("modality") / "workspace"
    bench = build(folder)
    keys = measure(bench, "alpha", shared=False), measure(bench, "beta", shared=True)
    bench.close()
    return folder, *keys


@pytest.fixture
def gaps(
    root: tuple[Path, str, str], quiet: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workbench]:
    yield from _opened(root[0], monkeypatch)


def words(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.info, *app.subheader]
    return "\n".join(str(part.value) for part in parts)


def charts(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(each.proto.spec) for each in app.get("plotly_chart")]


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("which", [1, 2])
def test_every_tab_opens(
    gaps: Workbench,
    root: tuple[Path, str, str],
    visit: Callable[..., AppTest],
    tab: str,
    which: int,
) -> None:
    app = visit("modality", tab=tab, gap=str(root[which]))
    assert not app.exception and not app.error
    assert app.title[0].value == "Modality gap"
    assert "96 pairs" in words(app)


def test_two_towers_say_why_no_layer_is_cut(
    gaps: Workbench, root: tuple[Path, str, str], visit: Callable[..., AppTest]
) -> None:
    for tab in ("Layers", "Units"):
        app = visit("modality", tab=tab, gap=root[1])
        assert "weights of their own" in app.info[0].value
    assert len(app.selectbox(key="units.pick.-1").options) == 1  # the joint space only
    shared = visit("modality", tab="Layers", gap=root[2])
    assert not shared.info and "Separability by layer" in words(shared)
    units = visit("modality", tab="Units", gap=root[2])
    assert len(units.selectbox(key="units.pick.1").options) == 2


def test_the_address_opens_a_bin_a_layer_a_move_and_a_cell(
    gaps: Workbench, root: tuple[Path, str, str], visit: Callable[..., AppTest]
) -> None:
    app = visit("modality", gap=root[2], bin="1_-9_9")
    assert "96 texts from \\-9" in words(app) or "96 texts from -9" in words(app)
    app = visit("modality", gap=root[2], move="text_to_image-0")
    assert "texts find their image" in words(app)
    app = visit("modality", gap=root[2], tab="Layers", layer="1")
    assert "block 0" in words(app)
    app = visit("modality", gap=root[2], tab="Alignment", cell="0-1", near="5")
    assert "Images: input, texts: block 0" in words(app)
    app = visit("modality", gap=root[2], tab="Units", units="1", unit="0")
    assert "Unit 0 of expert 0" in words(app)


@pytest.mark.parametrize(
    "broken",
    [
        {"gap": "nothing"},
        {"bin": "x_y"},
        {"move": "classes-3"},
        {"move": "image_to_text-99"},
        {"tab": "Layers", "layer": "77"},
        {"tab": "Alignment", "cell": "9-9", "near": "-4"},
        {"tab": "Units", "units": "8", "unit": "x"},
    ],
)
def test_a_damaged_address_falls_back(
    gaps: Workbench, visit: Callable[..., AppTest], broken: dict[str, str]
) -> None:
    app = visit("modality", **broken)
    assert not app.exception and not app.error


def test_captions_show_as_they_are_written(
    gaps: Workbench, root: tuple[Path, str, str], visit: Callable[..., AppTest]
) -> None:
    app = visit("modality", gap=root[1], tab="Alignment", near="0")
    shown = next(str(m.value) for m in app.markdown if "Neighbours of" in str(m.value))
    assert NASTY[0] not in shown and "\\<script\\>" in shown


def test_without_a_measurement_the_form_asks(
    bench: Workbench, visit: Callable[..., AppTest]
) -> None:
    app = visit("modality")
    assert "No model has been measured yet" in app.info[0].value
    assert app.button(key="gap.first.go").label == "Measure"


def test_the_address_may_name_a_model_only(
    gaps: Workbench, root: tuple[Path, str, str], visit: Callable[..., AppTest]
) -> None:
    for place, model in ((1, "alpha"), (2, "beta")):
        app = visit("modality", model=model)
        assert next(iter(app.selectbox)).key == f"gap.pick.{root[place]}"


def test_the_button_queues_a_job(own: Workbench, visit: Callable[..., AppTest]) -> None:
    app = visit("modality")
    app.selectbox(key="gap.first.pairs").select(100).run()
    app.button(key="gap.first.go").click().run()
    (job,) = own.jobs()
    assert job.params["pairs"] == 100 and job.params["dataset"] == "shapes"
    assert any("Modality gap of alpha on shapes" in m.value for m in app.markdown)


def test_nothing_to_measure(empty: Workbench, visit: Callable[..., AppTest]) -> None:
    assert "captions" in visit("modality").info[0].value


def test_points_know_what_they_open(
    gaps: Workbench, root: tuple[Path, str, str], visit: Callable[..., AppTest]
) -> None:
    positions, sweep = charts(visit("modality", gap=root[2]))[:2]
    assert [len(bar["customdata"][0]) for bar in positions["data"]] == [3, 3]
    assert sweep["data"][0]["customdata"][2] == ["image_to_text", 2]
    (cells,) = charts(visit("modality", gap=root[2], tab="Alignment"))
    assert cells["data"][1]["customdata"][-1] == [2, 2]
