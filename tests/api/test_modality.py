"""Measurements of the modality gap as asked and read, on vectors that are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pages.modality_world import measure
from tests.pages.small_world import build
from workbench.api import JOINT, Workbench
from workbench.errors import InputError, UnknownName


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Any:
    opened = build(tmp_path_factory.mktemp("modality") / "workspace")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def two(bench: Workbench) -> str:
    return measure(bench, "alpha", shared=False)


@pytest.fixture(scope="module")
def one(bench: Workbench) -> str:
    return measure(bench, "beta", shared=True)


def test_reports_are_listed_newest_first(bench: Workbench, two: str, one: str) -> None:
    reports = bench.modality_reports("shapes")
    assert {each.key for each in reports} >= {one, two} and bench.modality_reports("plain") == ()
    report = bench.modality_report(two)
    assert (report.model, report.dataset, report.n) == ("alpha", "shapes", 96)
    assert report.current and not report.shared and bench.modality_report(one).shared


def test_the_joint_space_is_that_of_the_vectors(bench: Workbench, two: str) -> None:
    report, space = bench.modality_report(two), bench.workspace
    key = space.catalog.model("alpha").key
    rows = list(range(96))
    image, text = (space.vectors.take("shapes", key, side, rows) for side in ("image", "caption"))
    gap = np.linalg.norm(image.mean(axis=0) - text.mean(axis=0))
    assert report.gap.distance == pytest.approx(gap, abs=1e-3)
    table = bench.modality_projections(two)
    assert table.column_names == ["row", "caption_row", "image", "text"] and len(table) == 96
    assert np.mean(table["text"].to_numpy()) > np.mean(table["image"].to_numpy())


def test_a_layer_of_one_tower_is_not_compared(bench: Workbench, two: str, one: str) -> None:
    with pytest.raises(InputError, match="joint space"):
        bench.modality_projections(two, 0)
    with pytest.raises(InputError, match="joint space"):
        bench.modality_units(two, 1)
    assert len(bench.modality_projections(one, 0)) == 96
    with pytest.raises(InputError, match="layer"):
        bench.modality_projections(one, 9)


def test_what_closing_changes_is_what_the_shares_say(bench: Workbench, two: str) -> None:
    sweep = bench.modality_report(two).sweep
    still = sweep.amounts.index(0.0)
    for place, amount in enumerate(sweep.amounts):
        for way in ("image_to_text", "text_to_image"):
            moved = bench.modality_moved(two, amount, way)
            shares = sweep.of(way)
            change = len(moved.fixed) - len(moved.broken)
            assert change == round(96 * (shares[place].value - shares[still].value))
            assert moved.n == 96 and not set(moved.fixed) & set(moved.broken)
    with pytest.raises(InputError, match="share of the gap"):
        bench.modality_moved(two, 0.3)
    with pytest.raises(InputError, match="zero-shot"):
        bench.modality_moved(two, 1.0, "classes")


def test_units_and_what_excites_them(bench: Workbench, one: str) -> None:
    table = bench.modality_units(one, 1)
    values = table["selectivity"].to_pylist()
    assert values == sorted(values) and table.num_rows == 6
    unit = table["unit"][0].as_py()
    inputs = bench.modality_unit(one, 1, unit)
    assert [each.modality for each in inputs] == ["image"] * 8 + ["text"] * 8
    strengths = [each.activation for each in inputs if each.modality == "image"]
    assert strengths == sorted(strengths, reverse=True)
    assert bench.modality_unit(one, 1, 99) == ()
    assert bench.modality_units(one, JOINT).num_rows == 16


def test_neighbours_and_their_agreement(bench: Workbench, two: str) -> None:
    table = bench.modality_agreement(two, JOINT, JOINT)
    report = bench.modality_report(two)
    common = table["common"].to_numpy()
    assert common.mean() / report.k == pytest.approx(report.neighbours.values[-1][-1])
    assert common.tolist() == sorted(common, reverse=True)
    row = table["row"][0].as_py()
    images, texts = bench.modality_neighbours(two, JOINT, JOINT, row)
    assert len(images) == len(texts) == report.k and row not in {*images, *texts}
    assert len({*images} & {*texts}) == common[0]
    with pytest.raises(InputError, match="layer"):
        bench.modality_agreement(two, 7, JOINT)
    with pytest.raises(InputError, match="item"):
        bench.modality_neighbours(two, JOINT, JOINT, 1000)


def test_captions_are_those_of_the_pairs(bench: Workbench, two: str) -> None:
    found = bench.modality_captions(two, [95, 20, 4000])
    assert list(found) == [95, 20] and found[95] == bench.item("shapes", 95).captions[0]


def test_what_can_be_asked(bench: Workbench, two: str) -> None:
    job = bench.submit_modality("shapes", "alpha", pairs=50)
    assert job.kind == "measure-modality" and job.params["run"] is None
    bench.cancel(job.id)
    with pytest.raises(InputError, match="captions"):
        bench.submit_modality("plain", "alpha")
    with pytest.raises(UnknownName):
        bench.submit_modality("shapes", "alpha", run="nothing")
    with pytest.raises(UnknownName):
        bench.modality_report("nothing")


def test_importing_it_loads_no_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    code = "import sys, workbench.api.modality; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
