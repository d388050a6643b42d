"""How often each concept occurs, together with what the number means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from workbench.errors import InputError, UnknownName
from workbench.longtail.concepts import Counts
from workbench.longtail.matching_names import NameMatch, match_names
from workbench.longtail.published import Metrics

__all__ = ["Frequency", "of_counts", "of_metrics", "of_table"]


@dataclass(frozen=True)
class Frequency:
    """Counts of C concepts. Counts by different rules are different quantities: never mix them.

    Args:
        names: C names of concepts, in the order of the classes; a name may occur twice.
        counts: float64 (C,), captions (or images) with the concept. 0 is a true zero: it was
            looked for and not found. NaN: nobody has counted it.
        corpus: name of the corpus.
        rule: how a caption was found to name a concept, e.g. ``words`` or ``lemmatized``.
        synonyms: True when a caption counts that has any of several names of the concept.
        relevance: True when only captions count that were judged to mean the concept.

    Raises:
        InputError: another number of counts than names, or a count below 0; the message names
            the concept.
    """

    names: tuple[str, ...]
    counts: NDArray[np.float64]
    corpus: str
    rule: str
    synonyms: bool = False
    relevance: bool = False

    def __post_init__(self) -> None:
        if self.counts.shape != (len(self.names),) or self.counts.dtype != np.float64:
            got = f"{self.counts.dtype} {self.counts.shape}"
            raise InputError("frequency", expected=f"float64 ({len(self.names)},)", got=got)
        bad = np.flatnonzero((self.counts < 0) | np.isinf(self.counts))
        if bad.size:
            what = f"count of {self.names[bad[0]]!r}"
            raise InputError(what, expected="0 or more", got=f"{self.counts[bad[0]]:g}")

    @property
    def label(self) -> str:
        """One line that says which quantity this is, for legends and exports."""
        parts = [self.corpus, self.rule, "with synonyms" if self.synonyms else "name only"]
        return " · ".join([*parts, *["relevant captions only"] * self.relevance])

    @property
    def zeros(self) -> tuple[str, ...]:
        """Names of the concepts that were looked for and not found."""
        return tuple(self.names[place] for place in np.flatnonzero(self.counts == 0))

    @property
    def absent(self) -> tuple[str, ...]:
        """Names of the concepts that were not counted."""
        return tuple(self.names[place] for place in np.flatnonzero(np.isnan(self.counts)))

    def match(
        self, classes: Sequence[str], renames: Mapping[str, str] | None = None
    ) -> tuple[Frequency, NameMatch]:
        """The frequency of these classes, and which names fit and which did not.

        Args:
            classes: names of C' classes; one that is not counted gets NaN.
            renames: class name -> name of the concept here.

        Raises:
            UnknownName: a rename from or to a name that does not exist.
        """
        found = match_names(classes, self.names, renames)
        counts = found.take(self.counts)
        return (
            Frequency(
                tuple(classes), counts, self.corpus, self.rule, self.synonyms, self.relevance
            ),
            found,
        )


def of_counts(counts: Counts) -> Frequency:
    """The frequency that a counting gave: captions with any term of each concept."""
    return Frequency(
        names=counts.concepts.names,
        counts=counts.distinct.astype(np.float64),
        corpus=counts.corpus,
        rule=counts.rule,
        synonyms=any(len(terms) > 1 for terms in counts.concepts.terms),
    )


def of_metrics(metrics: Metrics, *, corpus: str, relevance: bool) -> Frequency:
    """The frequency that the authors of REAL publish: exact phrases over synonyms.

    Args:
        metrics: of ``read_metrics``; concepts stay in the order of the class numbers.
        corpus: name of the corpus, which the file does not say.
        relevance: captions judged relevant instead of all; NaN where the file has none.
    """
    counts = metrics.relevant if relevance else metrics.distinct.astype(np.float64)
    return Frequency(metrics.names, counts, corpus, "phrases", synonyms=True, relevance=relevance)


def of_table(table: pa.Table, *, benchmark: str, pretraining: str, method: str) -> Frequency:
    """The frequency of one benchmark's concepts in one corpus, from ``read_counts``.

    Raises:
        UnknownName: a benchmark, corpus or method that the table does not have (for the method:
            not for this benchmark and corpus); the message lists near ones.
    """
    asked = {"benchmark": benchmark, "pretraining": pretraining, "method": method}
    for column, value in asked.items():
        known = pc.unique(table[column]).to_pylist()
        table = table.filter(pc.equal(table[column], value))
        if not len(table):
            raise UnknownName(column, value, [each for each in known if each is not None])
    real = method.startswith("phrases")
    return Frequency(
        names=tuple(table["concept"].to_pylist()),
        counts=table["count"].to_numpy().astype(np.float64),
        corpus=pretraining,
        rule=method,
        synonyms=real,
        relevance=real and method.endswith("-relevant"),
    )
