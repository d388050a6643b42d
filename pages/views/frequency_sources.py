"""What the page relates: choosing accuracies and a frequency; both are in the address."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.shared import nav, url
from pages.shared.handle import api
from pages.shared.plain import short
from pages.views import zero_shot_runs
from workbench.api import CountRun, PublishedTable, ZeroShotRun

__all__ = ["MOST", "Chosen", "choose", "renames", "set_renames"]

MOST = 5
"""Runs that can be overlaid: there are as many colours."""

_FIRST_METHOD = "lemmatized"
_THRESHOLD = 0.5
_KINDS = {"run": "Runs", "published": "Published"}
_FREQUENCIES = {"count": "Captions", "images": "Images", "published": "Published"}


@dataclass(frozen=True)
class Chosen:
    """What is related.

    Args:
        accuracies: key -> title of each source of accuracies; titles differ, at least one.
        frequency: key of the source of frequencies.
        bins: of frequency.
        renames: (class, counted name) pairs that a person said are the same.
    """

    accuracies: Mapping[str, str]
    frequency: str
    bins: int
    renames: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Known:
    """Everything that can be chosen."""

    runs: tuple[ZeroShotRun, ...]
    counts: tuple[CountRun, ...]
    scored: Mapping[str, tuple[str, ...]]
    counted: Mapping[str, tuple[str, ...]]

    def accuracy(self, key: str) -> bool:
        kind, _, rest = key.partition(":")
        return key in self.scored or (kind == "run" and any(r.key == rest for r in self.runs))

    def frequency(self, key: str) -> bool:
        kind, _, rest = key.partition(":")
        if kind == "images":
            return any(run.key == rest.partition(":")[0] for run in self.runs)
        return key in self.counted or (kind == "count" and any(c.key == rest for c in self.counts))


def choose() -> Chosen | None:
    """Draw the two choices; None, and what to do about it, where there is nothing to relate."""
    known = _Known(
        runs=api().zero_shot_runs(),
        counts=api().counts(),
        scored=_sources(api().published_tables(accuracies=True)),
        counted=_sources(api().published_tables()),
    )
    if not known.runs and not known.scored:
        zero_shot_runs.nothing_yet()
        return None
    if not known.counts and not known.counted:
        _nothing_counted()
        if not known.runs:
            return None
    now = _accuracies_now(known)
    frequency = url.read("frequency")
    if not known.frequency(frequency):
        frequency = _first_frequency(known, now)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _accuracy(known, now)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        _frequency(known, now, frequency)
        bins = st.number_input(
            "Bins",
            min_value=2,
            max_value=50,
            value=10,
            key="bins",
            bind="query-params",
            width=120,
            help="Of frequency, of equal width in the logarithm of the count.",
        )
    return Chosen(_titles(known, now), frequency, int(bins), renames())


def _nothing_counted() -> None:
    st.info(
        "No captions are counted yet: count the concepts of a class set in a corpus, or read in "
        "published counts.",
        icon=":material/format_list_numbered:",
    )
    nav.link("corpus", "Count concepts", icon=":material/format_list_numbered:")


def renames() -> tuple[tuple[str, str], ...]:
    """The (class, counted name) pairs in the address; damaged ones are left out."""
    found = []
    for text in url.read_all("rename"):
        try:
            pair = json.loads(text)
        except ValueError:
            continue
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(s, str) for s in pair):
            found.append((pair[0], pair[1]))
    return tuple(dict(found).items())


def set_renames(pairs: Sequence[tuple[str, str]]) -> None:
    """Keep these pairs in the address."""
    url.write_all("rename", [json.dumps(pair, ensure_ascii=False) for pair in pairs])


def _sources(tables: Sequence[PublishedTable]) -> dict[str, tuple[str, ...]]:
    """Key of each source -> its table and the values of the table's columns."""
    return {
        ":".join(("published", table.key, *group)): (table.key, *group)
        for table in tables
        for group in table.groups
    }


def _titles(known: _Known, keys: Sequence[str]) -> dict[str, str]:
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


