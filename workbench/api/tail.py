"""The long tail: how accuracy follows the frequency of a concept in captions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from workbench.api.frequencies import Accuracies, Frequencies
from workbench.api.review import CODE as REVIEW_CODE
from workbench.api.said import REVIEW
from workbench.errors import InputError, UnknownName
from workbench.longtail.bins import Bins, bin_classes, fit_bins
from workbench.longtail.calibration import Calibration, by_frequency, kinds_by_frequency
from workbench.longtail.fit import Fit, fit_classes
from workbench.longtail.frequency import Frequency
from workbench.longtail.matching_names import NameMatch, match_in_order
from workbench.longtail.needed import times_more
from workbench.longtail.partial import Partial, name_lengths, nearest_name, partial
from workbench.longtail.reference import RENAMED
from workbench.longtail.tails import Tails, tails
from workbench.longtail.zipf import Zipf, zipf
from workbench.measures.error_types import RULES
from workbench.measures.interval import Measure
from workbench.worker.count_question import KIND as COUNT

__all__ = ["COVARIATES", "LongTail", "TailReport"]

COVARIATES = ("name length", "nearest name", "caption length", "confusability")
"""Words in the name; cosine with the nearest other class (runs made here); mean words of the
captions kept as examples (countings made here); cosine of a class's mean image with the nearest
mean image of another class (runs made here)."""


_BLOCK = 8192


@dataclass(frozen=True)
class TailReport:
    """One set of accuracies against one set of frequencies, class by class.

    Args:
        accuracies: C classes.
        frequency: of the same C classes, NaN where nobody counted.
        match: which class has which counted name, and what fits nowhere.
        fit: line through the classes.
        bins: of frequency.
        binned: line through the bins' means.
        tails: head, middle and tail.
        needed: how many times more captions the line through the classes asks for to gain
            ``gain`` points.
        gain: accuracy points.
    """

    accuracies: Accuracies
    frequency: Frequency
    match: NameMatch
    fit: Fit
    bins: Bins
    binned: Fit
    tails: Tails
    needed: Measure
    gain: float

    def times_more(self, gain: float) -> tuple[Measure, Measure]:
        """How many times more captions another gain asks for: by the classes, and by the bins.

        Raises:
            InputError: a gain that is not above 0.
        """
        return times_more(self.fit, gain=gain), times_more(self.binned, gain=gain)


class LongTail(Frequencies):
    """Accuracy and frequency together."""

    def tail(
        self,
        accuracy: str,
        frequency: str,
        *,
        bins: int = 10,
        low: float = 0.2,
        high: float = 0.8,
        by: Literal["share", "count"] = "share",
        gain: float = 10.0,
        renames: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> TailReport:
        """Accuracy against log frequency: fits per class and per bin, head, middle and tail.

        Args:
            accuracy: key of one of ``accuracy_sources``.
            frequency: key of one of ``frequency_sources``, or ``images:RUN:THRESHOLD``.
            bins: of frequency, even in its logarithm.
            low: where the tail ends.
            high: where the head begins.
            by: whether these are shares of the classes or counts.
            gain: points, for how much more data they would need.
            renames: class -> counted name, where the two sides differ. The one that the authors
                of the published tables make (cifar10's plane) is made here too.
            seed: of the intervals.

        Raises:
            UnknownName: no such source, or a rename of a name that is not there.
            InputError: cuts or bins that make no sense.
        """
        scored, counted, match = self._joined(accuracy, frequency, renames)
        counts = counted.counts
        cut = bin_classes(counts, scored.accuracy, bins=bins, seed=seed)
        fit = fit_classes(counts, scored.accuracy, seed=seed)
        return TailReport(
            accuracies=scored,
            frequency=counted,
            match=match,
            fit=fit,
            bins=cut,
            binned=fit_bins(cut, scored.accuracy, seed=seed),
            tails=tails(counts, scored.accuracy, low=low, high=high, by=by, seed=seed),
            needed=times_more(fit, gain=gain),
            gain=gain,
        )

    def tail_groups(
        self,
        accuracy: str,
        frequency: str,
        *,
        low: float = 0.2,
        high: float = 0.8,
        by: Literal["share", "count"] = "share",
        renames: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> Tails:
        """Head, middle and tail alone, for cuts that are moved by hand; arguments as of ``tail``.

        Raises:
            UnknownName: no such source, or a rename of a name that is not there.
            InputError: cuts that make no sense.
        """
        scored, counted, _ = self._joined(accuracy, frequency, renames)
        return tails(counted.counts, scored.accuracy, low=low, high=high, by=by, seed=seed)

    def _joined(
        self, accuracy: str, frequency: str, renames: Mapping[str, str] | None
    ) -> tuple[Accuracies, Frequency, NameMatch]:
        scored, counted = self.accuracies(accuracy), self.frequency(frequency)
        labels = self._labels(accuracy)
        if not renames and labels is not None and labels == self._labels(frequency):
            # the same classes, perhaps by other names: as after calling each by its synonym
            match = match_in_order(scored.names, counted.names)
            return scored, replace(counted, names=scored.names), match
        known, classes = set(counted.names), set(scored.names)
        usual = {
            name: other
            for (benchmark, name), other in RENAMED.items()
            if benchmark == scored.benchmark and name in classes and other in known
        }
        found, match = counted.match(scored.names, {**usual, **(renames or {})})
        return scored, found, match

    def _labels(self, source: str) -> tuple[str, ...] | None:
        """What a dataset calls the classes of a source made here; None for published ones."""
        kind, _, rest = source.partition(":")
        if kind == "count":
            asked = self._counted(rest)
        elif kind in ("run", "images"):
            asked = self._zero_shot(rest.partition(":")[0])
        else:
            return None
        return self.class_set(asked.params["classes"]).labels

    def corpus_zipf(self, frequency: str) -> Zipf:
        """How the counts of a source fall with their rank.

        Raises:
            UnknownName: no such source.
        """
        return zipf(self.frequency(frequency).counts)

    def tail_partial(
        self,
        accuracy: str,
        frequency: str,
        covariates: Sequence[str] = COVARIATES[:1],
        *,
        renames: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> Partial:
        """The effect of frequency at fixed covariates.

        Args:
            accuracy: key of one of ``accuracy_sources``.
            frequency: key of one of ``frequency_sources``.
            covariates: some of ``COVARIATES``.
            renames: as of ``tail``.
            seed: of the intervals.

        Raises:
            UnknownName: no such source or covariate.
            InputError: a covariate that these sources cannot give.
        """
        scored, counted, match = self._joined(accuracy, frequency, renames)
        given = {name: self._covariate(name, scored, frequency, match) for name in covariates}
        return partial(counted.counts, scored.accuracy, given, seed=seed)

    def _covariate(
        self, name: str, scored: Accuracies, frequency: str, match: NameMatch
    ) -> NDArray[np.float64]:
        if name == COVARIATES[0]:
            return name_lengths(scored.names)
        if name == COVARIATES[1]:
            return nearest_name(self._class_vectors(scored.run))
        if name == COVARIATES[2]:
            return match.take(self._caption_lengths(frequency))
        if name == COVARIATES[3]:
            return self._confusability(scored.run)
        raise UnknownName("covariate", name, COVARIATES)

    def _confusability(self, run: str) -> NDArray[np.float64]:
        """Cosine of each class's mean image with the nearest other one; NaN without images."""
        if not run:
            raise InputError(COVARIATES[3], expected="a run made here", got="published accuracies")
        asked = self._zero_shot(run)
        table = self.workspace.predictions.table(asked)
        truth, rows = table["truth"].to_numpy(), table["row"].to_numpy()
        known = truth >= 0
        truth, rows = truth[known], rows[known]
        dataset, model = asked.params["dataset"], asked.params["model"]
        sums: NDArray[np.float64] | None = None
        for start in range(0, len(rows), _BLOCK):
            part = slice(start, start + _BLOCK)
            vectors = self.workspace.vectors.take(dataset, model, "image", rows[part])
            if sums is None:
                sums = np.zeros((asked.result["classes"], vectors.shape[1]))
            np.add.at(sums, truth[part], vectors)
        found = np.full(asked.result["classes"], np.nan)
        if sums is not None:
            lengths = np.linalg.norm(sums, axis=1)
            present = np.flatnonzero(lengths > 0)
            means = (sums[present] / lengths[present, None]).astype(np.float32)
            found[present] = nearest_name(means)
        return found

    def _class_vectors(self, run: str) -> NDArray[np.float32]:
        """The classes of a run in text space: float32 (C, D), unit rows."""
        from workbench.heads.mean import class_vectors
        from workbench.worker.zero_shot_scorer import prompts_of

        if not run:
            raise InputError(COVARIATES[1], expected="a run made here", got="published accuracies")
        prompts, texts = prompts_of(self.workspace, self._zero_shot(run))
        if texts is None:
            raise InputError(f"text vectors of run {run}", expected="kept", got="none")
        return class_vectors(texts, prompts.starts)[0]

    def _caption_lengths(self, frequency: str) -> NDArray[np.float64]:
        """Mean words of the captions kept for each concept; NaN where there are none."""
        kind, _, key = frequency.partition(":")
        if kind != "count":
            raise InputError(COVARIATES[2], expected="a counting made here", got=frequency)
        run = self._counted(key)
        examples = self._count_table(run, "examples")
        words = np.array([len(text.split()) for text in examples["caption"].to_pylist()], float)
        concept = examples["concept"].to_numpy()
        size = len(self._count_table(run, "concepts"))
        n = np.bincount(concept, minlength=size)
        found = np.full(size, np.nan)
        np.divide(np.bincount(concept, words, minlength=size), n, out=found, where=n > 0)
        return found

    def class_frequency(self, run: str) -> tuple[str, tuple[float, ...]] | None:
        """How often captions name each class of a run, by the newest counting of its class set.

        Args:
            run: key of a zero-shot run.

        Returns:
            which quantity it is, and C numbers of captions; None where nobody counted these
            classes.

        Raises:
            UnknownName: no such run.
        """
        classes = self._zero_shot(run).params["classes"]
        for made in self.workspace.runs.list(COUNT):
            if made.params["classes"] == classes:  # only this one is looked into
                table = self._count_table(made, "concepts")
                return self._count_run(made, {}).label, tuple(table["captions"].to_pylist())
        return None

    def tail_calibration(
        self, run: str, frequency: str, *, bins: int = 10, renames: Mapping[str, str] | None = None
    ) -> Calibration:
        """Confidence against accuracy of the images of each bin of frequency.

        Args:
            run: key of a zero-shot run.
            frequency: key of one of ``frequency_sources``.
            bins: as of ``tail``.
            renames: as of ``tail``.

        Raises:
            UnknownName: no such run or source.
        """
        scored, counted, _ = self._joined(f"run:{run}", frequency, renames)
        cut = bin_classes(counted.counts, scored.accuracy, bins=bins)
        table = self.workspace.predictions.table(self._zero_shot(run))
        truth = table["truth"].to_numpy()
        known = truth >= 0
        return by_frequency(
            counted.counts,
            truth[known],
            table["confidence"].to_numpy()[known],
            (table["predicted"].to_numpy() == truth)[known],
            cut.edges,
        )

    def tail_kinds(
        self, run: str, frequency: str, *, bins: int = 10, renames: Mapping[str, str] | None = None
    ) -> NDArray[np.int64] | None:
        """Mistakes of each proposed kind in each row of ``tail_calibration``: int64 (B + 1, K).

        The kinds are those of ``measures.error_types.RULES``, in their order. None where the run
        was not reviewed.

        Raises:
            UnknownName: no such run or source.
        """
        params = {"run": run, "code": REVIEW_CODE}
        found = self.workspace.runs.find(REVIEW, params)
        if found is None:
            return None
        scored, counted, _ = self._joined(f"run:{run}", frequency, renames)
        cut = bin_classes(counted.counts, scored.accuracy, bins=bins)
        table = self.workspace.predictions.table(self._zero_shot(run))
        rows, truth = table["row"].to_numpy(), table["truth"].to_numpy()
        said = self.workspace.runs.table(found, "proposals")
        category = {rule.category: place for place, rule in enumerate(RULES)}
        kind = np.array([category[each] for each in said["category"].to_pylist()], dtype=np.int64)
        order = np.argsort(rows)
        place = order[np.searchsorted(rows, said["row"].to_numpy(), sorter=order)]
        return kinds_by_frequency(counted.counts, truth[place], kind, cut.edges, count=len(RULES))
