"""The figures of a zero-shot run: measures with intervals, groups, classes and confusions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.heads import sigmoid
from workbench.measures import calibration, hierarchy, interval, multilabel, selective
from workbench.measures.class_order import class_order
from workbench.measures.interval import Measure
from workbench.measures.per_class import confusion_pairs, per_class
from workbench.prompts.classes import ClassSet
from workbench.worker.zero_shot_scoring import Scored

__all__ = ["class_tables", "figures"]

_RESAMPLES = 200


def figures(
    scored: Scored,
    classes: ClassSet,
    groups: Mapping[str, Sequence[Any]],
    *,
    labels: Sequence[Sequence[int]] | None,
    seed: int,
) -> dict[str, Any]:
    """Everything that a run's result holds about its images; JSON-like.

    Args:
        scored: N images.
        classes: C classes.
        groups: column -> N values.
        labels: all true classes of each image, where several may be; else None.
        seed: of intervals and of the halves for calibration.
    """
    known = scored.truth >= 0
    rank, truth = scored.column("rank")[known], scored.truth[known]
    predicted = scored.column("top")[:, 0][known]
    confidence = scored.column("probabilities")[:, 0][known]
    right = rank == 1
    measures = {
        "top1": interval.mean_measure(right, seed=seed),
        "top5": interval.mean_measure(rank <= 5, seed=seed),
        "mean_per_class": interval.mean_measure(right, strata=truth, seed=seed),
        "ece": _resampled(calibration.ece, confidence, right, seed=seed),
        "aurc": _resampled(selective.aurc, confidence, right, seed=seed),
    }
    if labels is not None:
        measures = {"real_accuracy": measures["top1"], **measures}
        measures["mean_average_precision"] = _map(scored, labels, seed)
    if classes.has_hierarchy:
        paths = hierarchy.path_matrix(classes.paths)
        heights = hierarchy.mistake_heights(paths, truth[~right], predicted[~right])
        measures["hierarchical_distance"] = interval.mean_measure(heights, seed=seed)
    calibrated, facts = _calibrated(scored, seed)
    measures |= calibrated
    facts["reliability"]["raw"] = calibration.reliability(confidence, right)
    return {
        "measures": {name: asdict(measure) for name, measure in measures.items()},
        "groups": {
            column: _group(np.array(values, dtype=object)[known], right)
            for column, values in groups.items()
        },
        "without_label": int((~known).sum()),
        **facts,
    }


def _resampled(
    statistic: Callable[[NDArray[Any], NDArray[Any]], float],
    confidence: NDArray[Any],
    right: NDArray[Any],
    *,
    seed: int,
) -> Measure:
    """A statistic of images with its percentile bootstrap interval over 200 samples."""
    n = len(right)
    if not n:
        return Measure(float("nan"), float("nan"), float("nan"), 0)
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(_RESAMPLES if n <= 50_000 else 20):
        chosen = rng.integers(0, n, n)
        drawn.append(statistic(confidence[chosen], right[chosen]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Measure(statistic(confidence, right), float(low), float(high), n)


def _map(scored: Scored, labels: Sequence[Sequence[int]], seed: int) -> Measure:
    """Mean average precision over the images whose logits were kept; interval over the classes."""
    logits = scored.column("logits")
    relevant = np.zeros(logits.shape, dtype=bool)
    for place, image in enumerate(scored.sampled):
        relevant[place, list(labels[image])] = True
    found = multilabel.average_precisions(logits, relevant)
    known = found[~np.isnan(found)]
    low, high = interval.bootstrap(known, seed=seed)
    value = float(known.mean()) if len(known) else float("nan")
    return Measure(value, low, high, len(logits))


def _calibrated(scored: Scored, seed: int) -> tuple[dict[str, Measure], dict[str, Any]]:
    """ECE after temperature scaling and class-wise ECE, on images that the fit did not see.

    Where each class is judged alone there is no temperature of all, and nothing is scaled.
    """
    logits, truth = scored.column("logits"), scored.truth[scored.sampled]
    n = len(truth)
    nothing: dict[str, Any] = {"temperature": None, "calibration_images": 0, "reliability": {}}
    if n < 2:
        return {}, nothing
    shuffled = np.random.default_rng(seed).permutation(n)
    fit, test = shuffled[: n // 2], shuffled[n // 2 :]
    if scored.probability == "sigmoid":
        alone = calibration.classwise_ece(sigmoid.probabilities(logits), truth)
        return {"classwise_ece": Measure(alone, float("nan"), float("nan"), n)}, nothing
    t = calibration.temperature(logits[fit], truth[fit])
    right = logits[test].argmax(axis=1) == truth[test]
    scaled = np.exp(calibration.log_softmax(logits[test] / t)).max(axis=1)
    raw = np.exp(calibration.log_softmax(logits[test]))
    classwise = calibration.classwise_ece(raw, truth[test])
    measures = {
        "ece_scaled": _resampled(calibration.ece, scaled, right, seed=seed),
        "classwise_ece": Measure(classwise, float("nan"), float("nan"), len(test)),
    }
    facts = {
        "temperature": t,
        "calibration_images": len(fit),
        "reliability": {"scaled": calibration.reliability(scaled, right)},
    }
    return measures, facts


def _group(values: NDArray[Any], right: NDArray[np.bool_]) -> list[dict[str, Any]]:
    """Accuracy of each value of a column with its interval (Wilson), the most frequent first."""
    found: dict[Any, list[bool]] = {}
    for value, each in zip(values.tolist(), right.tolist(), strict=True):
        if value is not None:
            found.setdefault(value, []).append(each)
    rows = []
    for value, each in sorted(found.items(), key=lambda pair: (-len(pair[1]), str(pair[0]))):
        low, high = interval.wilson(np.array([sum(each)]), np.array([len(each)]))
        share = sum(each) / len(each)
        rows.append(
            {
                "value": value,
                "top1": share,
                "low": float(low[0]),
                "high": float(high[0]),
                "n": len(each),
            }
        )
    return rows


def class_tables(scored: Scored, classes: ClassSet) -> dict[str, pa.Table]:
    """Tables ``classes`` (C rows), ``confusion`` (a row a cell) and ``order`` (C rows)."""
    count = len(classes)
    truth, predicted = scored.truth, scored.column("top")[:, 0]
    found = per_class(truth, predicted, scored.column("probabilities")[:, 0], count)
    cells = confusion_pairs(truth, predicted, count)
    names = np.array([*classes.names, None], dtype=object)  # place -1 is no class
    table = pa.table(
        {
            "class": pa.array(np.arange(count, dtype=np.int32)),
            "name": pa.array(classes.names),
            "label": pa.array(classes.labels),
            **{
                name: pa.array(getattr(found, name), from_pandas=True)
                for name in ("n", "correct", "predicted", "accuracy", "low", "high", "precision")
            },
            "recall": pa.array(found.accuracy, from_pandas=True),
            "f1": pa.array(found.f1, from_pandas=True),
            "ece": pa.array(found.ece, from_pandas=True),
            "confused_with": pa.array(found.confused_with),
            "confused_name": pa.array(names[found.confused_with].tolist(), pa.string()),
            "confused_count": pa.array(found.confused_count),
        }
    )
    order = class_order(*cells, classes.paths)
    return {
        "classes": table,
        "confusion": pa.table(dict(zip(("truth", "predicted", "n"), cells, strict=True))),
        "order": pa.table({"class": pa.array(order)}),
    }
