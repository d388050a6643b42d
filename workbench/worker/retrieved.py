"""Images that are retrieved by their captions, about equally many for each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from workbench.errors import InputError
from workbench.heads.head import Support
from workbench.heads.mean import class_vectors
from workbench.longtail.balance import distinct_pairs, retrieve
from workbench.longtail.matching import Matcher
from workbench.longtail.rules import Options
from workbench.types import Floats, Rows
from workbench.worker.corpora import corpus_named, opened

if TYPE_CHECKING:
    from store.runs import Run
    from store.workspace import Workspace

__all__ = ["Retrieval", "caption_pairs", "retrieved"]


@dataclass(frozen=True)
class Retrieval:
    """Where images are retrieved from.

    Args:
        count: key of a counting in the captions of a dataset that has images.
        each: images a class at most.
    """

    count: str
    each: int = 100

    def __post_init__(self) -> None:
        if self.each < 1:
            got = str(self.each)
            raise InputError("images a class to retrieve", expected="at least 1", got=got)

    def to_json(self) -> dict[str, Any]:
        """As stored in a run."""
        return {"count": self.count, "each": self.each}


def caption_pairs(workspace: Workspace, counted: Run) -> tuple[Rows, Rows]:
    """Every match in a dataset's own captions: int64 rows of captions, int64 concepts.

    Args:
        workspace: where the counting is.
        counted: a counting of the captions of a dataset.
    """
    from workbench.worker.count_job import concepts_of

    corpus = opened(workspace, corpus_named(workspace, counted.params["corpus"]))
    options = Options(**counted.params["options"])
    concepts = concepts_of(workspace, counted.params)
    matcher = Matcher(concepts, counted.params["rule"], options, counted.result["skip"])
    captions, found = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for shard in corpus.shards:
        for table in corpus.read(shard):
            hits = matcher.match(pc.fill_null(table["caption"], "").combine_chunks())
            captions.append(table["number"].to_numpy()[hits.caption])
            found.append(matcher.owner[hits.term])
    return distinct_pairs(np.concatenate(captions), np.concatenate(found), len(concepts))


def retrieved(
    workspace: Workspace,
    asked: Retrieval,
    model: str,
    *,
    texts: Floats,
    starts: Rows,
    seed: int,
) -> tuple[Support, str]:
    """Images whose captions name each class, those with the nearest captions first.

    Captions are ranked by their cosine with the mean of the class's prompts where the model has
    embedded them, and those below 0 are left out; otherwise they are drawn at random.

    Args:
        workspace: where everything is.
        asked: what to retrieve.
        model: key of the model.
        texts: float32 (T, D), prompts of the classes.
        starts: int64 (C + 1,).
        seed: of the draw.

    Returns:
        the images as labelled ones, and a sentence on where they come from.

    Raises:
        InputError: the dataset's images are not embedded, or no caption names a class.
    """
    counted = workspace.runs.get(asked.count)
    dataset = counted.params["corpus"]
    captions, concepts = caption_pairs(workspace, counted)
    near = None
    if workspace.vectors.info(dataset, model, "caption").complete:
        vectors = workspace.vectors.take(dataset, model, "caption", captions)
        classes, _ = class_vectors(texts, starts)
        near = np.einsum("md,md->m", vectors, classes[concepts])
    chosen, labels = retrieve(
        captions, concepts, len(starts) - 1, asked.each, closeness=near, seed=seed
    )
    rows = workspace.tables.caption_items(dataset)[chosen]
    pairs = np.unique(np.column_stack([rows, labels]), axis=0)
    if not len(pairs):
        raise InputError(
            f"images of {dataset!r}", expected="captions that name a class", got="none"
        )
    vectors = workspace.vectors.take(dataset, model, "image", pairs[:, 0])
    how = "nearest first" if near is not None else "drawn at random"
    note = (
        f"{len(pairs):,} images of {dataset} were learned from: up to {asked.each} a class whose "
        f"captions name it ({how}), for {len(np.unique(labels)):,} of {len(starts) - 1:,} classes."
    )
    return Support(vectors, pairs[:, 1].astype(np.int64)), note