def _accuracies_now(known: _Known) -> tuple[str, ...]:
    """The sources in the address, of one kind; else the first that fit a counting."""
    asked = [key for key in dict.fromkeys(url.read_all("accuracy")) if known.accuracy(key)]
    same = [key for key in asked if key.partition(":")[0] == asked[0].partition(":")[0]]
    return tuple(same[:MOST]) or _first_accuracy(known, "run" if known.runs else "published")


def _first_accuracy(known: _Known, kind: str) -> tuple[str, ...]:
    if kind == "published":
        return (next(iter(known.scored)),)
    counted = {count.classes_key for count in known.counts}
    fits = [run for run in known.runs if run.classes_key in counted]
    return (f"run:{(fits or list(known.runs))[0].key}",)


def _first_frequency(known: _Known, accuracies: Sequence[str]) -> str:
    """The counts that fit best: of the run's classes, or of the published benchmark and corpus."""
    first = accuracies[0]
    run = next((run for run in known.runs if f"run:{run.key}" == first), None)
    if run is None:
        _, pretrained, _, _, benchmark = known.scored[first]
        order = sorted(
            known.counted.items(),
            key=lambda each: (
                each[1][3] != benchmark,
                each[1][1] != pretrained,
                each[1][2] != _FIRST_METHOD,
            ),
        )
        if order and (order[0][1][3] == benchmark or not known.counts):
            return order[0][0]
    fits = [c for c in known.counts if run is not None and c.classes_key == run.classes_key]
    if fits or known.counts:
        return f"count:{(fits or list(known.counts))[0].key}"
    if known.counted:
        return next(iter(known.counted))
    return f"images:{known.runs[0].key}:{_THRESHOLD}"


def _accuracy(known: _Known, now: Sequence[str]) -> None:
    """The kind of accuracies, and which."""
    kind = now[0].partition(":")[0]
    if known.runs and known.scored:
        _kind(
            "Accuracy of",
            _KINDS,
            kind,
            lambda new: _take(_first_accuracy(known, new)),
            "Zero-shot runs that were made here, or accuracies that others published.",
        )
    if kind == "run":
        _several("Runs, overlaid", _run_names(known.runs), now, _take_some)
        return
    table, _, _, prompts, benchmark = known.scored[now[0]]
    rows = [each for each in known.scored.items() if each[1][0] == table]

    def again(**changed: str) -> None:
        _take(_nearest(rows, [known.scored[key] for key in now], changed))

    benchmarks = sorted({values[4] for _, values in rows})
    _box("Benchmark", benchmarks, benchmark, lambda new: again(benchmark=new))
    ways = sorted({values[3] for _, values in rows if values[4] == benchmark})
    _box("Prompts", ways, prompts, lambda new: again(prompts=new))
    models = {
        key: f"{values[2]} · {values[1]}"
        for key, values in rows
        if (values[3], values[4]) == (prompts, benchmark)
    }
    _several("Models, overlaid", models, now, _take_some)


