"""What a zero-shot run answered: classes, confusions, images, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.api.results import Hit
from workbench.api.said import rows_said
from workbench.api.zero_shot import ZeroShot
from workbench.api.zero_shot_results import (
    Explanation,
    PredictionPage,
    PredictionRow,
    PromptPart,
)
from workbench.errors import InputError
from workbench.filters import Filters
from workbench.heads.head import Scorer
from workbench.prompts.prompt_sets import Prompts
from workbench.types import Floats

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from store.predictions import Order
    from store.runs import Run

__all__ = ["Answers"]

_NEIGHBOURS = 12


class Answers(ZeroShot):
    """Questions about runs that were made."""

    def run_classes(self, key: str) -> pa.Table:
        """Figures of every class of a run, in the order of the class set.

        Columns: class, name, label, n, correct, predicted, accuracy, low, high (95%, Wilson),
        precision, recall, f1, ece, confused_with, confused_name, confused_count; null where a
        class has no images to tell.
        """
        return self._run_table(key, "classes")

    def run_confusion(self, key: str) -> pa.Table:
        """Cells of the confusion matrix that are not empty: truth, predicted, n; fullest first."""
        return self._run_table(key, "confusion")

    def run_order(self, key: str) -> tuple[int, ...]:
        """The classes in an order in which those that are confused stand together."""
        return tuple(self._run_table(key, "order")["class"].to_pylist())

    def _run_table(self, key: str, name: str) -> pa.Table:
        return self.workspace.runs.table(self._zero_shot(key), name)

    def predictions(
        self,
        key: str,
        *,
        where: Filters = (),
        search: str = "",
        truth: int | None = None,
        predicted: int | None = None,
        correct: bool | None = None,
        confidence: tuple[float, float] | None = None,
        margin: tuple[float, float] | None = None,
        rows: Sequence[int] | None = None,
        verdict: str | None = None,
        note: str = "",
        sort: Order = ("margin", "asc"),
        limit: int = 50,
        offset: int = 0,
    ) -> PredictionPage:
        """Predictions of a run that match, a page at a time.

        Args:
            key: of the run.
            where: conditions on columns of the item.
            search: words in its texts.
            truth: only images of this class.
            predicted: only images answered with this class.
            correct: right ones, wrong ones (without those that have no label), or all.
            confidence: lowest and highest, both included.
            margin: lowest and highest, both included.
            rows: only these items.
            verdict: a category of ``measures.error_types``: only images that a person found to be
                of it, or where nobody said anything the newest review proposes it for; ``none``
                for images without a person's verdict.
            note: words that a person's note on the image holds.
            sort: column (row, margin, confidence, entropy, rank, truth, predicted) and direction.
            limit: rows of a page.
            offset: rows to leave out first.

        Raises:
            UnknownName: no such run.
            InputError: an order by something else, or no such category.
        """
        from store.predictions import Wanted

        run = self._zero_shot(key)
        among, without = rows_said(self.workspace, run, verdict, note)
        if rows is not None:
            given = np.array(rows, dtype=np.int64)
            among = given if among is None else np.intersect1d(given, among)
        wanted = Wanted(
            where, search, truth, predicted, correct, confidence, margin, among, without
        )
        places = self.workspace.predictions.places(run, wanted, sort)
        table = self.workspace.predictions.table(run)
        page = table.take(places[offset : offset + limit])
        found = self._prediction_rows(run, page)
        named = page.append_column("item", [[row.item for row in found]])
        named = named.append_column("true_class", [[row.truth_name for row in found]])
        named = named.append_column("predicted_class", [[row.predicted_name for row in found]])
        return PredictionPage(found, len(places), table.num_rows, offset, named)

    def prediction_of(self, key: str, row: int) -> PredictionRow | None:
        """What a run said of one item; None when it did not look at it."""
        run = self._zero_shot(key)
        table = self.workspace.predictions.table(run)
        rows = table["row"].to_numpy()
        place = int(np.searchsorted(rows, row))
        if place == len(rows) or rows[place] != row:
            return None
        return self._prediction_rows(run, table.slice(place, 1))[0]

    def _prediction_rows(self, run: Run, page: pa.Table) -> tuple[PredictionRow, ...]:
        records = page.to_pylist()
        names = self._run_table(run.key, "classes")["name"].to_pylist()
        items = self.workspace.tables.take(
            run.params["dataset"], [record["row"] for record in records]
        ).to_pylist()
        return tuple(_row(record, item, names) for record, item in zip(records, items, strict=True))

    def explain(self, key: str, row: int, *, others: Sequence[str] = ()) -> Explanation:
        """Why a run gave an image its answer.

        Args:
            key: of the run.
            row: of the item.
            others: keys of other runs whose answers to this image are wanted.

        Raises:
            UnknownName: no such run.
            InputError: the run did not look at this item.
        """
        from workbench.worker.zero_shot_scorer import prompts_of, scorer_of

        run = self._zero_shot(key)
        one = self.prediction_of(key, row)
        if one is None:
            raise InputError(f"item {row}", expected="an item of the run", got="another")
        vector = self.workspace.vectors.take(
            run.params["dataset"], run.params["model"], "image", [row]
        )[0]
        prompts, texts = prompts_of(self.workspace, run)
        scorer = scorer_of(self.workspace, run, prompts, texts)
        true, predicted = (
            _parts(scorer, prompts, texts, vector, place) for place in (one.truth, one.predicted)
        )
        found = [(self.zero_shot_run(k), self.prediction_of(k, row)) for k in others]
        shared = 0.0 if scorer is None else scorer.shared
        return Explanation(
            row=row,
            true=one.truth,
            predicted=one.predicted,
            true_name=one.truth_name,
            predicted_name=one.predicted_name,
            true_parts=true,
            predicted_parts=predicted,
            shared=shared,
            true_logit=shared + sum(p.contribution for p in true) if true else float("nan"),
            predicted_logit=one.scores[0],
            aligned=prompts.aligned,
            neighbours=self._near(run, row),
            others=tuple((r, p) for r, p in found if p is not None),
        )

    def _near(self, run: Run, row: int) -> tuple[Hit, ...]:
        model = self.workspace.catalog.model(run.params["model"]).name
        return self.neighbours(run.params["dataset"], model, row, k=_NEIGHBOURS).hits


def _row(record: dict[str, Any], item: dict[str, Any], names: list[str]) -> PredictionRow:
    top = record["top"]
    truth = record["truth"]
    return PredictionRow(
        row=record["row"],
        item=str(item["item"]),
        truth=truth,
        truth_name=names[truth] if truth >= 0 else "",
        predicted=top[0],
        predicted_name=names[top[0]],
        top=tuple(top),
        names=tuple(names[place] for place in top),
        scores=tuple(record["scores"]),
        probabilities=tuple(record["probabilities"]),
        rank=record["rank"],
        margin=record["margin"],
        confidence=record["confidence"],
        entropy=record["entropy"],
        prompt=record["prompt"],
        columns=item,
    )


def _parts(
    scorer: Scorer | None, prompts: Prompts, texts: Floats | None, vector: Floats, place: int
) -> tuple[PromptPart, ...]:
    found = None if scorer is None or place < 0 else scorer.parts(vector, place, 0)
    if found is None or texts is None:
        return ()
    own = slice(int(prompts.starts[place]), int(prompts.starts[place + 1]))
    near = (texts[own] @ vector).tolist()
    return tuple(
        PromptPart(*each)
        for each in zip(prompts.texts[own], prompts.names[own], near, found.tolist(), strict=True)
    )
