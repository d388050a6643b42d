"""Frequency tables: zeros, absences, and what the number means."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from workbench.errors import InputError, UnknownName
from workbench.longtail.concepts import Concepts, Counts
from workbench.longtail.frequency import Frequency, of_counts, of_metrics, of_table
from workbench.longtail.published import Metrics, read_counts

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "published"


def test_a_zero_is_not_an_absence() -> None:
    frequency = Frequency(("cat", "dog", "yak"), np.array([5, 0, np.nan]), "mine", "words")
    assert frequency.zeros == ("dog",) and frequency.absent == ("yak",)
    assert frequency.label == "mine · words · name only"


def test_classes_without_a_count_stay_and_are_listed() -> None:
    frequency = Frequency(("airplane", "cat"), np.array([9.0, 0]), "mine", "words", True, True)
    classes, match = frequency.match(["cat", "plane", "dog"], {"plane": "airplane"})
    assert classes.names == ("cat", "plane", "dog") and classes.absent == ("dog",)
    assert classes.counts[:2].tolist() == [0, 9] and classes.label == frequency.label
    assert [u.name for u in match.unmatched] == ["dog"]
    assert frequency.label.endswith("with synonyms · relevant captions only")


def test_a_counting_gives_captions_with_any_term() -> None:
    concepts = Concepts.of(["cat", "dog"], [["kitten"], []])
    counts = Counts(concepts, "words", "mine", 10, 4, np.array([3, 0]), np.array([2, 2, 0]))
    frequency = of_counts(counts)
    assert frequency.counts.tolist() == [3, 0] and frequency.synonyms
    assert (frequency.corpus, frequency.rule, frequency.relevance) == ("mine", "words", False)
    alone = Counts(Concepts.of(["cat"]), "words", "m", 1, 1, np.array([1]), np.array([1]))
    assert not of_counts(alone).synonyms


def test_metrics_give_all_captions_or_the_relevant_ones() -> None:
    metrics = Metrics(
        ("a", "b"), (("a",), ("b",)), ("a", "b"), np.array([4, 0]), np.array([4, 0]),
        np.array([3, np.nan]),
    )  # fmt: skip
    every = of_metrics(metrics, corpus="laion400m", relevance=False)
    assert every.counts.tolist() == [4, 0] and every.absent == ()
    assert of_metrics(metrics, corpus="laion400m", relevance=True).absent == ("b",)


def test_a_table_gives_one_benchmark_corpus_and_method() -> None:
    table = pa.table(
        {
            "benchmark": ["d", "d", "e", "d"],
            "pretraining": ["cc3m", "cc3m", "cc3m", "cc12m"],
            "method": ["lemmatized", "lemmatized", "lemmatized", "rampp0.7"],
            "concept": ["x", "y", "x", "x"],
            "count": [1.0, None, 3.0, 4.0],
        }
    )
    found = of_table(table, benchmark="d", pretraining="cc3m", method="lemmatized")
    assert found.names == ("x", "y") and found.counts[0] == 1 and found.absent == ("y",)
    with pytest.raises(UnknownName, match="lemmatized"):
        of_table(table, benchmark="d", pretraining="cc3m", method="rampp0.7")
    with pytest.raises(UnknownName, match="benchmark"):
        of_table(table, benchmark="f", pretraining="cc3m", method="rampp0.7")


@pytest.mark.parametrize("counts", [[1.0], [1.0, -2], [1.0, np.inf], [[1.0], [2]]])
def test_counts_that_are_none_are_refused(counts: list) -> None:
    with pytest.raises(InputError, match="expected"):
        Frequency(("a", "b"), np.array(counts), "mine", "words")


@pytest.mark.skipif(not PUBLISHED.is_dir(), reason=f"no {PUBLISHED}")
def test_the_published_cifar10_plane_is_listed_with_its_suggestion() -> None:
    table = read_counts(PUBLISHED / "concept_counts.csv.gz")
    counted = of_table(table, benchmark="cifar10", pretraining="cc3m", method="lemmatized")
    _, match = counted.match(["plane", "car", "bird", "cat", "deer"])
    assert match.unmatched[0].suggestions[0] == "airplane"
