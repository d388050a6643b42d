"""What there is to relate on the page, and which of it fits together when nobody chose yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pages.shared import url
from pages.shared.handle import api
from pages.views import zero_shot_runs
from workbench.api import CountRun, PublishedTable, ZeroShotRun

__all__ = [
    "MOST",
    "Known",
    "accuracies_now",
    "first_accuracy",
    "first_frequency",
    "known",
    "nearest",
    "run_names",
    "titles",
]

MOST = 5
"""Runs that can be overlaid: there are as many colours."""

_FIRST_METHOD = "lemmatized"
_THRESHOLD = 0.5


@dataclass(frozen=True)
class Known:
    """Everything that can be chosen.

    Args:
        runs: zero-shot runs made here.
        counts: countings made here.
        scored: source of each published group of accuracies -> its table, pretrained, backbone,
            prompts and benchmark.
        counted: source of each published group of counts -> its table, pretraining, method and
            benchmark.
        tables: key -> file name of each published table.
    """

    runs: tuple[ZeroShotRun, ...]
    counts: tuple[CountRun, ...]
    scored: Mapping[str, tuple[str, ...]]
    counted: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, str]

    def accuracy(self, key: str) -> bool:
        """Whether it is a source of accuracies that is there."""
        kind, _, rest = key.partition(":")
        return key in self.scored or (kind == "run" and any(r.key == rest for r in self.runs))

    def frequency(self, key: str) -> bool:
        """Whether it is a source of frequencies that is there."""
        kind, _, rest = key.partition(":")
        if kind == "images":
            return any(run.key == rest.partition(":")[0] for run in self.runs)
        return key in self.counted or (kind == "count" and any(c.key == rest for c in self.counts))


def known() -> Known:
    """Everything that can be chosen now."""
    scored, counted = api().published_tables(accuracies=True), api().published_tables()
    return Known(
        runs=api().zero_shot_runs(),
        counts=api().counts(),
        scored=_sources(scored),
        counted=_sources(counted),
        tables={table.key: table.name for table in (*scored, *counted)},
    )


def _sources(tables: Sequence[PublishedTable]) -> dict[str, tuple[str, ...]]:
    """Key of each source -> its table and the values of the table's columns."""
    return {
        ":".join(("published", table.key, *group)): (table.key, *group)
        for table in tables
        for group in table.groups
    }


def titles(known: Known, keys: Sequence[str]) -> dict[str, str]:
    """A title for each source of accuracies; numbered where two would be alike."""
    runs = _run_titles(known.runs)
    found: dict[str, str] = {}
    met: Counter[str] = Counter()
    for key in keys:
        if key in runs:
            title = runs[key]
        else:
            _, pretrained, backbone, prompts, benchmark = known.scored[key]
            title = f"{benchmark} · {backbone} · {pretrained} · {prompts}"
        met[title] += 1
        found[key] = title if met[title] == 1 else f"{title} ({met[title]})"
    return found


def _run_titles(runs: Sequence[ZeroShotRun]) -> dict[str, str]:
    """Source of each run -> its title, with its classes where these tell it from another."""
    short_ones = {run.key: f"{run.dataset} · {zero_shot_runs.title(run)}" for run in runs}
    alike = Counter(short_ones.values())
    return {
        f"run:{run.key}": short_ones[run.key]
        + (f" · {run.classes_name}" if alike[short_ones[run.key]] > 1 else "")
        for run in runs
    }


def run_names(runs: Sequence[ZeroShotRun]) -> dict[str, str]:
    """Source of each run -> its title and its accuracy."""
    found = _run_titles(runs)
    for run in runs:
        if (top1 := run.measures.get("top1")) is not None:
            found[f"run:{run.key}"] += f": {top1.value:.1%}"
    return found


def accuracies_now(known: Known) -> tuple[str, ...]:
    """The sources in the address, of one kind; else the first that fit a counting."""
    asked = [key for key in dict.fromkeys(url.read_all("accuracy")) if known.accuracy(key)]
    same = [key for key in asked if key.partition(":")[0] == asked[0].partition(":")[0]]
    return tuple(same[:MOST]) or first_accuracy(known, "run" if known.runs else "published")


def first_accuracy(known: Known, kind: str) -> tuple[str, ...]:
    """What accuracies are shown of a kind (``run`` or ``published``) at first."""
    if kind == "published":
        return (next(iter(known.scored)),)
    counted = {count.classes_key for count in known.counts}
    fits = [run for run in known.runs if run.classes_key in counted]
    return (f"run:{(fits or list(known.runs))[0].key}",)


def first_frequency(known: Known, accuracy: str, kind: str = "") -> str:
    """The frequencies that fit accuracies best: of the same classes, or benchmark and corpus.

    Args:
        known: what there is.
        accuracy: key of the source of accuracies.
        kind: ``count``, ``images`` or ``published``, of which there must be one; the kind that
            fits best when empty.
    """
    run = next((run for run in known.runs if f"run:{run.key}" == accuracy), None)
    kind = kind or _first_kind(known, accuracy)
    if kind == "published":
        return min(known.counted, key=lambda key: _unlike(known, key, accuracy))
    if kind == "count":
        fits = [c for c in known.counts if run is not None and c.classes_key == run.classes_key]
        return f"count:{(fits or list(known.counts))[0].key}"
    return f"images:{(run or known.runs[0]).key}:{_THRESHOLD}"


def _first_kind(known: Known, accuracy: str) -> str:
    if accuracy in known.scored:
        benchmark = known.scored[accuracy][4]
        if any(values[3] == benchmark for values in known.counted.values()):
            return "published"
    if known.counts:
        return "count"
    return "published" if known.counted else "images"


def _unlike(known: Known, count: str, accuracy: str) -> tuple[bool, bool, bool]:
    """How far published counts are from what published accuracies need; falses are best."""
    _, pretraining, method, benchmark = known.counted[count]
    _, pretrained, _, _, wanted = known.scored.get(accuracy, ("",) * 5)
    return benchmark != wanted, pretraining != pretrained, method != _FIRST_METHOD


def nearest(
    rows: Sequence[tuple[str, tuple[str, ...]]],
    now: Sequence[tuple[str, ...]],
    changed: Mapping[str, str],
) -> tuple[str, ...]:
    """The same models with other prompts or of another benchmark; any there when none is."""
    place = {"prompts": 3, "benchmark": 4}
    fits = [row for row in rows if all(row[1][place[k]] == v for k, v in changed.items())]
    prompts = changed.get("prompts", now[0][3])
    benchmark = changed.get("benchmark", now[0][4])
    same = [
        key
        for values in now
        for key, row in fits
        if row[1:3] == values[1:3] and row[3:] == (prompts, benchmark)
    ]
    return tuple(same) or (fits[0][0],)
