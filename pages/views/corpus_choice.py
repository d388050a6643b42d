"""Which captions are counted: the sample's, a dataset's own, or files that are added here."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.shared import amounts, pickers, url
from pages.shared.errors import guarded
from pages.shared.handle import api
from pages.shared.plain import plain, short
from workbench.api import CorpusInfo

__all__ = ["choose"]

_KINDS = {"sample": "sample", "dataset": "captions of the dataset", "files": "files"}
_PREVIEW = 6
_FORMATS = (
    "Text (a caption a line), CSV, TSV, JSON lines, Parquet or WebDataset tars, each also "
    "packed with gzip; a folder, or a pattern with *. The files stay where they are."
)


def choose() -> CorpusInfo | None:
    """Draw the box; return the chosen corpus, whose name is in the address."""
    known = api().corpora()
    by_name = {each.name: each for each in known}
    chosen = None
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        if known:
            names = {name: f"{name} ({_KINDS[each.kind]})" for name, each in by_name.items()}
            chosen = by_name[pickers.addressed("Captions", names, param="corpus")]
        _add()
    if chosen is None:
        st.info("There are no captions yet: add files.", icon=":material/article:")
        return None
    _facts(chosen)
    return chosen


def _facts(info: CorpusInfo) -> None:
    """Where it lies, and how it begins."""
    if info.captions >= 0:
        st.caption(f"{amounts.noun(info.captions, 'caption')}.")
    column = f", column {plain(info.column)}" if info.column and info.kind == "files" else ""
    if info.kind == "files":
        for path in info.paths[:3]:
            st.caption(f":material/draft: {plain(short(path, 90))}{column}")
        if len(info.paths) > 3:
            st.caption(f"and {amounts.count(len(info.paths) - 3)} more")
    with guarded(), st.container(gap="xsmall"):
        st.caption("It begins:")
        for text in _preview(info):
            st.text(short(text, 120) or "(empty)")
    if info.kind == "files":
        st.button(
            "Remove",
            icon=":material/delete:",
            key="corpus.remove",
            help="Forgets the collection. Its files and the counts that were made stay.",
            on_click=_remove,
            args=(info.name,),
        )


@st.cache_data(max_entries=50, ttl=60, show_spinner="Reading the first captions")
def _preview(info: CorpusInfo) -> tuple[str, ...]:
    return api().corpus_preview(info.name, _PREVIEW)


def _remove(name: str) -> None:
    api().remove_corpus(name)
    url.write(corpus=None)


def _add() -> None:
    """Name files of captions, or upload them."""
    with st.popover("Add", icon=":material/add:", key="corpus.add", on_change="rerun") as pop:
        if not pop.open:
            return
        typed = st.text_area(
            "Paths, one a line",
            key="corpus.paths",
            placeholder="/data/captions.csv.gz\n/data/shards/*.tar",
            help=_FORMATS,
            height=100,
        )
        files = st.file_uploader(
            "Or upload files", accept_multiple_files=True, key="corpus.files", max_upload_size=512
        )
        column = st.text_input(
            "Column",
            key="corpus.column",
            placeholder="found by its name",
            help="That holds the captions; in a CSV without a line of names, its number from 1.",
        )
        name = st.text_input("Name", key="corpus.name", placeholder="my captions")
        if st.button("Add these", type="primary", key="corpus.use"):
            with guarded():
                paths: list[str | Path] = [
                    line.strip() for line in (typed or "").splitlines() if line.strip()
                ]
                if files:
                    paths.append(api().keep_uploads(files))
                added = api().add_corpus(
                    (name or "").strip() or "captions", paths, (column or "").strip() or None
                )
                url.write(corpus=added.name)
                st.rerun()
