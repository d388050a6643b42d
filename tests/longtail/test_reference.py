"""The reference fit: every published row, and small tables worked by hand."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from workbench.errors import InputError
from workbench.longtail.published import read_accuracies, read_counts
from workbench.longtail.reference import reference_fit, reference_r

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "published"
shared = pytest.mark.skipif(not PUBLISHED.is_dir(), reason=f"no {PUBLISHED}")


@pytest.fixture(scope="module")
def published():
    counts = read_counts(PUBLISHED / "concept_counts.csv.gz")
    return counts, read_accuracies(PUBLISHED / "class_accuracy.csv.gz")


@shared
def test_all_36_published_rows_to_a_thousandth(published) -> None:
    rows = reference_fit(*published)
    found = {(r.backbone, r.pretraining, r.method, r.prompts): r for r in rows}
    with (PUBLISHED / "expected_log_linear_fit.csv").open() as file:
        expected = list(csv.DictReader(file))
    assert len(expected) == 36
    for row in expected:
        got = found[row["backbone"], row["pretraining"], row["method"], row["prompts"]]
        assert (got.n, got.missing) == (int(row["n"]), int(row["missing"])), row
        for name in ("r_binned", "p", "r_raw"):
            assert getattr(got, name) == pytest.approx(float(row[name]), abs=1e-3), row
        assert got.p == pytest.approx(float(row["p"]), rel=0.06)
    assert len({(r.backbone, r.pretraining) for r in rows}) == 12
    assert len(found) == len(rows)


@shared
def test_one_model_and_corpus_is_a_part_of_all(published) -> None:
    rows = reference_fit(*published, backbone="RN50", pretraining="cc3m", method="lemmatized")
    assert [r.prompts for r in rows] == ["class", "ensemble", "simple"]
    assert [r.uncounted for r in rows] == [("imagenet-sketch",)] * 3
    assert rows[1].r_raw == pytest.approx(0.479, abs=1e-3)


def test_counts_that_grow_by_e_and_linear_accuracy_give_r_1() -> None:
    binned, p, raw = reference_r(np.exp(np.arange(12)), 5 + 4 * np.arange(12.0))
    assert (binned, raw) == pytest.approx((1, 1)) and p < 1e-6


def loop(counts: list[float], accuracy: list[float]) -> tuple[float, float, float]:
    """The description in the data's README, word by word, with numpy's digitize and scipy."""
    x = [float(np.log(max(count, 1))) for count in counts]
    edges = np.linspace(min(x), max(x), 12)
    which = np.digitize(x, edges, right=True)
    y = []
    for bin_ in range(12):
        own = [a for a, w in zip(accuracy, which, strict=True) if w == bin_]
        y.append(sum(own) / len(own) if own else 0.0)
    r, p = stats.pearsonr(edges[1:-1], y[1:-1])
    return r, p, stats.pearsonr(x, accuracy)[0]


@pytest.mark.parametrize("seed", range(5))
def test_it_agrees_with_a_loop_also_with_empty_bins(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = np.floor(10 ** rng.uniform(-1, 4, 25))
    accuracy = rng.uniform(0, 100, 25)
    assert reference_r(counts, accuracy) == pytest.approx(loop(counts.tolist(), accuracy.tolist()))


def test_without_points_or_spread_r_is_not_defined() -> None:
    assert np.isnan(reference_r(np.array([]), np.array([]))).all()
    assert np.isnan(reference_r(np.full(4, 9), np.arange(4.0))).all()


def tables(counts: list[tuple], accuracy: list[tuple]) -> tuple[pa.Table, pa.Table]:
    left = "benchmark", "pretraining", "method", "concept", "count"
    right = "benchmark", "prompts", "backbone", "pretrained", "concept", "accuracy"
    return (
        pa.table({name: [row[i] for row in counts] for i, name in enumerate(left)}),
        pa.table({name: [row[i] for row in accuracy] for i, name in enumerate(right)}),
    )


def test_what_is_joined_what_is_missing_and_what_is_left_out() -> None:
    counts, accuracy = tables(
        [
            ("cifar10", "cc3m", "lemmatized", "airplane", 10.0),
            ("cifar10", "cc3m", "lemmatized", "cat", 1000.0),
            ("cifar10", "cc3m", "lemmatized", "dog", None),
            ("flickr", "cc3m", "lemmatized", "ship", 5.0),
            ("cifar10", "yfcc15m", "lemmatized", "cat", 5.0),
        ],
        [
            ("cifar10", "class", "RN50", "cc3m", "plane", 20.0),
            ("cifar10", "class", "RN50", "cc3m", "cat", 40.0),
            ("cifar10", "class", "RN50", "cc3m", "dog", 60.0),
            ("cifar10", "class", "RN50", "cc3m", "frog", 60.0),
            ("dtd", "class", "RN50", "cc3m", "dotted", 60.0),
            ("flickr", "class", "RN50", "cc3m", "ship", 60.0),
            ("cifar10", "class", "RN50", "laion2b", "cat", 60.0),
        ],
    )
    (row,) = reference_fit(counts, accuracy)
    assert (row.backbone, row.pretraining, row.n, row.missing) == ("RN50", "cc3m", 2, 2)
    assert row.uncounted == ("dtd",) and row.r_raw == pytest.approx(1)
    assert reference_fit(counts, accuracy, method="rampp0.7") == ()


def test_a_concept_counted_twice_is_refused() -> None:
    counts, accuracy = tables(
        [("dtd", "cc3m", "lemmatized", "dotted", 1.0)] * 2,
        [("dtd", "class", "RN50", "cc3m", "dotted", 1.0)],
    )
    with pytest.raises(InputError, match=r"cc3m, lemmatized, dtd: dotted.*one row.*2 rows"):
        reference_fit(counts, accuracy)