def _nearest(
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


def _run_names(runs: Sequence[ZeroShotRun]) -> dict[str, str]:
    """Source of each run -> its title and its accuracy."""
    found = _run_titles(runs)
    for run in runs:
        if (top1 := run.measures.get("top1")) is not None:
            found[f"run:{run.key}"] += f": {top1.value:.1%}"
    return found


def _take(keys: Sequence[str]) -> None:
    """Other accuracies, of which other counts may be the right ones."""
    url.write_all("accuracy", keys)
    _close(frequency=None)


def _take_some(keys: Sequence[str]) -> None:
    if keys:
        url.write_all("accuracy", keys)
        _close()


def _close(**more: str | None) -> None:
    """Nothing that was opened need be there in another choice."""
    st.session_state.pop("at", None)
    url.write(**{"class": None, "bin": None, "of": None, "at": None, **more})


def _frequency(known: _Known, accuracies: Sequence[str], now: str) -> None:
    """The kind of frequency, and which."""
    kind, _, rest = now.partition(":")
    there = {"count": known.counts, "images": known.runs, "published": known.counted}
    kinds = {key: name for key, name in _FREQUENCIES.items() if there[key]}

    def other(new: str) -> None:
        first = {
            "count": lambda: f"count:{known.counts[0].key}",
            "images": lambda: f"images:{_tagger(known, accuracies)}:{_THRESHOLD}",
            "published": lambda: next(iter(known.counted)),
        }
        _close(frequency=first[new]())

    _kind(
        "Frequency from",
        kinds,
        kind,
        other,
        "Captions counted here, images that a run tags with the class, or published counts.",
    )
    if kind == "count":
        names = {c.key: f"{c.label} · {c.classes_name}" for c in known.counts}
        _box("Counting", names, rest, lambda new: _close(frequency=f"count:{new}"))
    elif kind == "images":
        _tagged(known, rest)
    else:
        _published(known, now)


def _tagger(known: _Known, accuracies: Sequence[str]) -> str:
    first = accuracies[0].partition(":")
    return first[2] if first[0] == "run" else known.runs[0].key


def _tagged(known: _Known, now: str) -> None:
    """A run and the probability from which it tags an image."""
    run, _, threshold = now.partition(":")
    names = {key.removeprefix("run:"): name for key, name in _run_names(known.runs).items()}
    _box("Run that tags", names, run, lambda new: _close(frequency=f"images:{new}:{threshold}"))
    try:
        value = min(0.99, max(0.01, float(threshold)))
    except ValueError:
        value = _THRESHOLD
    key = f"sources.threshold.{threshold}"
    st.slider(
        "From a probability of",
        0.01,
        0.99,
        value,
        0.01,
        key=key,
        width=190,
        help="An image counts for a class from this probability on, among the run's ten best "
        "classes. Frequencies are then images of the run's dataset, not captions.",
        on_change=lambda: _close(frequency=f"images:{run}:{st.session_state[key]:g}"),
    )


def _published(known: _Known, now: str) -> None:
    """Corpus, way of counting and benchmark of published counts."""
    names = ("Corpus", "Counted by", "Concepts of")
    values = known.counted[now]
    rows = [each for each in known.counted.items() if each[1][0] == values[0]]
    for place, name in enumerate(names, 1):
        others = {row[place]: key for key, row in rows[::-1] if row[1:place] == values[1:place]}
        # the other values are kept where the new one allows them
        kept = {row[place]: key for key, row in rows if _apart(row, values) <= {place}}
        found = {value: kept.get(value, key) for value, key in sorted(others.items())}
        _box(name, list(found), values[place], _goes_to(found))


def _goes_to(found: Mapping[str, str]) -> Callable[[str], None]:
    return lambda new: _close(frequency=found[new])


def _apart(one: Sequence[str], two: Sequence[str]) -> set[int]:
    return {place for place, pair in enumerate(zip(one, two, strict=True)) if pair[0] != pair[1]}


def _kind(
    label: str, names: Mapping[str, str], now: str, pick: Callable[[str], None], text: str
) -> None:
    key = f"sources.{label}.{now}"
    st.segmented_control(
        label,
        list(names),
        default=now,
        required=True,
        format_func=lambda each: names[each],
        key=key,
        help=text,
        on_change=lambda: pick(st.session_state[key]),
    )


def _box(
    label: str,
    names: Mapping[str, str] | Sequence[str],
    now: str,
    pick: Callable[[str], None],
) -> None:
    titles = names if isinstance(names, Mapping) else {name: name for name in names}
    key = f"sources.{label}.{now}"
    st.selectbox(
        label,
        list(titles),
        index=list(titles).index(now),
        format_func=lambda each: short(titles[each], 80),
        key=key,
        on_change=lambda: pick(st.session_state[key]),
    )


def _several(
    label: str,
    names: Mapping[str, str],
    now: Sequence[str],
    pick: Callable[[Sequence[str]], None],
) -> None:
    key = f"sources.{label}"
    # the address decides; a new key for each choice would close the list after every pick
    st.session_state[key] = list(now)
    st.multiselect(
        label,
        list(names),
        format_func=lambda each: short(names[each], 80),
        max_selections=MOST,
        key=key,
        placeholder="choose at least one",
        on_change=lambda: pick(st.session_state[key]),
    )
