"""Which classes are asked: those of the labels, ImageNet's, a saved set, or a person's own."""

from __future__ import annotations

import streamlit as st

from pages.shared import amounts, pickers, url
from pages.shared.handle import api
from pages.shared.plain import plain, short
from workbench.prompts import class_files
from workbench.prompts.class_problems import Problem, problems
from workbench.prompts.classes import ClassSet
from workbench.types import DatasetInfo

__all__ = ["choose", "offer"]

_OWN = ""
_IMAGENET = "imagenet"
_FILES = ["txt", "csv", "json"]
_SHOWN = 100
_HOW = (
    "One class a line. `name | synonym | synonym` adds words that mean the same; "
    "`label => name` says what a label is called in a prompt."
)


def choose(info: DatasetInfo, label: str) -> ClassSet:
    """Draw the box; return the chosen classes. Their key is in the address.

    Args:
        info: the dataset they are asked on.
        label: column that holds the true class.
    """
    own = api().default_classes(info.name, label)
    found = offer(own, f"those of {info.name} ({label})")
    _report(problems(found, _labels(info, label)))
    return found


def offer(own: ClassSet, title: str) -> ClassSet:
    """Draw the box of class sets with a way to edit them; return the chosen one.

    Args:
        own: chosen when the address names none.
        title: what it is called; not escaped.
    """
    kept = {key: name for key, name in api().class_sets() if key != own.key}
    names = {_OWN: title, _IMAGENET: "ImageNet (1,000)"} | kept
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        now = pickers.addressed("Classes", names, param="classes")
        found = own if now == _OWN else api().class_set(now)
        _editor(found)
    st.caption(f"{amounts.count(len(found))} classes: {plain(_sample(found))}")
    return found


def _labels(info: DatasetInfo, label: str) -> set[str]:
    return {str(v) for v, _ in api().facets(info.name, label, limit=50_000) if v is not None}


def _sample(found: ClassSet) -> str:
    return short(", ".join(found.names[:12]), 90)


def _editor(found: ClassSet) -> None:
    """Edit the classes as text, or read them from a file; what is kept is a set of its own."""
    with st.popover("Edit", icon=":material/edit:", key="classes.edit", on_change="rerun") as pop:
        if not pop.open:
            return
        st.caption(_HOW)
        text = st.text_area(
            "Classes, one a line",
            class_files.to_text(found),
            height=280,
            key=f"classes.text.{found.key}",
        )
        file = st.file_uploader("Or from a file", _FILES, key="classes.file", max_upload_size=16)
        name = st.text_input("Keep as", key="classes.name", placeholder="my classes")
        if st.button("Use these", type="primary", key="classes.use"):
            if file is None:
                made = _with_paths(class_files.from_text(text or ""), found)
            else:
                made = class_files.from_file(next(api().keep_uploads([file]).iterdir()))
            kept = api().save_class_set((name or "").strip() or "my classes", made)
            url.write(classes=kept)
            st.rerun()


def _with_paths(made: ClassSet, before: ClassSet) -> ClassSet:
    """The edited classes; a label that stayed keeps its place in the hierarchy."""
    paths = dict(zip(before.labels, before.paths, strict=True))
    kept = tuple(paths.get(label, ()) for label in made.labels)
    return ClassSet(made.names, made.labels, made.synonyms, kept if all(kept) else ())


def _report(found: tuple[Problem, ...]) -> None:
    """What would make the figures misleading, before anything is run."""
    if not found:
        return
    kinds: dict[str, int] = {}
    for problem in found:
        kinds[problem.kind] = kinds.get(problem.kind, 0) + 1
    words = ", ".join(f"{amounts.count(n)} × {kind}" for kind, n in kinds.items())
    with st.expander(f"To look at: {words}", icon=":material/warning:", key="classes.problems"):
        for problem in found[:_SHOWN]:
            st.text(problem.text)
        if len(found) > _SHOWN:
            st.caption(f"and {amounts.count(len(found) - _SHOWN)} more")
