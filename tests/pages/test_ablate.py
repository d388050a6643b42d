"""The page Ablate: its tabs, doors and addresses, its form, and what it says when there is none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.pages.ablated_world import Ablations, build
from tests.pages.conftest import _opened
from workbench.api import Workbench

TABS = ("Damage", "Every expert")


@pytest.fixture(scope="module")
def ablated_made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ablations]:
    folder = tmp_path_factory.mktemp("ablated")
    return folder / "workspace", build(folder / "workspace", folder)


@pytest.fixture
def keys(ablated_made: tuple[Path, Ablations]) -> Ablations:
    return ablated_made[1]


@pytest.fixture
def off(
    ablated_made: tuple[Path, Ablations], quiet: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workbench]:
    yield from _opened(ablated_made[0], monkeypatch)


@pytest.fixture
def own_off(
    ablated_made: tuple[Path, Ablations],
    quiet: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Workbench]:
    shutil.copytree(ablated_made[0], tmp_path / "own")
    yield from _opened(tmp_path / "own", monkeypatch)


def words(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.info, *app.subheader]
    return "\n".join(str(part.value) for part in parts)


def charts(app: AppTest) -> list[dict[str, Any]]:
    return [json.loads(each.proto.spec) for each in app.get("plotly_chart")]


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("which", ["bare", "one"])
def test_every_tab_opens(
    off: Workbench, keys: Ablations, visit: Callable[..., AppTest], tab: str, which: str
) -> None:
    app = visit("ablate", tab=tab, ablation=getattr(keys, which))
    assert not app.exception and not app.error
    assert app.title[0].value == "Ablate"
    assert "32 pairs of d" in words(app)


def test_figures_before_and_after_beside_random_experts(
    off: Workbench, keys: Ablations, visit: Callable[..., AppTest]
) -> None:
    report = off.ablation(keys.one)
    app = visit("ablate", ablation=keys.one)
    metrics = {each.label: each for each in app.metric}
    assert metrics["Zero-shot top-1"].value == f"{report.after.top1:.1%}"
    assert f"from {report.before.top1:.1%}" in metrics["Zero-shot top-1"].delta
    assert metrics["Shift of texts"].value == f"{report.after.text_shift:.4f}"
    assert "**Expert 1 of block 2**" in words(app) and "n = 2)" in words(app)
    shares, shifts, bars = charts(app)
    assert len(shares["data"][0]["x"]) == 3 * 2 and len(shifts["data"][0]["x"]) == 2 * 2
    assert {place for (place,) in bars["data"][0]["customdata"]} == {0, 1}


def test_an_ablation_without_a_run_says_what_is_missing(
    off: Workbench, keys: Ablations, visit: Callable[..., AppTest]
) -> None:
    app = visit("ablate", ablation=keys.bare)
    assert "Experts 1 of block 0 and 0 of block 3" in words(app)
    assert "needs a zero-shot run" in words(app)
    assert "Zero-shot top-1" not in {each.label for each in app.metric}
    app = visit("ablate", ablation=keys.bare, tab="Every expert")
    assert app.button(key="ablate.every")


def test_the_address_opens_a_group_a_way_and_an_expert(
    off: Workbench, keys: Ablations, visit: Callable[..., AppTest]
) -> None:
    app = visit("ablate", ablation=keys.one, group="0", changed="fixed")
    found = off.ablation_changed(keys.one, place=0)
    assert f"fixed of {found.n}" in words(app) and app.button(key="ablate.all")
    app = visit("ablate", ablation=keys.one, lost="caption")
    assert "broken of 32" in words(app)
    app = visit("ablate", ablation=keys.one, tab="Every expert", at="3.2", effect="Shift of texts")
    assert "Block 3, expert 2, off alone" in words(app)
    assert app.button(key="ablate.one").label.startswith("Switch it off")
    (singles,) = charts(app)
    assert [trace["name"] for trace in singles["data"]] == ["block 0", "block 2", "block 3"]
    assert singles["data"][1]["customdata"][1] == [2, 1]


def test_the_expert_of_this_ablation_leads_to_its_images(
    off: Workbench, keys: Ablations, visit: Callable[..., AppTest]
) -> None:
    app = visit("ablate", ablation=keys.one, tab="Every expert", at="2.1")
    assert app.button(key="ablate.one").label == "Its broken images"
    app.button(key="ablate.one").click().run()
    assert not app.exception and "Broken images" in words(app)


@pytest.mark.parametrize(
    "broken",
    [
        {"ablation": "nothing"},
        {"group": "x"},
        {"group": "99"},
        {"by": "nothing"},
        {"lost": "nothing", "changed": "x"},
        {"tab": "Every expert", "at": "9.9"},
        {"tab": "Every expert", "at": "x", "effect": "y"},
        {"switch": "1.0,x,,2.77"},
    ],
)
def test_a_damaged_address_falls_back(
    off: Workbench, visit: Callable[..., AppTest], broken: dict[str, str]
) -> None:
    app = visit("ablate", **broken)
    assert not app.exception and not app.error


def test_a_link_fills_the_form_and_the_button_queues_a_job(
    own_off: Workbench, visit: Callable[..., AppTest]
) -> None:
    app = visit("ablate", switch="2.3,3.0", model="experts")
    assert not app.button(key="ablate.asked.go").disabled
    app.selectbox(key="ablate.asked.limit").select(100).run()
    app.button(key="ablate.asked.go").click().run()
    (job,) = own_off.jobs(("queued",))
    assert job.params["off"] == [[2, 3], [3, 0]] and job.params["limit"] == 100
    assert "switch" not in app.query_params
    assert any("Switch experts 3 of block 2" in str(each.value) for each in app.markdown)


def test_every_expert_is_asked_with_a_button(
    own_off: Workbench, keys: Ablations, visit: Callable[..., AppTest]
) -> None:
    app = visit("ablate", ablation=keys.bare, tab="Every expert")
    app.button(key="ablate.every").click().run()
    (job,) = own_off.jobs(("queued",))
    assert job.params["every"] and job.params["mode"] == "reroute"
    assert job.params["off"] == [[0, 1], [3, 0]]


def test_without_an_ablation_the_form_asks(
    routed: Workbench, visit: Callable[..., AppTest]
) -> None:
    app = visit("ablate")
    assert "No expert has been switched off yet" in app.info[0].value
    assert app.button(key="ablate.first.go").disabled


def test_models_without_experts_and_no_model_lead_on(
    bench: Workbench, visit: Callable[..., AppTest]
) -> None:
    app = visit("ablate")
    assert "None of the models here has experts" in words(app)
