"""The job `evaluate-retrieval`: measure a model's retrieval on a dataset, and keep every rank."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.measures.direction import DirectionMeasures
from workbench.measures.ranking import Ranking
from workbench.measures.retrieval import RetrievalMeasures, retrieval
from workbench.types import JobInfo, Rows, Side
from workbench.worker.version import check_version

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["KIND", "TABLES", "evaluate", "run"]

KIND = "evaluate-retrieval"
TABLES = ("text-to-image", "image-to-text")
DISTRACTORS = 5
_EDGES = ((1, "1"), (5, "2-5"), (10, "6-10"), (100, "11-100"), (np.inf, "over 100"))


def run(job: JobInfo, workspace: Workspace, control: Control) -> Mapping[str, Any]:
    """Evaluate the dataset version that the job names, unless that was done before.

    ``job.params``: ``dataset`` (name), ``model`` (key), ``version`` (``Catalog.identity``).

    Raises:
        InputError: the dataset changed since the job was submitted, or lacks vectors.
    """
    known = workspace.runs.find(KIND, job.params)
    if known is not None:
        control.tick(message="Computed before; the result was kept.")
        return {"run": known.key}
    dataset, model = job.params["dataset"], job.params["model"]
    check_version(workspace, dataset, job.params["version"])
    start = time.perf_counter()
    captions = workspace.tables.captions(dataset)
    texts = captions["text"].combine_chunks().dictionary_encode().indices.to_numpy()
    result, tables = evaluate(
        _vectors(workspace, dataset, model, "image"),
        _vectors(workspace, dataset, model, "caption"),
        captions["item_row"].to_numpy(),
        texts.astype(np.int64),
        control,
    )
    check_version(workspace, dataset, job.params["version"])
    result["seconds"] = time.perf_counter() - start
    run = workspace.runs.publish(KIND, job.params, result, tables)
    return {"run": run.key}


def evaluate(
    images: NDArray[Any],
    captions: NDArray[Any],
    caption_item: Rows,
    caption_text: Rows,
    control: Control,
) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """Measures as JSON-like data, and for each direction a table with one row a query.

    Args:
        images: (N, D) unit rows.
        captions: (M, D) unit rows.
        caption_item: (M,) row of the item that each caption describes.
        caption_text: (M,) equal numbers for equal texts.
        control: told of progress; may stop the work.
    """
    found = retrieval(
        images,
        captions,
        caption_item,
        caption_text=caption_text,
        distractors=DISTRACTORS,
        progress=control.tick,
    )
    pairs = np.unique(np.stack([caption_item, caption_text]), axis=1)
    tables = {
        "text-to-image": _up(found.text_to_image, caption_item, caption_text, pairs),
        "image-to-text": _down(found.image_to_text, caption_text, pairs),
    }
    carriers = np.bincount(pairs[1], minlength=int(caption_text.max(initial=0)) + 1)
    result = {
        "directions": _directions(found),
        "repeated": int(np.count_nonzero(carriers[caption_text] > 1)),
        "images": found.images,
        "captions": found.texts,
        "without_caption": found.images_without_caption,
        "duplicate_images": found.duplicate_images,
        "duplicate_captions": found.duplicate_texts,
    }
    return result, tables


def _directions(found: RetrievalMeasures) -> dict[str, dict[str, Any]]:
    """Both directions, each with its strict and its tolerant measures and its rank counts."""
    return {
        "text-to-image": {
            "strict": _measures(found.image_retrieval),
            "tolerant": _measures(found.tolerant_image_retrieval or found.image_retrieval),
            "ranks": _rank_counts(found.text_to_image),
        },
        "image-to-text": {
            "strict": _measures(found.text_retrieval),
            "tolerant": _measures(found.tolerant_text_retrieval or found.text_retrieval),
            "ranks": _rank_counts(found.image_to_text),
        },
    }


def _measures(measures: DirectionMeasures) -> dict[str, Any]:
    return {
        "values": {**measures.names(), "gallery": measures.gallery, "tied": measures.tied},
        "interval": {f"recall@{k}": list(pair) for k, pair in measures.interval.items()},
        "chance": {f"recall@{k}": value for k, value in measures.chance.items()},
    }


def _rank_counts(ranking: Ranking) -> list[list[Any]]:
    """(ranks, number of queries) for 1, 2-5, 6-10, 11-100 and the rest."""
    edges = np.array([-np.inf, *[edge for edge, _ in _EDGES]])
    where = np.searchsorted(edges[1:], ranking.rank, side="left")
    counts = np.bincount(where, minlength=len(_EDGES))
    return [[name, int(count)] for (_, name), count in zip(_EDGES, counts, strict=True)]


def _up(ranking: Ranking, caption_item: Rows, caption_text: Rows, pairs: Rows) -> pa.Table:
    """Captions asking for images: a distractor has the same text when one of its captions has."""
    asked = caption_text[ranking.queries]
    same = _is_pair(pairs, ranking.distractors, np.broadcast_to(asked[:, None], _shape(ranking)))
    return _table(ranking, caption_item[ranking.queries], same)


def _down(ranking: Ranking, caption_text: Rows, pairs: Rows) -> pa.Table:
    """Images asking for captions: a distractor has the same text when the image carries it too."""
    items = np.broadcast_to(ranking.queries[:, None], _shape(ranking))
    texts = caption_text[np.maximum(ranking.distractors, 0)] if len(caption_text) else items
    return _table(ranking, ranking.queries, _is_pair(pairs, items, texts))


def _shape(ranking: Ranking) -> tuple[int, int]:
    return ranking.distractors.shape[0], ranking.distractors.shape[1]


def _is_pair(pairs: Rows, items: Rows, texts: Rows) -> NDArray[np.bool_]:
    """Whether each item carries the text of the same place."""
    width = int(max(pairs[1].max(initial=0), texts.max(initial=0))) + 1
    return np.isin(items * width + texts, pairs[0] * width + pairs[1])


def _table(ranking: Ranking, items: Rows, same: NDArray[np.bool_]) -> pa.Table:
    real = ranking.distractors >= 0
    return pa.table(
        {
            "query_row": ranking.queries,
            "item_row": items,
            "rank": ranking.rank,
            "place": ranking.place,
            "truth_row": ranking.truth,
            "truth_score": ranking.truth_score,
            "distractors": _lists(ranking.distractors, real, pa.int64()),
            "scores": _lists(ranking.distractor_scores, real, pa.float32()),
            "same_text": _lists(same, real, pa.bool_()),
        }
    )


def _lists(values: NDArray[Any], real: NDArray[np.bool_], kind: pa.DataType) -> pa.ListArray:
    """A list a row, with the padding left out."""
    offsets = np.concatenate(([0], np.cumsum(real.sum(axis=1)))).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values[real], kind))


def _vectors(workspace: Workspace, dataset: str, model: str, side: Side) -> NDArray[Any]:
    """Every vector of a side, as stored."""
    info = workspace.vectors.info(dataset, model, side)
    if not info.complete or info.total == 0:
        raise InputError(
            f"{side}s of {dataset!r}",
            expected=f"{info.total} vectors" if info.total else f"at least one {side}",
            got=str(info.done),
            do="Embed the dataset with this model first.",
        )
    blocks = [block for _, block in workspace.vectors.blocks(dataset, model, side)]
    return np.concatenate(blocks)
