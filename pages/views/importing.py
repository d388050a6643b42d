"""Import: name a path or upload files, see what would come in, then let the worker do it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages.shared import amounts, job_panel, record_pictures
from pages.shared.errors import guarded
from pages.shared.grid import Cell, grid
from pages.shared.handle import api
from pages.shared.plain import plain
from pages.views import import_options
from workbench.importers.register import IMPORTERS, find
from workbench.types import JobInfo, Preview

__all__ = ["draw"]

_SOURCES = ("A path on this machine", "Upload files")
_DETECT = "recognise by itself"
_PICTURES = 12


def draw() -> None:
    """Draw the tab."""
    _running()
    left, right = st.columns([1, 1.35], gap="large")
    with left:
        source = st.segmented_control(
            "From", _SOURCES, default=_SOURCES[0], required=True, key="from", bind="query-params"
        )
        path = _uploaded() if source == _SOURCES[1] else _path()
        importer = _importer()
        if path is None:
            _formats()
            return
    with guarded():
        with left:
            options = import_options.ask(find(path.absolute(), importer))
        stamp = repr((str(path), importer, options, _changed(path)))
        preview, pictures = _preview(stamp, path, importer, options)
        with left:
            _submit(path, importer, options, preview)
        with right:
            _show(preview, pictures)


def _path() -> Path | None:
    typed = st.text_input(
        "Path",
        key="path",
        bind="query-params",
        placeholder="/data/photos, captions.csv, or shards/{00000..00099}.tar",
        help="A folder, a file, or a brace pattern of shards. The files stay where they are and "
        "are read from there, so keep them in place.",
    )
    return Path(typed.strip()).expanduser() if typed and typed.strip() else None


def _uploaded() -> Path | None:
    files = st.file_uploader(
        "Images, or a table with its images",
        accept_multiple_files=True,
        key="files",
        help="Kept in the workspace. For more than a few hundred files, give their path instead.",
    )
    return api().keep_uploads(files) if files else None


def _importer() -> str | None:
    titles = {importer.key: importer.title for importer in IMPORTERS}
    chosen = st.selectbox(
        "Format",
        [_DETECT, *titles],
        format_func=lambda key: titles.get(key, key),
        key="format",
        help="Only needed when the wrong one is recognised.",
    )
    return None if chosen == _DETECT else chosen


def _formats() -> None:
    with st.container(border=True, gap="xsmall"):
        st.markdown("**What can be imported**")
        for importer in IMPORTERS:
            st.markdown(f"{plain(importer.title)}: :gray[{plain(importer.formats)}]")


def _changed(path: Path) -> float:
    """When the source changed, as far as one look tells: a new preview is made then."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


@st.cache_resource(max_entries=20, show_spinner="Looking at the first records")
def _preview(
    stamp: str, _path: Path, _importer: str | None, _options: Mapping[str, Any]
) -> tuple[Preview, list[Cell]]:
    preview = api().preview(_path, _importer, **_options)
    return preview, record_pictures.cells(preview.records[:_PICTURES]) if preview.images else []


def _show(preview: Preview, pictures: Sequence[Cell]) -> None:
    total = "an unknown number of" if preview.total is None else amounts.count(preview.total)
    kinds = {"images": preview.images, "captions": preview.captions, "vectors": preview.vectors}
    st.subheader(f"{plain(preview.title)}: {total} items")
    with st.container(horizontal=True, gap="xsmall"):
        for name, there in kinds.items():
            icon = ":material/check:" if there else ":material/remove:"
            st.badge(name, icon=icon, color="green" if there else "gray")
    if preview.columns:
        named = ", ".join(f"**{plain(n)}** ({kind})" for n, kind in preview.columns.items())
        st.caption(f"Columns: {named}")
    for note in preview.notes:
        st.caption(plain(note))
    if pictures:
        grid(pictures, key="preview.pictures", layout="strip", size="small")
    st.dataframe([_row(record) for record in preview.records], hide_index=True, key="preview")


def _row(record: Any) -> dict[str, Any]:
    row = {"item": record.key}
    if record.captions:
        row["captions"] = " / ".join(record.captions)
    if record.label is not None:
        row["label"] = record.label
    return row | {name: str(value) for name, value in record.meta.items() if value is not None}


def _submit(path: Path, importer: str | None, options: Mapping[str, Any], preview: Preview) -> None:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", path.name.split(".")[0]).strip("-.") or "dataset"
    suggested = "uploaded" if path.parent.name == "uploads" else stem[:64]
    name = st.text_input(
        "Name of the dataset",
        suggested,
        key=f"name.{path}",
        help="Letters, digits, dot, dash and underscore. An existing name adds what is new to it.",
    ).strip()
    if name in {info.name for info in api().datasets()}:
        st.caption(f"{plain(name)} exists: items that it does not have yet will be added.")
    if st.button("Import", type="primary", icon=":material/download:", disabled=not name):
        with guarded():
            api().submit_import(path, name, importer or preview.importer, **options)
            api().ensure_worker()
            st.session_state["_imported"] = name
            st.rerun()


def _running() -> None:
    """Imports on their way, and what to do with the one that has just ended."""
    if _jobs():
        job_panel.panel(_jobs, key="imports", log=True)
    name = st.session_state.get("_imported")
    if name and not _jobs() and name in {info.name for info in api().datasets()}:
        _embed(str(name))


def _jobs() -> Sequence[JobInfo]:
    jobs = api().jobs(job_panel.ACTIVE, limit=1000)
    return [job for job in jobs if job.kind == "import"]


def _embed(name: str) -> None:
    with st.container(border=True, gap="small"):
        info = api().dataset(name)
        st.markdown(
            f":material/check: **{plain(name)}** is here: {amounts.noun(info.items, 'item')}. "
            "Embed it with a model to search it with words and images."
        )
        with st.container(horizontal=True, gap="small"):
            for model in api().models():
                st.button(
                    f"Embed with {plain(model.name)}",
                    key=f"embed.{model.key}",
                    on_click=_submit_embed,
                    args=(name, model.name),
                )
            st.button("Later", type="tertiary", on_click=st.session_state.pop, args=("_imported",))


def _submit_embed(name: str, model: str) -> None:
    api().submit_embed(name, model)
    api().ensure_worker()
    st.session_state.pop("_imported", None)
    st.toast(f"{plain(name)} is being embedded with {plain(model)}.")
