"""Frequency and accuracy: the trend and its doors, tails, covariates, calibration, names."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

from tests.pages import longtail_world as made
from tests.pages.longtail_world import work_off
from tests.pages.seen import cells, charts, texts
from workbench.api import Workbench
from workbench.longtail.bins import WHY_BINNING_RAISES_R
from workbench.longtail.needed import CAUTION
from workbench.prompts.classes import ClassSet


def _asked(world, **more: str) -> dict[str, str]:
    return {"accuracy": f"run:{world.run}", "frequency": f"count:{world.count}", **more}


def _published(world, model: str = "RN50", corpus: str = "cc3m", of: str = "dtd") -> dict[str, str]:
    return {
        "accuracy": f"published:{world.accuracies}:{corpus}:{model}:cupl:{of}",
        "frequency": f"published:{world.counts}:{corpus}:lemmatized:{of}",
    }


def _accuracy(tail: Workbench, run: str) -> np.ndarray:
    return 100 * np.array(tail.run_classes(run)["accuracy"].to_pylist(), float)


def _metrics(app) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for metric in app.metric:
        found.setdefault(metric.label, []).append(metric.value)
    return found


def _box(app, label: str):
    return next(box for box in app.selectbox if box.label == label)


def _clean(app) -> None:
    assert not app.exception and not app.error


def test_without_runs_the_page_leads_to_an_evaluation(bench, visit) -> None:
    app = visit("frequency")
    _clean(app)
    assert "Nothing is evaluated yet" in texts(app)
    app = visit("frequency", tab="Published fit")
    _clean(app)
    assert "no published counts and no published accuracies yet" in texts(app)


def test_both_fits_stand_side_by_side_with_what_they_rest_on(tail, visit, world) -> None:
    app = visit("frequency", **_asked(world))
    _clean(app)
    counts, accuracy = np.array(list(made.COUNTS.values())), _accuracy(tail, world.run)
    seen = counts > 0
    line = stats.linregress(np.log10(counts[seen]), accuracy[seen])
    ranks = stats.spearmanr(counts[seen], accuracy[seen])
    shown = _metrics(app)
    assert shown["Pearson r"][0] == f"{line.rvalue:.3f}"
    assert shown["Points a decade"][0] == f"{line.slope:+.1f}"
    assert shown["Spearman ρ"][0] == f"{ranks.statistic:.3f}"
    assert [len(values) for values in shown.values()][:3] == [2, 2, 2]
    words = texts(app)
    assert "11 classes; r:" in words and "1 with a true 0, 0 without a count" in words
    assert WHY_BINNING_RAISES_R in words and CAUTION in words
    needed = shown["Times as many captions, by the classes"][0]
    assert float(needed.rstrip("×").replace(",", "")) == pytest.approx(
        10 ** (10 / line.slope), abs=0.006
    )


def test_the_scatter_has_every_class_and_each_point_names_its_class(tail, visit, world) -> None:
    app = visit("frequency", **_asked(world))
    points = charts(app)[0]["data"][0]
    assert [place for place, kind, _ in points["customdata"] if kind == "class"] == list(range(12))
    table = app.dataframe[0].value
    assert set(table["class"]) == set(made.COUNTS)
    rows = dict(zip(table["class"], table["frequency"], strict=True))
    assert rows == made.COUNTS


def test_a_class_opens_its_mistakes_and_its_captions(tail, visit, world) -> None:
    worst = int(np.argmin(_accuracy(tail, world.run)))
    app = visit("frequency", **_asked(world, **{"class": str(worst)}))
    _clean(app)
    found = tail.predictions(world.run, truth=worst, correct=False)
    assert {cell["row"] for cell in cells(app)} == {row.row for row in found.rows}
    assert made.CLASSES.names[worst] in texts(app)
    app = visit("frequency", **_asked(world, **{"class": "0", "side": "Captions"}))
    _clean(app)
    assert made.NASTY in texts(app).replace(":orange-background[red disc]", "red disc")


def test_a_bin_lists_its_classes(tail, visit, world) -> None:
    report = tail.tail(f"run:{world.run}", f"count:{world.count}", bins=4)
    wanted = [made.CLASSES.names[i] for i in np.flatnonzero(report.bins.place == 3)]
    app = visit("frequency", **_asked(world, bins="4", bin="3"))
    _clean(app)
    assert sorted(app.dataframe[0].value["class"]) == sorted(wanted)
    app = visit("frequency", **_asked(world, bin="-1"))
    assert list(app.dataframe[0].value["class"]) == [
        name for name, count in made.COUNTS.items() if count == 0
    ]
    app.button(key="trend.bin").click().run()
    assert len(app.dataframe[0].value) == 12


def test_several_runs_are_overlaid_and_one_is_looked_at(tail, visit, world) -> None:
    keys = [f"run:{world.run}", f"run:{world.frequent}"]
    app = visit("frequency", **_asked(world, accuracy=keys))
    _clean(app)
    names = {trace["name"] for trace in charts(app)[0]["data"] if "customdata" in trace}
    assert len([name for name in names if "alpha" in name]) == 2
    assert len(app.dataframe[1].value) == 4
    _box(app, "Look at").select(1).run()
    _clean(app)
    assert app.query_params["of"] == "1"


def test_images_that_a_run_tags_are_a_frequency_too(tail, visit, world) -> None:
    app = visit("frequency", **_asked(world, frequency=f"images:{world.run}:0.3"))
    _clean(app)
    found = tail.frequency(f"images:{world.run}:0.3")
    table = app.dataframe[0].value
    rows = dict(zip(table["class"], table["frequency"], strict=True))
    assert rows == dict(zip(found.names, found.counts.tolist(), strict=True))
    assert charts(app)[0]["layout"]["xaxis"]["title"]["text"] == "images tagged with the concept"


def test_head_and_tail_are_cut_by_hand(tail, visit, world) -> None:
    accuracy = _accuracy(tail, world.run)
    order = np.argsort(list(made.COUNTS.values()), kind="stable")
    app = visit("frequency", **_asked(world, tab="Head and tail"))
    _clean(app)
    assert set(app.dataframe[0].value["class"]) == {made.CLASSES.names[i] for i in order[:2]}
    bars = charts(app)[0]["data"][0]
    heights = dict(zip([group for group, _ in bars["customdata"]], bars["y"], strict=True))
    assert heights["tail"] == pytest.approx(accuracy[order[:2]].mean())
    assert heights["head"] == pytest.approx(accuracy[order[-2:]].mean())
    more = {"by": "Count", "low": "10", "high": "100", "group": "middle"}
    app = visit("frequency", **_asked(world, tab="Head and tail", **more))
    _clean(app)
    inside = {name for name, count in made.COUNTS.items() if 10 <= count < 100}
    assert set(app.dataframe[0].value["class"]) == inside


def test_covariates_are_held_fixed(tail, visit, world) -> None:
    app = visit("frequency", **_asked(world, tab="Fixed covariates"))
    _clean(app)
    shown = _metrics(app)
    counts, accuracy = np.array(list(made.COUNTS.values())), _accuracy(tail, world.run)
    line = stats.linregress(np.log10(counts[counts > 0]), accuracy[counts > 0])
    assert shown["r alone"] == [f"{line.rvalue:.3f}"]
    assert "Partial r" in shown and "name length" in texts(app)


def test_calibration_shows_the_images_of_a_range_of_frequency(tail, visit, world) -> None:
    app = visit("frequency", **_asked(world, tab="Calibration", row="0", side="Right"))
    _clean(app)
    last = len(made.COUNTS) - 1
    found = tail.predictions(world.run, truth=last, correct=True)
    assert {cell["row"] for cell in cells(app)} == {row.row for row in found.rows}
    assert f"**{found.total}** of 96 images" in texts(app)


def test_a_review_tells_the_kinds_of_mistakes_by_frequency(own_tail, visit, world) -> None:
    app = visit("frequency", **_asked(world, tab="Calibration"))
    app.button(key="frequency.review.start").click().run()
    work_off(own_tail)
    kinds = own_tail.tail_kinds(world.run, f"count:{world.count}")
    assert kinds.sum() == own_tail.predictions(world.run, correct=False).total
    app = visit("frequency", **_asked(world, tab="Calibration"))
    _clean(app)
    drawn = {
        (row, kind): share
        for trace in charts(app)[1]["data"]
        for (row, kind), share in zip(trace["customdata"], trace["y"], strict=True)
    }
    for (row, kind), share in drawn.items():
        assert share == pytest.approx(kinds[row, kind] / kinds[row].sum())


def test_names_that_fit_nowhere_are_listed_and_can_be_called_the_same(
    own_tail, visit, world
) -> None:
    names = ("red dics", *made.CLASSES.names[1:])
    # in another order, so that only names can tell which class is which
    other = ClassSet(names[::-1], made.CLASSES.labels[::-1])
    own_tail.submit_zero_shot("things", "alpha", classes=other)
    key = work_off(own_tail)["run"]
    asked = _asked(world, accuracy=f"run:{key}", tab="Names")
    app = visit("frequency", **asked)
    _clean(app)
    assert "**11** of 12 classes have a counted name" in texts(app)
    assert app.dataframe[0].value["class"].to_list() == ["red dics"]
    assert _box(app, "is counted as").value == "red disc"
    app.button(key="names.same").click().run()
    _clean(app)
    assert json.loads(app.query_params["rename"]) == ["red dics", "red disc"]
    assert "**12** of 12 classes" in texts(app)
    app.button(key="names.undo.red dics").click().run()
    assert "**11** of 12 classes" in texts(app)


def test_the_same_labels_by_other_names_are_told(tail, visit, world) -> None:
    app = visit("frequency", **_asked(world, accuracy=f"run:{world.frequent}", tab="Names"))
    _clean(app)
    assert "**12** of 12 classes" in texts(app)
    table = app.dataframe[0].value
    pairs = dict(zip(table["class"], table["counted as"], strict=True))
    assert pairs == {"blue square": "blue box", "green square": "green box"}


def test_a_damaged_rename_and_one_of_other_classes_change_nothing(tail, visit, world) -> None:
    broken = ["{", '["no class", "red disc"]', "[1, 2]"]
    app = visit("frequency", **_asked(world, rename=broken))
    _clean(app)
    assert "11 classes in the fit" in texts(app)


def test_published_accuracies_meet_published_counts(tail, visit, world) -> None:
    app = visit("frequency", **_published(world))
    _clean(app)
    assert "19 classes in the fit" in texts(app) and "1 without a count" in texts(app)
    assert _box(app, "Benchmark").value == "dtd"
    _box(app, "Benchmark").select("cifar100").run()
    _clean(app)
    assert app.query_params["accuracy"] == _published(world, of="cifar100")["accuracy"]
    assert _box(app, "Concepts of").value == "cifar100"
    app = visit("frequency", **_published(world), **{"class": "3"})
    _clean(app)
    assert "Nobody counted this class" in texts(app)
    assert "its images are not in this workspace" in texts(app)
    app = visit("frequency", **_published(world), tab="Calibration")
    assert "without confidences" in texts(app)


def test_the_published_fit_gives_the_rows_of_a_model_and_corpus(tail, visit, world) -> None:
    app = visit("frequency", tab="Published fit", corpus="cc12m")
    _clean(app)
    (row,) = tail.reference(world.counts, world.accuracies, backbone="RN50", pretraining="cc12m")
    table = app.dataframe[0].value
    assert table["r_binned"].to_list() == [pytest.approx(row.r_binned)]
    assert table["n"].to_list() == [38] and table["missing"].to_list() == [2]
    app.button(key="reference.open.dtd").click().run()
    _clean(app)
    assert "tab" not in app.query_params
    assert "19 classes in the fit" in texts(app)
