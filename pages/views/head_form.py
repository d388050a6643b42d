"""Which head turns similarities into scores, and its parameters: a form made from its card."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from pages.shared import fields
from pages.shared.handle import api
from pages.shared.pickers import addressed
from pages.shared.plain import plain
from workbench.api import Pairs, Retrieval
from workbench.method import Method
from workbench.params import describe
from workbench.prompts.classes import ClassSet

__all__ = ["Chosen", "choose"]


@dataclass(frozen=True)
class Chosen:
    """A head and what it was given.

    Args:
        head: its card.
        options: its parameters by name.
        shots: images a class to learn from.
        pairs: of texts.
        retrieve: images found by captions.
    """

    head: Method
    options: dict[str, Any]
    shots: int
    pairs: Pairs | None
    retrieve: Retrieval | None


def choose(classes: ClassSet, dataset: str) -> Chosen:
    """Draw the box; return the head with what it needs besides prompts.

    Args:
        classes: that the head chooses from.
        dataset: that is evaluated.
    """
    heads = {head.key: head for head in api().heads()}
    titles = {head.title: head for head in heads.values()}
    chosen = st.selectbox("Head", list(titles), key="head", bind="query-params")
    head = titles.get(str(chosen), next(iter(heads.values())))
    st.caption(plain(head.question))
    with st.container(gap="small", key=f"head.{head.key}"):
        options = {each.name: fields.field(head.key, each) for each in describe(head.params)}
        shots = _shots() if "support" in head.needs else 1
        pairs = _pairs() if "pairs" in head.needs else None
        retrieve = _retrieve(classes, dataset) if "retrieved" in head.needs else None
    if head.source:
        st.caption(f":material/menu_book: {plain(head.source)}")
    return Chosen(head, options, shots, pairs, retrieve)


def _shots() -> int:
    return int(
        st.number_input(
            "Images a class to learn from",
            min_value=1,
            value=4,
            key="shots",
            bind="query-params",
            help="Drawn at random (seed 0) from the labelled images; they are not measured.",
        )
    )


def _retrieve(classes: ClassSet, dataset: str) -> Retrieval | None:
    """Which counting of the classes in another dataset's captions finds images to learn from."""
    own = {info.name for info in api().corpora() if info.kind == "dataset"} - {dataset}
    counts = [c for c in api().counts() if c.classes_key == classes.key and c.corpus in own]
    if not counts:
        st.info(
            "It learns from images whose captions name the classes: count these classes in the "
            "captions of another dataset first (Long tail, Corpus).",
            icon=":material/info:",
        )
        return None
    key = addressed("Counting", {each.key: each.label for each in counts}, param="retrieve")
    each = st.number_input(
        "Images a class", min_value=1, value=100, key="each", bind="query-params"
    )
    return Retrieval(key, int(each))


def _pairs() -> Pairs:
    """Texts that differ in what should not, or should, decide: a pair a line."""
    reject = st.text_area(
        "Should not decide",
        key="reject",
        bind="query-params",
        height=90,
        placeholder="a photo with a white background | a photo with a black background",
        help="Two texts a line, with | between them. Their difference is taken out of each image.",
    )
    accept = st.text_area(
        "Should decide",
        key="accept",
        bind="query-params",
        height=90,
        placeholder="an animal with stripes | an animal without stripes",
        help="Two texts a line, with | between them. Their difference is made stronger.",
    )
    return Pairs.parsed((reject or "").splitlines(), (accept or "").splitlines())
