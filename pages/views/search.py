"""Search: one query, one to three models side by side, to the end of the ranking."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.shared import amounts, export, filters, item, job_panel, paging, pickers, url
from pages.shared.cells import of_hits
from pages.shared.chart import chart
from pages.shared.errors import guarded
from pages.shared.filters import View
from pages.shared.grid import grid
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views.query import Asked, ask
from workbench.api import ScoreHistogram, SearchResult
from workbench.plots import histogram, style
from workbench.types import DatasetInfo, ModelInfo

__all__ = ["draw"]

_EXPORTED = 10_000


@dataclass(frozen=True)
class Search:
    """Everything but the model that decides a ranking."""

    info: DatasetInfo
    asked: Asked
    view: View

    @property
    def key(self) -> str:
        """Equal for searches with equal answers."""
        where, find = self.view.where, self.view.search
        return repr((api().root, self.info, self.asked.key, where, find))

    @property
    def colour(self) -> str:
        """The colour of what is ranked: images or texts."""
        return style.IMAGE_COLOUR if self.asked.target == "image" else style.TEXT_COLOUR


def draw(infos: Sequence[DatasetInfo]) -> None:
    """Draw the tab."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        info = pickers.dataset(infos)
        models = pickers.models(info.name)
        view = filters.bar(info.name, key="search")
    asked = ask(texts=info.captions > 0)
    if not models:
        _not_embedded(info)
    elif asked.query is None:
        st.info("Type what to look for, or give an image.", icon=":material/search:")
    else:
        _results(Search(info, asked, view), models)


def _not_embedded(info: DatasetInfo) -> None:
    """No model has vectors of this dataset: show the job that makes them, or offer one."""
    jobs = [job for model in api().models() for job in api().preparing(info.name, model.name)]
    if jobs:
        st.info(f"{plain(info.name)} is being prepared. Search works as soon as it is embedded.")
        job_panel.panel(lambda: [api().job(job.id) for job in jobs[:4]], key="search.jobs")
        return
    st.info(
        f"No model has embedded {plain(info.name)} yet. Embedding makes it searchable; it runs in "
        "the background.",
        icon=":material/deployed_code:",
    )
    with st.container(horizontal=True, gap="small"):
        for model in api().models():
            st.button(
                f"Embed with {plain(model.name)}",
                key=f"embed.{model.key}",
                on_click=api().submit_embed,
                args=(info.name, model.name),
            )


def _results(search: Search, models: Sequence[ModelInfo]) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        with st.container(width="stretch"):
            _chosen_scores()
        part = paging.controls()
    total = 0
    holder = st.container()
    pager = st.container()
    spans = {model.name: _span(search, model) for model in models}
    total = max((count for _, count in spans.values()), default=0)
    with pager:
        offset = paging.pager(total, part)
    with holder:
        for column, model in zip(st.columns(len(models), gap="medium"), models, strict=True):
            with column, guarded():
                _ranking(search, model, part, offset, spans[model.name], alone=len(models) == 1)


def _chosen_scores() -> None:
    """The range of scores chosen in a histogram, and how to leave it."""
    chosen = url.read("bin")
    if chosen:
        st.button(
            "Only the scores of the chosen bar",
            icon=":material/close:",
            icon_position="right",
            on_click=url.write,
            kwargs={"bin": None},
        )


def _span(search: Search, model: ModelInfo) -> tuple[int, int]:
    """(first rank - 1, number of ranks) that are shown: all, or those in the chosen bin."""
    with guarded():
        counts = _histogram(search, model).counts
        name, _, number = url.read("bin").rpartition("/")
        if name == model.name and number.isdigit() and int(number) < len(counts):
            nth = int(number)
            return sum(counts[nth + 1 :]), counts[nth]
        return 0, sum(counts)
    return 0, 0


