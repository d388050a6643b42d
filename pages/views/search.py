"""Search: one query, one to three models side by side, to the end of the ranking."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.shared import amounts, export, filters, item, job_panel, paging, pickers, url
from pages.shared.cells import of_hits
from pages.shared.chart import chart, figure_buttons
from pages.shared.errors import guarded
from pages.shared.filters import View
from pages.shared.grid import grid
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views.query import Asked, ask
from workbench.api import ScoreHistogram, SearchResult
from workbench.plots import histogram, style
from workbench.types import DatasetInfo, ModelInfo

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

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
    question = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        info = pickers.dataset(infos)
        with question:
            asked = ask(texts=info.captions > 0)
        models = pickers.models(info.name, asked.target)
        view = filters.bar(info.name, key="search", find=False)
        st.space("stretch")
        part = paging.controls()
    filters.chips(view, key="search")
    if not models:
        _not_embedded(info)
    elif asked.query is None:
        st.info("Type what to look for, or give an image.", icon=":material/search:")
    else:
        _results(Search(info, asked, view), models, part)


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


def _results(search: Search, models: Sequence[ModelInfo], part: paging.Part) -> None:
    _chosen_scores()
    holder = st.container()
    pager = st.container()
    spans = {model.name: _span(search, model) for model in models}
    total = max((count for _, count in spans.values()), default=0)
    with pager:
        offset = paging.pager(total, part)
    with holder:
        for column, model in zip(st.columns(len(models), gap="medium"), models, strict=True):
            with column, guarded():
                first, length = spans[model.name]
                ranks = (first + offset, min(part.per_page, length - offset))
                _ranking(search, model, part, ranks, alone=len(models) == 1)


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
    ranks: tuple[int, int],
    *,
    alone: bool,
) -> None:
    """One model's answer: how the collection scores, then the hits of ``ranks`` (first, count)."""
    first, k = ranks
    head = st.container(horizontal=True, vertical_alignment="center", gap="small")
    if k <= 0:
        head.markdown(f"**{plain(model.name)}**")
        st.caption("Nothing is left of this ranking here.")
        return
    result = _search(search, model, k, first)
    spread = _histogram(search, model)
    with head:
        _head(search, model, result)
    figure = _scores(search, model, spread, result)
    with head:
        _exports(search, model, spread, figure)
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
    if not search.view.filtered and result.considered < _total(search):
        words += f", of {amounts.count(_total(search))}: the others are not embedded yet"
    parts = ", ".join(f"{name} {1000 * span:.1f} ms" for name, span in result.seconds.items())
    st.markdown(f"**{plain(model.name)}**", width="content")
    st.caption(f"{words}{exact}", width="stretch", help=parts)


def _total(search: Search) -> int:
    caption = search.asked.target == "caption"
    return search.info.captions if caption else search.info.items


def _scores(
    search: Search, model: ModelInfo, spread: ScoreHistogram, result: SearchResult
) -> Figure:
    """How the whole collection scores; a click on a bar shows what lies in it."""

    def clicked(point: Mapping[str, Any] | None) -> None:
        st.session_state.pop("page", None)
        url.write(bin=f"{model.name}/{point['point_index']}" if point else None)

    shown = tuple(hit.score for hit in result.hits)
    noun = "texts" if search.asked.target == "caption" else "images"
    figure = _cached_figure(spread, shown, search.colour, noun)
    chart(figure, key=f"scores.{model.key}", on_click=clicked)
    return figure


def _exports(search: Search, model: ModelInfo, spread: ScoreHistogram, figure: Figure) -> None:
    edges = zip(spread.edges, spread.edges[1:], spread.counts, strict=False)
    rows = [{"from": low, "to": high, "count": count} for low, high, count in edges]
    name, key = _file_name(search, model), f"export.{model.name}"
    with export.popover(key) as opened:
        if opened:
            st.caption(f"Ranking, its first {amounts.count(_EXPORTED)}")
            export.table_buttons(lambda: _table(search, model), name=name, key=key)
            st.caption("Chart of the scores")
            figure_buttons(
                figure, chart=f"scores.{model.key}", name=f"{name}-scores", rows=rows, key=key
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


def _search(search: Search, model: ModelInfo, k: int, offset: int) -> SearchResult:
    return _cached_search(search, search.key, model.name, k, offset, _vectors(search, model))


def _histogram(search: Search, model: ModelInfo) -> ScoreHistogram:
    return _cached_histogram(search, search.key, model.name, _vectors(search, model))


def _vectors(search: Search, model: ModelInfo) -> tuple[int, ...]:
    """How many vectors there are: answers change while a dataset is being embedded."""
    found = [v for v in api().vectors() if v.dataset == search.info.name]
    return tuple(v.done for v in found if v.model in (model.key, model.name))


def _question(search: Search, model: str) -> dict[str, Any]:
    """What hits and histogram are both asked, as keyword arguments."""
    assert search.asked.query is not None
    return {
        "query": search.asked.query,
        "dataset": search.info.name,
        "model": model,
        "target": search.asked.target,
        "where": search.view.where,
        "search": search.view.search,
    }


@st.cache_resource(max_entries=200, show_spinner=False)
def _cached_search(
    _search: Search, key: str, model: str, k: int, offset: int, done: tuple[int, ...]
) -> SearchResult:
    return api().search(**_question(_search, model), k=k, offset=offset)


@st.cache_resource(max_entries=200, show_spinner=False)
def _cached_histogram(
    _search: Search, key: str, model: str, done: tuple[int, ...]
) -> ScoreHistogram:
    return api().score_histogram(**_question(_search, model))


@st.cache_resource(max_entries=100, show_spinner=False)
def _cached_figure(
    spread: ScoreHistogram, shown: tuple[float, ...], colour: str, noun: str
) -> Figure:
    """The histogram, low enough to stand above the hits; making one takes longer than asking."""
    figure = histogram.scores(spread, shown=shown, colour=colour, noun=noun)
    figure.update_layout(height=118)
    figure.update_xaxes(title_text="")
    figure.update_yaxes(visible=False)
    return figure
