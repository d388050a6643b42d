"""Images and texts in a model's layers: the dense view, for models with and without experts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from workbench.api.modality_results import (
    JOINT,
    ModalityReport,
    Moved,
    UnitInput,
    Way,
    report_of,
)
from workbench.api.opened import Opened
from workbench.errors import InputError, UnknownName
from workbench.prompts.classes import ClassSet
from workbench.types import JobInfo
from workbench.worker.modality_question import KIND, MOST, newest_run, question

if TYPE_CHECKING:
    import pyarrow as pa

    from store.runs import Run

__all__ = ["KIND", "MOST", "Modality"]


class Modality(Opened):
    """The modality gap, separability, unit selectivity and alignment of a model."""

    def submit_modality(
        self,
        dataset: str,
        model: str,
        *,
        pairs: int = 1000,
        seed: int = 0,
        run: str | None = "newest",
    ) -> JobInfo:
        """Queue a measurement; the same question is never computed twice.

        Args:
            dataset: whose images and first captions are looked at.
            model: name or key; it need not have embedded the dataset.
            pairs: drawn from it, 20 to 2,000.
            seed: of the draw, of halves and of shuffles.
            run: key of a zero-shot run of the model with the mean of prompts, in which closing the
                gap is tried too; ``newest`` takes the newest there is, None leaves it out.

        Raises:
            UnknownName: no such dataset, model or run.
            InputError: a dataset without captions, or a number or run that is not allowed.
        """
        card = self.workspace.catalog.model(model)
        if run == "newest":
            found = newest_run(self.workspace, card.key)
            run = None if found is None else found.key
        params = question(self.workspace, dataset, model, pairs=pairs, seed=seed, run=run)
        title = f"Modality gap of {card.name} on {dataset}"
        return self.workspace.jobs.submit(
            KIND, params, title=title, unit="pairs", total=pairs, priority=4
        )

    def modality_reports(self, dataset: str | None = None) -> tuple[ModalityReport, ...]:
        """Every measurement (on a dataset), newest first."""
        return tuple(
            self._modality_report(run)
            for run in self.workspace.runs.list(KIND)
            if dataset is None or run.params["dataset"] == dataset
        )

    def modality_report(self, key: str) -> ModalityReport:
        """One measurement by its key.

        Raises:
            UnknownName: there is none.
        """
        return self._modality_report(self._modality_run(key))

    def modality_projections(self, key: str, layer: int = JOINT) -> pa.Table:
        """Where each pair lies along the direction that separates the modalities in a layer.

        Args:
            key: of the measurement.
            layer: number of a shared layer, or ``JOINT``.

        Returns:
            Columns row (item), caption_row, image and text (positions; 0 is the middle between
            the centroids, texts lie above).

        Raises:
            UnknownName: no such measurement.
            InputError: the layer is not shared by both modalities.
        """
        run = self._modality_run(key)
        self._check_shared_layer(run, layer)
        table = self.workspace.runs.table(run, "projections")
        table = table.filter(table["layer"].to_numpy() == layer)
        modality = table["modality"].to_numpy()
        pairs = self.workspace.runs.table(run, "pairs").select(["row", "caption_row"])
        for place, side in enumerate(("image", "text")):
            pairs = pairs.append_column(side, table.filter(modality == place)["value"])
        return pairs

    def modality_moved(self, key: str, amount: float, way: Way = "image_to_text") -> Moved:
        """Which items a move of the modalities fixes and breaks.

        Args:
            key: of the measurement.
            amount: one of ``sweep.amounts``.
            way: what is asked.

        Raises:
            UnknownName: no such measurement.
            InputError: an amount that was not measured, or classes without a zero-shot run.
        """
        run = self._modality_run(key)
        amounts = run.result["sweep"]["amounts"]
        if amount not in amounts:
            expected = f"one of {', '.join(f'{each:g}' for each in amounts)}"
            raise InputError("share of the gap", expected=expected, got=f"{amount:g}")
        place, still = amounts.index(amount), amounts.index(0.0)
        if way == "classes":
            return self._moved_classes(run, place, still)
        table = self.workspace.runs.table(run, "pairs")
        right = _matrix(table, way) == 1
        rows = table["row"].to_numpy()
        return _moved(run.params["dataset"], rows, right[:, still], right[:, place], {})

    def _moved_classes(self, run: Run, place: int, still: int) -> Moved:
        if "classes" not in run.tables:
            raise InputError(
                f"measurement {run.key}",
                expected="a zero-shot run",
                got="none",
                do="Evaluate the model with the mean of prompts, then measure again.",
            )
        asked = self.workspace.runs.get(run.params["run"]).params
        names = ClassSet.from_json(self.workspace.sets.get("classes", asked["classes"])).names
        table = self.workspace.runs.table(run, "classes")
        said, rows = _matrix(table, "predicted"), table["row"].to_numpy()
        right = said == table["truth"].to_numpy()[:, None]
        changed = np.flatnonzero(right[:, still] != right[:, place])
        words = {int(rows[i]): names[said[i, place]] for i in changed}
        return _moved(asked["dataset"], rows, right[:, still], right[:, place], words)

    def modality_units(self, key: str, layer: int = JOINT) -> pa.Table:
        """The units of a layer from the most image-selective to the most text-selective.

        Returns:
            Columns unit, expert, selectivity, p, q, image_mean and text_mean (activations).

        Raises:
            UnknownName: no such measurement.
            InputError: the layer's weights are not shared by both modalities.
        """
        run = self._modality_run(key)
        self._check_shared_layer(run, layer)
        table = self.workspace.runs.table(run, "units")
        table = table.filter(table["layer"].to_numpy() == layer).drop_columns(["layer"])
        return table.sort_by([("selectivity", "ascending"), ("unit", "ascending")])

    def modality_unit(self, key: str, layer: int, unit: int) -> tuple[UnitInput, ...]:
        """The images and texts that excite a unit most, of each modality the strongest first.

        Empty for a unit of a very wide layer that is among its least selective.
        """
        run = self._modality_run(key)
        table = self.workspace.runs.table(run, "tops")
        here = (table["layer"].to_numpy() == layer) & (table["unit"].to_numpy() == unit)
        found = table.filter(here).sort_by([("modality", "ascending"), ("rank", "ascending")])
        sides: tuple[Literal["image", "text"], ...] = ("image", "text")
        return tuple(
            UnitInput(sides[one["modality"]], one["row"], one["activation"])
            for one in found.to_pylist()
        )

    def modality_agreement(self, key: str, image_layer: int, text_layer: int) -> pa.Table:
        """How many neighbours each pair has in common between an image and a text layer.

        Args:
            key: of the measurement.
            image_layer: number of a layer of the image tower, or ``JOINT``.
            text_layer: number of a layer of the text tower, or ``JOINT``.

        Returns:
            Columns row and common (0 to k), the most in common first.

        Raises:
            UnknownName: no such measurement.
            InputError: no such layer.
        """
        import pyarrow as pa

        sides = self._modality_near(key, image_layer, text_layer)
        rows = sides[0]["row"].to_numpy()
        image, text = (_matrix(side, "near") for side in sides)
        common = (image[:, :, None] == text[:, None, :]).any(axis=2).sum(axis=1)
        order = np.lexsort((rows, -common))
        return pa.table({"row": rows[order], "common": common[order]})

    def modality_neighbours(
        self, key: str, image_layer: int, text_layer: int, row: int
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Rows of the items whose image, and whose text, are nearest to this one's.

        Raises:
            UnknownName: no such measurement.
            InputError: no such layer, or an item that was not looked at.
        """
        found = []
        for side in self._modality_near(key, image_layer, text_layer):
            at = np.flatnonzero(side["row"].to_numpy() == row)
            if not len(at):
                raise InputError(f"item {row}", expected="an item of the sample", got="another")
            found.append(tuple(side["near"][int(at[0])].as_py()))
        return found[0], found[1]

    def modality_captions(self, key: str, rows: Sequence[int]) -> dict[int, str]:
        """The caption of each of these items that was looked at."""
        run = self._modality_run(key)
        table = self.workspace.runs.table(run, "pairs")
        places = {row: place for place, row in enumerate(table["row"].to_pylist())}
        known = [row for row in rows if row in places]
        captions = table["caption_row"].to_numpy()[[places[row] for row in known]]
        texts = self.workspace.tables.captions(run.params["dataset"], captions)["text"]
        return dict(zip(known, texts.to_pylist(), strict=True))

    def _modality_near(self, key: str, image_layer: int, text_layer: int) -> list[pa.Table]:
        table = self.workspace.runs.table(self._modality_run(key), "neighbours")
        layers, modality = table["layer"].to_numpy(), table["modality"].to_numpy()
        found = []
        for place, layer in enumerate((image_layer, text_layer)):
            part = table.filter((layers == layer) & (modality == place))
            if not part.num_rows:
                most = int(layers[modality == place].max())
                raise InputError("layer", expected=f"{JOINT} to {most}", got=str(layer))
            found.append(part)
        return found

    def _check_shared_layer(self, run: Run, layer: int) -> None:
        """Refuse to compare what both modalities do not share."""
        if layer == JOINT:
            return
        if not run.result["shared"]:
            raise InputError(
                f"layer {layer} of this model",
                expected="the joint space: its towers have weights of their own, so that a cut or "
                "a unit of one means nothing in the other",
                got="a layer of one tower",
                do="Look at the alignment of the two towers instead.",
            )
        most = len(run.result["names"][0]) - 1
        if not 0 <= layer <= most:
            raise InputError("layer", expected=f"{JOINT} to {most}", got=str(layer))

    def _modality_run(self, key: str) -> Run:
        run = self.workspace.runs.get(key)
        if run.kind != KIND:
            keys = [each.key for each in self.workspace.runs.list(KIND)]
            raise UnknownName("measurement of a modality gap", key, keys)
        return run

    def _modality_report(self, run: Run) -> ModalityReport:
        names = {card.key: card.name for card in self.workspace.catalog.models()}
        params = run.params
        version = list(self.workspace.catalog.identity(params["dataset"]))
        return report_of(
            run.key,
            params,
            run.result,
            model=names.get(params["model"], params["model"]),
            created=run.created,
            current=list(params["version"]) == version,
        )


def _matrix(table: pa.Table, name: str) -> np.ndarray:
    column = table[name].combine_chunks()
    found: np.ndarray = column.flatten().to_numpy().reshape(-1, column.type.list_size)
    return found


def _moved(
    dataset: str, rows: np.ndarray, before: np.ndarray, after: np.ndarray, names: dict[int, str]
) -> Moved:
    return Moved(
        dataset=dataset,
        fixed=tuple(rows[after & ~before].tolist()),
        broken=tuple(rows[before & ~after].tolist()),
        n=len(rows),
        names=names,
    )