def _ranking(
    search: Search,
    model: ModelInfo,
    part: paging.Part,
    offset: int,
    span: tuple[int, int],
    *,
    alone: bool,
) -> None:
    first, length = span
    k = min(part.per_page, length - offset)
    if k <= 0:
        st.caption("The ranking ends before this page." if length else "Nothing matches.")
        return
    result = _search(search, model, k, first + offset)
    _head(search, model, result)
    spread = _histogram(search, model)
    _scores(search, model, spread, result)
    texts = search.asked.target == "caption"
    event = grid(
        of_hits(
            search.info, result.hits, scale=(spread.edges[0], spread.edges[-1]), size=part.pixels
        ),
        key=f"hits.{model.name}",
        layout="list" if texts else "grid",
        size=part.tiles if alone or part.tiles == "small" else "medium",
        similar=True,
        accent=search.colour,
    )
    if event is None:
        return
    if event.kind == "similar":
        url.write(like=f"{search.info.name}/{event.row}", bin=None)
        st.rerun()
    item.open_item(search.info.name, event.row, [hit.row for hit in result.hits])


def _head(search: Search, model: ModelInfo, result: SearchResult) -> None:
    kind = "texts" if search.asked.target == "caption" else "images"
    took = 1000 * sum(result.seconds.values())
    words = f"{amounts.count(result.considered)} {kind} ranked in {took:,.0f} ms"
    exact = "" if result.exact else " · approximate index"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{plain(model.name)}**", width="content")
        parts = ", ".join(f"{name} {1000 * span:.1f} ms" for name, span in result.seconds.items())
        st.caption(f"{words}{exact}", width="stretch", help=parts)
        export.table(
            lambda: _table(search, model),
            name=_file_name(search, model),
            key=f"export.{model.name}",
        )


def _file_name(search: Search, model: ModelInfo) -> str:
    words = re.sub(r"[^A-Za-z0-9]+", "-", search.asked.words).strip("-")[:40]
    return f"{search.info.name}-{model.name}-{words}"


def _table(search: Search, model: ModelInfo) -> list[dict[str, Any]]:
    """The ranking's first 10,000 as rows: rank, score, item, caption, columns."""
    result = _search(search, model, min(_EXPORTED, max(1, _histogram(search, model).n)), 0)
    return [
        {
            "rank": hit.rank,
            "score": hit.score,
            "item": hit.item,
            **({"caption": hit.caption} if hit.caption_row >= 0 else {}),
            **hit.columns,
        }
        for hit in result.hits
    ]


def _scores(search: Search, model: ModelInfo, spread: ScoreHistogram, result: SearchResult) -> None:
    """How the whole collection scores; a click on a bar shows what lies in it."""
    figure = histogram.scores(
        spread, shown=[hit.score for hit in result.hits], colour=search.colour
    )

    def clicked(point: Mapping[str, Any] | None) -> None:
        st.session_state.pop("page", None)
        url.write(bin=f"{model.name}/{point['point_index']}" if point else None)

    edges = zip(spread.edges, spread.edges[1:], spread.counts, strict=False)
    rows = [{"from": low, "to": high, "count": count} for low, high, count in edges]
    name = f"{_file_name(search, model)}-scores"
    chart(figure, key=f"scores.{model.key}", name=name, rows=rows, on_click=clicked)


def _search(search: Search, model: ModelInfo, k: int, offset: int) -> SearchResult:
    return _cached_search(search, search.key, model.name, k, offset, _vectors(search, model))


def _histogram(search: Search, model: ModelInfo) -> ScoreHistogram:
    return _cached_histogram(search, search.key, model.name, _vectors(search, model))


def _vectors(search: Search, model: ModelInfo) -> tuple[int, ...]:
    """How many vectors there are: answers change while a dataset is being embedded."""
    found = [v for v in api().vectors() if v.dataset == search.info.name]
    return tuple(v.done for v in found if v.model in (model.key, model.name))


@st.cache_resource(max_entries=200, show_spinner=False)
def _cached_search(
    _search: Search, key: str, model: str, k: int, offset: int, done: tuple[int, ...]
) -> SearchResult:
    assert _search.asked.query is not None
    return api().search(
        _search.asked.query,
        dataset=_search.info.name,
        model=model,
        target=_search.asked.target,
        where=_search.view.where,
        search=_search.view.search,
        k=k,
        offset=offset,
    )


@st.cache_resource(max_entries=200, show_spinner=False)
def _cached_histogram(
    _search: Search, key: str, model: str, done: tuple[int, ...]
) -> ScoreHistogram:
    assert _search.asked.query is not None
    return api().score_histogram(
        _search.asked.query,
        dataset=_search.info.name,
        model=model,
        target=_search.asked.target,
        where=_search.view.where,
        search=_search.view.search,
    )
