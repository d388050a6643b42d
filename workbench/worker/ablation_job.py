"""The job ``ablate-experts``: what a model can no longer do when some of its experts are off.

Each pass (the whole model, the experts asked about, random others, every single one) is published
as it ends and shared by all questions that need it; killed at any point, another attempt goes on
after the last one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.experts.damage import Pick, drawn, found_first, moved
from workbench.gpu.twin import Twin
from workbench.heads.mean import class_vectors
from workbench.types import Floats, JobInfo, Rows
from workbench.worker.ablation_inputs import Inputs, gathered
from workbench.worker.ablation_passes import Passed, Passes
from workbench.worker.ablation_question import FEWEST, KIND, PART, named, part_question, question
from workbench.worker.version import check_version

if TYPE_CHECKING:
    from store.runs import Run
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["KIND", "run"]

_LISTED = 5


def run(job: JobInfo, workspace: Workspace, control: Control) -> Mapping[str, Any]:
    """Ablate what ``params`` ask, unless that was done before.

    ``params``: see ``ablation_question.question``; or ``ask``: its arguments, made into these when
    the job begins (blocks are then texts, as JSON has them).

    Returns:
        ``run``: key of the run, whose result holds layers, experts, top_k, n (images, pairs,
        classes), loads (share of the pairs' tokens by block, expert and modality), the figures
        ``before`` and ``after``, ``controls`` and ``singles`` (off, figures), notes and seconds.
        Tables: ``pairs`` (row, caption_row; whether the image's caption and the caption's image
        were found, before and after; shifts) and, with a zero-shot run, ``answers`` (row, truth,
        before, after).

    Raises:
        InputError: a dataset changed since, or too few images can be read.
        ModelError: the model cannot be loaded, or has no experts.
    """
    params = job.params
    if "ask" in params:
        asked = dict(params["ask"])
        asked["off"] = {int(layer): experts for layer, experts in asked["off"].items()}
        params = question(workspace, **asked)
    known = workspace.runs.find(KIND, params)
    if known is not None:
        control.tick(message="Computed before; the result was kept.")
        return {"run": known.key}
    return {"run": _Ablation(workspace, control, params).run()}


@dataclass
class _Ablation:
    """One ablation under way."""

    workspace: Workspace
    control: Control
    params: Mapping[str, Any]
    unread: list[str] = field(default_factory=list)

    def run(self) -> str:
        began = time.perf_counter()
        self._forget()
        self.inputs = gathered(self.workspace, self.params)
        self.control.tick(message="Loading the model")
        encoder = self.control.models.get(self.params["model"])
        self.twin = Twin(encoder)
        self.passes = Passes(self.workspace, self.control, self.twin, self.inputs)
        off: Pick = tuple((layer, expert) for layer, expert in self.params["off"])
        controls = drawn(off, self.twin.experts, self.params["controls"], self.params["seed"])
        singles: tuple[Pick, ...] = ()
        if self.params["every"]:
            counted = range(self.twin.experts)
            singles = tuple(((layer, e),) for layer in self.twin.layers for e in counted)
        picks = tuple(dict.fromkeys([(), off, *controls, *singles]))
        self.control.tick(0, self.passes.size * len(picks), device=encoder.device.title)
        self.whole = self._whole()
        parts = {pick: self._part(pick, f"{n} of {len(picks)}") for n, pick in enumerate(picks, 1)}
        check_version(self.workspace, self.params["dataset"], self.params["version"])
        result = {
            **self._told(),
            "before": parts[()].result["figures"],
            "after": parts[off].result["figures"],
            "controls": [_figured(pick, parts[pick]) for pick in controls],
            "singles": [_figured(pick, parts[pick]) for pick in singles],
            "seconds": time.perf_counter() - began,
        }
        tables = self._tables(parts[()], parts[off])
        return self.workspace.runs.publish(KIND, self.params, result, tables).key

    def _forget(self) -> None:
        """Drop passes over a version of the dataset that is no more."""
        now = list(self.workspace.catalog.identity(self.params["dataset"]))
        for part in self.workspace.runs.list(PART):
            mine = part.params["dataset"] == self.params["dataset"]
            if mine and list(part.params["version"]) != now:
                self.workspace.runs.drop(part.key)

    def _whole(self) -> Passed:
        """The pass with all experts, made now or read back."""
        asked = part_question(self.params, ())
        part = self.workspace.runs.find(PART, asked)
        if part is None:
            self.control.tick(message="With all experts")
            whole = self.passes.whole()
            self.unread = self.passes.unread
            self._check_read(whole)
            tables = {
                "images": _vectors(whole.images, whole.image_choices, whole.read),
                "texts": _vectors(whole.texts, whole.text_choices, None),
            }
            figures, found = self._measured(whole, whole)
            told = {"figures": figures, "unread": self.unread}
            self.workspace.runs.publish(PART, asked, told, found | tables)
            return whole
        self.unread = part.result["unread"]
        self.passes.done += self.passes.size
        shape = (-1, len(self.twin.layers), self.twin.experts)
        images, texts = (self.workspace.runs.table(part, name) for name in ("images", "texts"))
        return Passed(
            images["read"].to_numpy(),
            _matrix(images, "vector"),
            _matrix(texts, "vector"),
            _matrix(images, "choices").reshape(shape),
            _matrix(texts, "choices").reshape(shape),
        )

    def _check_read(self, whole: Passed) -> None:
        readable = int(np.count_nonzero(whole.read[self.inputs.images]))
        if readable < min(FEWEST, len(self.inputs.rows)):
            raise InputError(
                f"images of {self.params['dataset']!r}",
                expected=f"at least {FEWEST} that can be read",
                got="; ".join(self.unread[:_LISTED]),
                do="Put the files back where they were imported from, and retry.",
            )

    def _part(self, off: Pick, at: str) -> Run:
        """One pass, made now or found."""
        asked = part_question(self.params, off)
        part = self.workspace.runs.find(PART, asked)
        if part is not None:
            if off:
                self.passes.done += self.passes.size
            self.control.tick(self.passes.done)
            return part
        self.control.tick(message=f"Without {named(off)} (pass {at})")
        passed = self.passes.without(self.whole, off, self.params["mode"])
        figures, tables = self._measured(self.whole, passed)
        return self.workspace.runs.publish(PART, asked, {"figures": figures}, tables)

    def _measured(
        self, whole: Passed, passed: Passed
    ) -> tuple[dict[str, float | None], dict[str, pa.Table]]:
        """Figures of a pass, and what they are made of."""
        inputs = self.inputs
        there = whole.read[inputs.images]
        images, captions = inputs.images[there], inputs.captions[there]
        seen, said = passed.images[images], passed.texts[captions]
        found = (
            found_first(seen, said, captions, captions),
            found_first(said, seen, captions, captions),
        )
        shifts = (moved(whole.images[images], seen), moved(whole.texts[captions], said))
        columns = {
            "image_found": found[0],
            "text_found": found[1],
            "image_shift": shifts[0],
            "text_shift": shifts[1],
        }
        tables = {"pairs": pa.table({name: pa.array(v) for name, v in columns.items()})}
        figures: dict[str, float | None] = {
            "top1": None,
            "image_to_text": float(found[0].mean()),
            "text_to_image": float(found[1].mean()),
            "image_shift": float(shifts[0].mean()),
            "text_shift": float(shifts[1].mean()),
        }
        answers, truth = _answers(inputs, passed)
        if len(answers):
            figures["top1"] = float(np.mean(answers == truth))
            tables["answers"] = pa.table({"answer": pa.array(answers)})
        return figures, tables

    def _told(self) -> dict[str, Any]:
        """What the figures rest on."""
        inputs, whole = self.inputs, self.whole
        there = whole.read[inputs.images]
        sides = (
            whole.image_choices[inputs.images[there]],
            whole.text_choices[inputs.captions[there]],
        )
        sums = [side.sum(axis=0, dtype=np.float64) for side in sides]  # (L, E) each
        loads = np.stack([each / each.sum(axis=1, keepdims=True) for each in sums], axis=-1)
        labelled = inputs.labelled
        return {
            "layers": list(self.twin.layers),
            "experts": self.twin.experts,
            "top_k": self.twin.model.config.top_k,
            "n": {
                "pairs": int(there.sum()),
                "images": 0 if labelled is None else int(whole.read[labelled.images].sum()),
                "classes": 0 if labelled is None else len(labelled.starts) - 1,
            },
            "loads": loads.tolist(),
            "notes": self._notes(),
        }

    def _notes(self) -> list[str]:
        inputs = self.inputs
        notes = [
            "Of each item the first caption is taken; a result with the very same text counts as "
            "right. Nothing is dropped for want of room."
        ]
        if self.params["mode"] == "reroute":
            notes.append("Rerouted: routers choose and weigh as if the model had only the others.")
        if inputs.labelled is None:
            notes.append("The model has no zero-shot run with the mean of prompts to repeat.")
        if self.unread:
            shown = "; ".join(self.unread[:_LISTED]) + " ..." * (len(self.unread) > _LISTED)
            notes.append(f"{len(self.unread):,} images could not be read: {shown}")
        return notes

    def _tables(self, before: Run, after: Run) -> dict[str, pa.Table]:
        """Input by input, before and after."""
        there = self.whole.read[self.inputs.images]
        columns: dict[str, Any] = {
            "row": pa.array(self.inputs.rows[there]),
            "caption_row": pa.array(self.inputs.caption_rows[there]),
        }
        first, second = (self.workspace.runs.table(part, "pairs") for part in (before, after))
        for side in ("image", "text"):
            columns[f"{side}_before"] = first[f"{side}_found"]
            columns[f"{side}_after"] = second[f"{side}_found"]
            columns[f"{side}_shift"] = second[f"{side}_shift"]
        tables = {"pairs": pa.table(columns)}
        labelled = self.inputs.labelled
        if labelled is not None and "answers" in after.tables:
            seen = self.whole.read[labelled.images]
            said = [self.workspace.runs.table(part, "answers") for part in (before, after)]
            tables["answers"] = pa.table(
                {
                    "row": pa.array(labelled.rows[seen]),
                    "truth": pa.array(labelled.truth[seen]),
                    "before": said[0]["answer"],
                    "after": said[1]["answer"],
                }
            )
        return tables


def _answers(inputs: Inputs, passed: Passed) -> tuple[Rows, Rows]:
    """Class given to each labelled image that can be read, and its true one."""
    labelled = inputs.labelled
    if labelled is None:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    there = passed.read[labelled.images]
    vectors, _ = class_vectors(passed.texts[labelled.prompts], labelled.starts)
    scores = passed.images[labelled.images[there]] @ vectors.T
    return scores.argmax(axis=1).astype(np.int64), labelled.truth[there]


def _figured(off: Pick, part: Run) -> dict[str, Any]:
    return {"off": [list(each) for each in off], "figures": part.result["figures"]}


def _vectors(vectors: Floats, choices: Floats, read: NDArray[np.bool_] | None) -> pa.Table:
    columns = {"vector": vectors, "choices": choices.reshape(len(choices), -1)}
    made: dict[str, pa.Array] = {
        name: pa.FixedSizeListArray.from_arrays(
            pa.array(np.ascontiguousarray(each).reshape(-1)), each.shape[1]
        )
        for name, each in columns.items()
    }
    return pa.table(made if read is None else made | {"read": pa.array(read)})


def _matrix(table: pa.Table, name: str) -> Floats:
    column = table[name].combine_chunks()
    found: Floats = column.flatten().to_numpy().reshape(-1, column.type.list_size)
    return found
