"""What the page relates: choosing accuracies and a frequency; both are in the address."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.shared import nav, url
from pages.shared.plain import short
from pages.views import frequency_known, zero_shot_runs
from pages.views.frequency_known import MOST, Known

__all__ = ["Chosen", "choose", "renames", "set_renames"]

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


def choose() -> Chosen | None:
    """Draw the two choices; None, and what to do about it, where there is nothing to relate."""
    known = frequency_known.known()
    if not known.runs and not known.scored:
        zero_shot_runs.nothing_yet()
        return None
    if not known.counts and not known.counted:
        _nothing_counted()
        if not known.runs:
            return None
    now = frequency_known.accuracies_now(known)
    frequency = url.read("frequency")
    if not known.frequency(frequency):
        frequency = frequency_known.first_frequency(known, now[0])
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
    return Chosen(frequency_known.titles(known, now), frequency, int(bins), renames())


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


def _accuracy(known: Known, now: Sequence[str]) -> None:
    """The kind of accuracies, and which."""
    kind = now[0].partition(":")[0]
    if known.runs and known.scored:
        _kind(
            "Accuracy of",
            _KINDS,
            kind,
            lambda new: _take(frequency_known.first_accuracy(known, new)),
            "Zero-shot runs that were made here, or accuracies that others published.",
        )
    if kind == "run":
        _several("Runs, overlaid", frequency_known.run_names(known.runs), now, _take_some)
        return
    table, _, _, prompts, benchmark = known.scored[now[0]]
    rows = [each for each in known.scored.items() if each[1][0] == table]
    _table(known, known.scored, table, lambda new: _take((new,)))

    def again(**changed: str) -> None:
        _take(frequency_known.nearest(rows, [known.scored[key] for key in now], changed))

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


def _frequency(known: Known, accuracies: Sequence[str], now: str) -> None:
    """The kind of frequency, and which."""
    kind, _, rest = now.partition(":")
    there = {"count": known.counts, "images": known.runs, "published": known.counted}
    kinds = {key: name for key, name in _FREQUENCIES.items() if there[key]}

    def other(new: str) -> None:
        _close(frequency=frequency_known.first_frequency(known, accuracies[0], new))

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


def _tagged(known: Known, now: str) -> None:
    """A run and the probability from which it tags an image."""
    run, _, threshold = now.partition(":")
    names = {
        key.removeprefix("run:"): name
        for key, name in frequency_known.run_names(known.runs).items()
    }
    _box("Run that tags", names, run, lambda new: _close(frequency=f"images:{new}:{threshold}"))
    try:
        value = min(0.99, max(0.01, float(threshold)))
    except ValueError:
        value = 0.5
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


def _published(known: Known, now: str) -> None:
    """Corpus, way of counting and benchmark of published counts."""
    names = ("Corpus", "Counted by", "Concepts of")
    values = known.counted[now]
    rows = [each for each in known.counted.items() if each[1][0] == values[0]]
    _table(known, known.counted, values[0], lambda new: _close(frequency=new))
    for place, name in enumerate(names, 1):
        others = {row[place]: key for key, row in rows[::-1] if row[1:place] == values[1:place]}
        # the other values are kept where the new one allows them
        kept = {row[place]: key for key, row in rows if _apart(row, values) <= {place}}
        found = {value: kept.get(value, key) for value, key in sorted(others.items())}
        _box(name, list(found), values[place], _goes_to(found))


def _table(
    known: Known,
    groups: Mapping[str, tuple[str, ...]],
    now: str,
    pick: Callable[[str], None],
) -> None:
    """Which published table, where there are several; picks the first group of another one."""
    first = {values[0]: key for key, values in list(groups.items())[::-1]}
    if len(first) > 1:
        names = {table: known.tables[table] for table in first}
        _box(
            f"Table of {'counts' if groups is known.counted else 'accuracies'}",
            names,
            now,
            lambda new: pick(first[new]),
        )


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
