"""Evaluations: asked once, kept for ever, read back with their failures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.api.results import (
    DIRECTIONS,
    Direction,
    FailurePage,
    FailureRow,
    Hit,
    RetrievalReport,
)
from workbench.api.search import Search
from workbench.api.work import SIDES, Work
from workbench.errors import InputError
from workbench.filters import Filters
from workbench.types import JobInfo, Side
from workbench.worker.version import check_embedded

if TYPE_CHECKING:
    import pyarrow as pa

    from store.runs import Run

__all__ = ["Evaluation"]

KIND = "evaluate-retrieval"


class Evaluation(Search, Work):
    """Retrieval in both directions, on datasets whose items have captions."""

    def submit_evaluate_retrieval(self, dataset: str, model: str) -> JobInfo:
        """Queue the retrieval evaluation of a dataset by a model.

        The same dataset (with the same parts) and model are never evaluated twice: the job ends
        at once with the earlier result.

        Raises:
            InputError: the dataset has no captions, or is not wholly embedded with this model.
        """
        info, card = self.workspace.catalog.dataset(dataset), self.workspace.catalog.model(model)
        if info.captions == 0:
            raise InputError(
                f"dataset {dataset!r}",
                expected="captions",
                got="none",
                do="Retrieval needs items with captions: import them with the images.",
            )
        for side in SIDES:
            check_embedded(self.workspace, dataset, card, side)
        version = self.workspace.catalog.identity(dataset)
        params = {"dataset": dataset, "model": card.key, "version": list(version)}
        title = f"Evaluate retrieval on {dataset} by {card.name}"
        return self.workspace.jobs.submit(KIND, params, title=title, unit="queries")

    def retrieval_result(self, dataset: str, model: str) -> RetrievalReport | None:
        """The newest retrieval evaluation of this dataset and model; None when there is none."""
        run = self._run(dataset, model)
        if run is None:
            return None
        found, ways = run.result, run.result["directions"]
        version = list(self.workspace.catalog.identity(dataset))
        return RetrievalReport(
            dataset=dataset,
            model=self.workspace.catalog.model(model).name,
            current=list(run.params["version"]) == version,
            measures={way: ways[way]["strict"]["values"] for way in DIRECTIONS},
            tolerant={way: ways[way]["tolerant"]["values"] for way in DIRECTIONS},
            intervals={way: _pairs(ways[way]["strict"]["interval"]) for way in DIRECTIONS},
            chance={way: ways[way]["strict"]["chance"] for way in DIRECTIONS},
            ranks={way: tuple(map(tuple, ways[way]["ranks"])) for way in DIRECTIONS},
            repeated=found["repeated"],
            without_caption=found["without_caption"],
            duplicate_images=found["duplicate_images"],
            seconds=found["seconds"],
        )

    def retrieval_failures(
        self,
        dataset: str,
        model: str,
        direction: Direction = "text-to-image",
        *,
        where: Filters = (),
        search: str = "",
        limit: int = 50,
        offset: int = 0,
    ) -> FailurePage:
        """Queries whose truth was not first, the lowest-ranked truth first, a page at a time.

        ``where`` and ``search`` are conditions on the query's item, as in ``items``.

        Raises:
            InputError: this dataset was not evaluated with this model yet.
        """
        table = self.retrieval_table(dataset, model, direction)
        if where or search:
            allowed = self.workspace.tables.rows(dataset, where, search)
            table = table.filter(np.isin(table["item_row"].to_numpy(), allowed))
        of = table.num_rows
        failed = table.filter(table["place"].to_numpy() > 1)
        failed = failed.sort_by([("rank", "descending"), ("query_row", "ascending")])
        page = failed.slice(offset, limit)
        rows = self._failure_rows(dataset, direction, page)
        return FailurePage(rows, failed.num_rows, of, offset, page)

    def retrieval_table(
        self, dataset: str, model: str, direction: Direction = "text-to-image"
    ) -> pa.Table:
        """Every query of the newest evaluation: one row a query, its rank and its distractors.

        Columns: query_row (caption row for text-to-image, item row otherwise), item_row, rank
        (the mean over orders where scores tie), place (the last place the truth may take; 1 is
        right without doubt), truth_row, truth_score, distractors (list of rows of the other
        side), scores (their cosines), same_text (whether each carries the truth's text).

        Raises:
            InputError: this dataset was not evaluated with this model yet.
        """
        run = self._run(dataset, model)
        if run is None:
            raise InputError(
                f"retrieval on {dataset!r} by {model!r}",
                expected="an evaluation",
                got="none yet",
                do=f"Run `workbench evaluate retrieval --dataset {dataset} --model {model}`.",
            )
        return self.workspace.runs.table(run, direction)

    def _run(self, dataset: str, model: str) -> Run | None:
        self.workspace.catalog.dataset(dataset)
        key = self.workspace.catalog.model(model).key
        return self.workspace.runs.newest(KIND, dataset=dataset, model=key)

    def _failure_rows(
        self, dataset: str, direction: Direction, page: pa.Table
    ) -> tuple[FailureRow, ...]:
        """The page with texts, ids and the distractors' columns filled in."""
        records = page.to_pylist()
        if not records:
            return ()
        other: Side = "image" if direction == "text-to-image" else "caption"
        items = [record["item_row"] for record in records]
        ids = self.workspace.tables.take(dataset, items, columns=["item"])["item"].to_pylist()
        texts = self._query_texts(dataset, direction, [record["query_row"] for record in records])
        flat = np.array([row for r in records for row in r["distractors"]], dtype=np.int64)
        scores = [score for record in records for score in record["scores"]]
        hits = iter(self.hits_of(dataset, other, flat, scores))
        return tuple(
            _failure(direction, record, str(item), text, hits)
            for record, item, text in zip(records, ids, texts, strict=True)
        )

    def _query_texts(self, dataset: str, direction: Direction, rows: list[int]) -> list[str]:
        if direction == "image-to-text":
            return [""] * len(rows)
        wanted = np.array(rows, dtype=np.int64)
        found = self.workspace.tables.captions(dataset, wanted).to_pydict()
        by_row = dict(zip(found["row"], found["text"], strict=True))
        return [by_row[row] for row in rows]


def _pairs(intervals: dict[str, list[float]]) -> dict[str, tuple[float, float]]:
    return {name: (low, high) for name, (low, high) in intervals.items()}


def _failure(
    direction: Direction, record: dict[str, Any], item: str, text: str, hits: Any
) -> FailureRow:
    """One record of the table; takes its share of the hits, ranked from 1 within the query."""
    mine = [next(hits) for _ in record["distractors"]]
    distractors = tuple(
        Hit(rank, h.row, h.item, h.score, h.caption, h.caption_row, h.columns)
        for rank, h in enumerate(mine, start=1)
    )
    return FailureRow(
        direction=direction,
        query=text or item,
        row=record["item_row"],
        item=item,
        caption_row=record["query_row"] if direction == "text-to-image" else -1,
        rank=record["rank"],
        truth=record["truth_row"],
        truth_score=record["truth_score"],
        distractors=distractors,
        same_text=tuple(record["same_text"]),
    )
