"""Head, middle and tail: worked values, published values, and what moves with the cuts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.longtail.bins import ABSENT, bin_classes
from workbench.longtail.fit import fit_classes
from workbench.longtail.frequency import of_metrics
from workbench.longtail.published import read_accuracies, read_metrics
from workbench.longtail.reference import reference_r
from workbench.longtail.tails import HEAD, MIDDLE, TAIL, rarest, tails

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "published"


def test_shares_by_hand() -> None:
    counts = np.array([1000.0, 1, 0, 50, 50, np.nan, 7, 300, 20, 90, 3])
    accuracy = np.array([99.0, 10, 0, 50, 60, 77, 20, 90, 30, 70, 40])
    found = tails(counts, accuracy, low=0.2, high=0.8)
    assert [found.tail.value, found.middle.value, found.head.value] == [5, 45, 94.5]
    assert (found.tail.n, found.middle.n, found.head.n, found.overall.n) == (2, 6, 2, 10)
    assert found.place.tolist() == [
        HEAD, TAIL, TAIL, MIDDLE, MIDDLE, ABSENT, MIDDLE, HEAD, MIDDLE, MIDDLE, MIDDLE,
    ]  # fmt: skip
    assert found.cuts == (3, 300) and found.overall.value == pytest.approx(46.9)
    assert (found.worst_by_frequency.value, found.worst_by_accuracy.value) == (5, 5)


def test_counts_by_hand() -> None:
    counts, accuracy = np.array([0.0, 9, 10, 99, 100]), np.array([1.0, 2, 3, 4, 5])
    found = tails(counts, accuracy, low=10, high=100, by="count")
    assert found.place.tolist() == [0, 0, 1, 1, 2] and found.cuts == (10, 100)
    two = tails(counts, accuracy, low=10, high=10, by="count")
    assert two.middle.n == 0 and np.isnan(two.middle.value) and two.head.n == 3
    none = tails(counts, accuracy, low=1e9, high=1e9, by="count")
    assert none.tail.n == 5 and none.head.n == 0 and none.cuts == (np.inf, np.inf)


def test_worst_by_accuracy_is_not_worst_by_frequency() -> None:
    counts, accuracy = np.arange(1.0, 11), np.array([9.0, 8, 7, 6, 5, 5, 4, 3, 2, 1])
    found = tails(counts, accuracy, low=0.2, high=0.2)
    assert found.worst_by_frequency.value == 8.5 and found.worst_by_accuracy.value == 1.5
    assert found.worst_by_accuracy.low <= 1.5 <= found.worst_by_accuracy.high


def test_a_fifth_of_a_thousand_is_200() -> None:
    found = tails(np.arange(1000.0), np.zeros(1000), low=0.2, high=0.2)
    assert (found.tail.n, found.head.n, found.worst_by_frequency.n) == (200, 800, 200)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 999), st.floats(0, 1), st.floats(0, 1))
def test_the_parts_are_a_partition_in_order_of_frequency(seed: int, a: float, b: float) -> None:
    rng = np.random.default_rng(seed)
    counts, accuracy = np.floor(10 ** rng.uniform(-1, 3, 30)), rng.uniform(0, 100, 30)
    low, high = sorted((a, b))
    found = tails(counts, accuracy, low=low, high=high, resamples=5)
    assert found.tail.n + found.middle.n + found.head.n == 30
    for smaller in (TAIL, MIDDLE):
        above = counts[found.place > smaller]
        assert not above.size or counts[found.place <= smaller].max(initial=0) <= above.min()
    ten = tails(counts * 10, accuracy, low=low, high=high, resamples=5)
    assert (
        ten.place.tolist() == found.place.tolist()
        and ten.tail == pytest.approx(found.tail, nan_ok=True)
        if found.tail.n
        else True
    )


def test_rarest_first_with_ties_by_number() -> None:
    assert rarest(np.array([5, 0, np.nan, 5, 0, 2])).tolist() == [1, 4, 5, 0, 3]


@pytest.mark.parametrize(
    ("low", "high", "by"),
    [(0.5, 0.2, "share"), (-0.1, 1, "share"), (0, 2, "share"), (9, 3, "count")],
)
def test_cuts_that_cannot_be_are_refused(low: float, high: float, by: str) -> None:
    with pytest.raises(InputError, match="low <= high"):
        tails(np.ones(3), np.ones(3), low=low, high=high, by=by)


def accuracies(benchmark: str, prompts: str, backbone: str) -> dict[str, float]:
    """Class -> accuracy of a model trained on laion400m."""
    table = read_accuracies(PUBLISHED / "class_accuracy.csv.gz")
    wanted = {"benchmark": benchmark, "prompts": prompts, "backbone": backbone}
    for name, value in {**wanted, "pretrained": "laion400m"}.items():
        table = table.filter(pc.equal(table[name], value))
    return dict(zip(table["concept"].to_pylist(), table["accuracy"].to_pylist(), strict=True))


published = pytest.mark.skipif(not PUBLISHED.is_dir(), reason=f"no {PUBLISHED}")


@published
@pytest.mark.parametrize(
    ("backbone", "prompts", "r", "rho", "head", "tail"),
    [
        ("ViT-B-32", "ensemble", 0.224, 0.193, 62.59, 50.90),
        ("ViT-B-32", "class", 0.181, 0.161, 60.53, 49.91),
        ("ViT-B-16", "ensemble", 0.170, 0.137, 68.94, 59.44),
        ("ViT-L-14", "ensemble", 0.149, 0.129, 74.31, 66.53),
    ],
)
def test_imagenet_on_laion400m_as_recomputed_from_the_papers(
    backbone, prompts, r, rho, head, tail
) -> None:
    metrics = read_metrics(PUBLISHED / "synonym_frequency_imagenet_laion400m.json")
    accuracy = np.array(list(accuracies("imagenet", prompts, backbone).values()))
    assert len(accuracy) == 1000
    fit = fit_classes(metrics.relevant + 1, accuracy, resamples=10)
    assert (fit.r.value, fit.rho) == pytest.approx((r, rho), abs=6e-4)
    # the published rule, rank <= int(0.2 n), takes 201 of 1000 classes
    found = tails(metrics.relevant, accuracy, low=0.201, high=0.201)
    assert (found.head.value, found.tail.value) == pytest.approx((head, tail), abs=6e-3)
    assert found.tail.high < found.head.low


@published
def test_imagenet_by_decades_and_by_the_reference_of_the_other_paper() -> None:
    relevant = read_metrics(PUBLISHED / "synonym_frequency_imagenet_laion400m.json").relevant
    accuracy = np.array(list(accuracies("imagenet", "ensemble", "ViT-B-32").values()))
    bins = bin_classes(relevant, accuracy, edges=np.arange(8))
    assert bins.n.tolist() == [2, 29, 146, 404, 325, 91, 3]
    assert bins.mean[1:6] == pytest.approx([41.2, 50.7, 61.0, 64.5, 63.3], abs=0.06)
    binned, p, _ = reference_r(relevant, accuracy)
    assert (binned, p) == pytest.approx((0.774, 0.009), abs=6e-4)


@published
def test_food101_is_joined_by_name() -> None:
    metrics = read_metrics(PUBLISHED / "synonym_frequency_food101_laion400m.json")
    scores = accuracies("food101", "ensemble", "ViT-B-32")
    frequency = of_metrics(metrics, corpus="laion400m", relevance=True)
    counted, match = frequency.match([name.replace("_", " ") for name in scores])
    assert match.matched == 101, match.unmatched
    fit = fit_classes(counted.counts + 1, np.array(list(scores.values())), resamples=10)
    assert fit.r.value == pytest.approx(-0.03, abs=0.005)
