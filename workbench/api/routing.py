"""What the routers of a mixture of experts decided: recording it, and asking about it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from workbench.api import routing_tables
from workbench.api.opened import Opened
from workbench.api.routing_results import (
    Box,
    ExpertSpread,
    ExpertWords,
    Flows,
    InputTokens,
    Mixtures,
    Patch,
    Recording,
)
from workbench.errors import InputError, UnknownName
from workbench.experts.records import IMAGE, TEXT, Recorded
from workbench.filters import Filters
from workbench.types import JobInfo
from workbench.worker.routing_question import KIND, Asked, question, titled

if TYPE_CHECKING:
    import pyarrow as pa

    from store.runs import Run
    from store.workspace import Workspace

__all__ = ["Routing"]

_KEPT = 48
"""Tables and sums that stay in memory."""

Answer = TypeVar("Answer")


class Routing(Opened):
    """Questions about recorded routing. Safe to share between threads."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(workspace)
        self._routing_kept: OrderedDict[tuple[Any, ...], Any] = OrderedDict()
        self._routing_lock = threading.Lock()

    def mixtures(self, model: str) -> Mixtures | None:
        """The experts of a registered model; None for a model without any.

        Raises:
            UnknownName: no such model.
        """
        card = self.workspace.catalog.model(model)
        config = card.limoe
        if not card.has_experts or not config:
            return None
        return Mixtures(
            layers=tuple(config["moe_layers"]),
            experts=config["experts"],
            top_k=config["top_k"],
            capacity_factor=config["capacity_factor"],
            modality_bias=config["modality_bias"],
            grid=config["image_size"] // config["patch_size"],
        )

    def submit_recording(
        self,
        dataset: str,
        model: str,
        *,
        modalities: Asked = "both",
        capacity_factor: float | Literal["own"] | None = "own",
        batch: int = 64,
        limit: int | None = None,
        where: Filters = (),
        seed: int = 0,
    ) -> JobInfo:
        """Queue a recording of routing; the same question is never recorded twice.

        An item's image and its first caption go through the model together with those of other
        items, drawn at random; a batch competes for the experts' room as in training.

        Args:
            dataset: its name; it need not be embedded.
            model: name or key of a mixture of experts.
            modalities: ``both``, or only ``image`` or ``text``.
            capacity_factor: an expert takes ``ceil(factor * tokens * K / E)`` tokens of a batch;
                ``own`` is the factor that the model was trained with, None drops nothing.
            batch: items that go through the model together.
            limit: items at most, drawn at random.
            where: conditions on the items.
            seed: of which items go together, and of which are drawn.

        Raises:
            UnknownName: no such dataset, model or column.
            ModelError: the model has no routers.
            InputError: a number out of its range, or nothing to look at.
        """
        params = question(
            self.workspace,
            dataset,
            model,
            modalities=modalities,
            capacity_factor=capacity_factor,
            batch=batch,
            limit=limit,
            where=where,
            seed=seed,
        )
        title = titled(self.workspace.catalog.model(model), params)
        return self.workspace.jobs.submit(KIND, params, title=title, unit="items", priority=5)

    def find_recording(self, dataset: str, model: str, **asked: Any) -> Recording | None:
        """What ``submit_recording`` of the same question has made; None where nothing has.

        Raises:
            WorkbenchError: as ``submit_recording`` of this question.
        """
        run = self.workspace.runs.find(KIND, question(self.workspace, dataset, model, **asked))
        return None if run is None else self.recording(run.key)

    def recordings(
        self, dataset: str | None = None, model: str | None = None
    ) -> tuple[Recording, ...]:
        """Every recording (on a dataset, of a model by name or key), newest first."""
        names = {card.key: card.name for card in self.workspace.catalog.models()}
        found = (self._recording(run, names) for run in self.workspace.runs.list(KIND))
        return tuple(
            each
            for each in found
            if dataset in (None, each.dataset) and model in (None, each.model, each.model_key)
        )

    def recording(self, key: str) -> Recording:
        """One recording by its key.

        Raises:
            UnknownName: there is none.
        """
        names = {card.key: card.name for card in self.workspace.catalog.models()}
        return self._recording(self._routed(key), names)

    def remove_recording(self, key: str) -> None:
        """Forget a recording with all its tokens.

        Raises:
            UnknownName: there is none.
        """
        run = self._routed(key)
        self.workspace.runs.drop(key)
        for shard in run.result["shards"]:
            self.workspace.runs.drop(shard)

    def recorded(self, key: str) -> Recorded:
        """The sums of a recording, by layer, expert and modality, and of each input.

        Raises:
            UnknownName: no such recording.
        """
        run = self._routed(key)

        def ask() -> Recorded:
            read = self.workspace.runs.table
            return routing_tables.recorded(
                run, read(run, "loads"), read(run, "local"), read(run, "inputs")
            )

        return self._remembered((run.key, run.created, "recorded"), ask)

    def top_patches(
        self, key: str, layer: int, expert: int, n: int = 60, skip: int = 0
    ) -> tuple[Patch, ...]:
        """Patches with the largest gates of an expert, at most 4 of one image and 256 in all.

        Args:
            key: of a recording.
            layer: number of a block.
            expert: number of an expert.
            n: how many.
            skip: how many to leave out before.

        Raises:
            UnknownName: no such recording.
            InputError: no such layer or expert.
        """
        run = self._expert(key, layer, expert)
        table = self._routing_table(run, "patches")
        mine = np.flatnonzero(
            (table["layer"].to_numpy() == layer) & (table["expert"].to_numpy() == expert)
        )
        rows = table.take(mine[skip : skip + n]).to_pylist()
        seen = self._seen(run, [each["row"] for each in rows])
        grid = run.result["grid"]
        return tuple(
            Patch(
                rank=each["rank"],
                row=each["row"],
                position=each["position"],
                gate=each["gate"],
                box=_cell(seen[each["row"]], grid, each["position"]),
            )
            for each in rows
        )

    def expert_words(self, key: str, layer: int, expert: int) -> ExpertWords:
        """Words that chose an expert, the most frequent first, beside their base rate.

        Raises:
            UnknownName: no such recording.
            InputError: no such layer or expert.
        """
        run = self._expert(key, layer, expert)
        return routing_tables.expert_words(self._routing_table(run, "words"), layer, expert)

    def distribution(self, key: str, layer: int, expert: int) -> ExpertSpread:
        """How the choices of an expert lie over gates, places of the image and of the text.

        Raises:
            UnknownName: no such recording.
            InputError: no such layer or expert.
        """
        run = self._expert(key, layer, expert)
        loads, places = (self._routing_table(run, name) for name in ("loads", "places"))
        return routing_tables.expert_spread(loads, places, layer, expert, run.result["grid"])

    def input_tokens(self, key: str, row: int) -> InputTokens:
        """All tokens of an item's image and caption, in all layers.

        Raises:
            UnknownName: no such recording.
            InputError: the item was not recorded.
        """
        from workbench.worker.routing_tables import tokens_of

        run = self._routed(key)
        held = self._routing_table(run, "held")
        place = int(np.searchsorted(held["row"].to_numpy(), row))
        if place == len(held) or held["row"][place].as_py() != row:
            raise InputError(
                f"item {row} of {run.params['dataset']!r}",
                expected="one that was recorded",
                got="one that was left out" if row >= 0 else str(row),
                do="Record the whole dataset to see it.",
            )
        shard = self.workspace.runs.get(run.result["shards"][held["shard"][place].as_py()])
        tokens = tokens_of(self.workspace.runs.table(shard, "tokens", where={"row": row}))
        layers = tuple(run.result["layers"])
        return InputTokens(
            row=row,
            layers=layers,
            grid=run.result["grid"],
            seen=self._seen(run, [row])[row],
            image=routing_tables.side_tokens(tokens, layers, IMAGE),
            text=routing_tables.side_tokens(tokens, layers, TEXT),
        )

    def recorded_rows(self, key: str) -> tuple[int, ...]:
        """Rows of the items that a recording holds, rising.

        Raises:
            UnknownName: no such recording.
        """
        return tuple(self._routing_table(self._routed(key), "held")["row"].to_pylist())

    def flows(self, key: str) -> Flows:
        """Where tokens go from layer to layer, and which experts are chosen together.

        Raises:
            UnknownName: no such recording.
        """
        run = self._routed(key)
        flow, together = (self._routing_table(run, name) for name in ("flow", "together"))
        return routing_tables.flows(run.result["layers"], run.result["experts"], flow, together)

    def classes_of_inputs(self, key: str, column: str = "label") -> tuple[str | None, ...]:
        """For each input of ``recorded(key).inputs`` the value of its item in a column.

        Of a list the first value; None where there is none.

        Raises:
            UnknownName: no such recording or column.
        """
        run = self._routed(key)
        dataset = run.params["dataset"]
        version = self.workspace.catalog.identity(dataset)

        def ask() -> tuple[str | None, ...]:
            rows, places = np.unique(self.recorded(key).inputs.rows, return_inverse=True)
            table = self.workspace.tables.take(dataset, rows, [column])
            values = [_first(value) for value in table[column].to_pylist()]
            return tuple(values[place] for place in places.tolist())

        return self._remembered((run.key, run.created, "classes", column, version), ask)

    def _routed(self, key: str) -> Run:
        run = self.workspace.runs.get(key)
        if run.kind != KIND:
            known = [each.key for each in self.workspace.runs.list(KIND)]
            raise UnknownName("recording", key, known)
        return run

    def _expert(self, key: str, layer: int, expert: int) -> Run:
        """The recording, if it has this expert."""
        run = self._routed(key)
        if layer not in run.result["layers"]:
            expected = f"one of {', '.join(map(str, run.result['layers']))}"
            raise InputError("layer of the recording", expected=expected, got=str(layer))
        if not 0 <= expert < run.result["experts"]:
            expected = f"a number from 0 to {run.result['experts'] - 1}"
            raise InputError("expert of the recording", expected=expected, got=str(expert))
        return run

    def _recording(self, run: Run, names: dict[str, str]) -> Recording:
        params, result = run.params, run.result
        version = list(self.workspace.catalog.identity(params["dataset"]))
        return Recording(
            key=run.key,
            dataset=params["dataset"],
            model=names.get(params["model"], params["model"]),
            model_key=params["model"],
            layers=tuple(result["layers"]),
            experts=result["experts"],
            top_k=result["top_k"],
            grid=result["grid"],
            modalities=params["modalities"],
            inputs=result["inputs"],
            tokens=result["tokens"],
            dropped=result["dropped"],
            capacity_factor=result["capacity_factor"],
            batch=params["batch"],
            limit=params["limit"],
            flags=result["flags"],
            notes=tuple(result["notes"]),
            seconds=result["seconds"],
            created=run.created,
            current=list(params["version"]) == version,
        )

    def _seen(self, run: Run, rows: Sequence[int]) -> dict[int, Box]:
        """By row, the part of the picture that the model saw."""
        models = {card.key: card for card in self.workspace.catalog.models()}
        card = models.get(run.params["model"])
        preprocess = run.result.get("preprocess", {}) if card is None else card.preprocess
        distinct = sorted(set(rows))
        table = self.workspace.tables.take(run.params["dataset"], distinct, ["width", "height"])
        sizes = zip(table["width"].to_pylist(), table["height"].to_pylist(), strict=True)
        return {
            row: routing_tables.seen_box(width or 0, height or 0, preprocess)
            for row, (width, height) in zip(distinct, sizes, strict=True)
        }

    def _routing_table(self, run: Run, name: str) -> pa.Table:
        return self._remembered(
            (run.key, run.created, name), lambda: self.workspace.runs.table(run, name)
        )

    def _remembered(self, key: tuple[Any, ...], ask: Callable[[], Answer]) -> Answer:
        """An answer of this process, asked once; the oldest make room."""
        with self._routing_lock:
            if key in self._routing_kept:
                self._routing_kept.move_to_end(key)
                found: Answer = self._routing_kept[key]
                return found
        found = ask()
        with self._routing_lock:
            self._routing_kept[key] = found
            while len(self._routing_kept) > _KEPT:
                self._routing_kept.popitem(last=False)
        return found


def _cell(seen: Box, grid: int, position: int) -> Box:
    """Where a patch lies in the picture."""
    left, upper, right, lower = seen
    down, across = divmod(position, max(grid, 1))
    wide, high = (right - left) / max(grid, 1), (lower - upper) / max(grid, 1)
    return (
        left + across * wide,
        upper + down * high,
        left + (across + 1) * wide,
        upper + (down + 1) * high,
    )


def _first(value: Any) -> str | None:
    if isinstance(value, list):
        value = value[0] if value else None
    return None if value is None else str(value)
