"""A run held against published figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.api.predictions import Answers
from workbench.measures.published_standard import Made, differences, measure_of
from workbench.measures.published_table import Held, PublishedRow, difference, read
from workbench.types import ModelInfo

if TYPE_CHECKING:
    from store.runs import Run

__all__ = ["Published"]


class Published(Answers):
    """What others measured, beside what was measured here."""

    def published_names(self, table: str | Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What a table of published accuracies holds: its models as ``NAME TAG``, its datasets.

        Raises:
            InputError: the file cannot be read, or lacks a column.
        """
        found = read(Path(table).expanduser())
        return tuple(f"{row.name} {row.pretrained}" for row in found.rows), found.columns

    def hold_against(
        self, key: str, table: str | Path, row: str | None = None, column: str | None = None
    ) -> Held:
        """A run's accuracy minus a published one, and everything that makes them incomparable.

        Where the published figure of the dataset is the mean of the classes' accuracies, the run's
        is taken too; else top-1.

        Args:
            key: of the run.
            table: a CSV file in the layout of open_clip's classification results.
            row: ``NAME TAG`` of the published model; the run's own model when None.
            column: the dataset in the table; the one named like the run's when None.

        Raises:
            UnknownName: no such run, row or column; or the run's model was removed.
            InputError: the file cannot be read, lacks a column, or holds no accuracy there.
        """
        stored, run = self._zero_shot(key), self.zero_shot_run(key)
        card = self.workspace.catalog.model(stored.params["model"])
        published = read(Path(table).expanduser())
        wanted = published.row(row if row is not None else f"{card.arch} {card.weights}")
        dataset = published.column(column if column is not None else run.dataset)
        accuracy = published.accuracy(wanted, dataset)
        name = measure_of(dataset)
        measured = run.measures[name]
        gap = difference(measured, accuracy)
        made = self._made(stored, card, wanted, title=run.head_title, images=measured.n)
        return Held(
            run=key,
            name=wanted.name,
            pretrained=wanted.pretrained,
            column=dataset,
            published=accuracy,
            measure=name,
            measured=measured,
            difference=gap,
            agrees=gap.low <= 0 <= gap.high,
            warnings=differences(made, wanted.name, wanted.pretrained, dataset),
        )

    def _made(
        self, run: Run, card: ModelInfo, row: PublishedRow, *, title: str, images: int
    ) -> Made:
        return Made(
            arch=card.arch,
            weights=card.weights,
            preprocess=card.preprocess,
            expected=self._preprocess_of(row.name, row.pretrained),
            head=run.params["head"],
            head_title=title,
            prompts=self.prompt_set(run.params["prompts"]),
            classes=self.class_set(run.params["classes"]),
            images=images,
            filtered=bool(run.params["where"]),
            several="real_accuracy" in run.result["measures"],
        )

    def _preprocess_of(self, name: str, pretrained: str) -> Mapping[str, Any] | None:
        """Preprocessing of a published model, from a model registered by the very same names.

        A model registered by a tag has the preprocessing that open_clip lists for the tag.
        """
        same = (
            m for m in self.workspace.catalog.models() if (m.arch, m.weights) == (name, pretrained)
        )
        found = next(same, None)
        return None if found is None else found.preprocess
