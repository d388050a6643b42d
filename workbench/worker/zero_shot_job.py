"""The job ``evaluate-zero-shot``: every image of a dataset is given one of a set of classes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.filters import from_json
from workbench.heads.head import LinearScorer, Material, Support
from workbench.measures.hierarchy import hop_distances, path_matrix
from workbench.method import Method
from workbench.methods import method
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet, expand
from workbench.types import Floats, JobInfo, Rows
from workbench.worker.retrieved import Retrieval, retrieved
from workbench.worker.version import check_version
from workbench.worker.zero_shot_question import KIND, question
from workbench.worker.zero_shot_report import class_tables, figures
from workbench.worker.zero_shot_scoring import StoredImages, score
from workbench.worker.zero_shot_texts import differences, text_vectors

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["KIND", "run"]


def run(job: JobInfo, workspace: Workspace, control: Control) -> Mapping[str, Any]:
    """Evaluate what ``params`` ask, unless that was done before.

    ``params``: dataset, version (``Catalog.identity``), model (key), classes and prompts (keys of
    ``Workspace.sets``), head, options, shots, label (column), where (JSON of filters), groups
    (columns), seed, code; for heads that need them pairs (``Pairs.to_json``). Or ``ask``: the
    arguments of ``zero_shot_question.question``, made into these when the job begins.

    Returns:
        ``run``: key of the run, whose result holds the figures and whose tables are
        ``predictions``, ``classes``, ``confusion``, ``order`` and, for heads that are linear in
        their prompts, ``factors``.

    Raises:
        InputError: the dataset changed since, lacks vectors, or has no image with a label.
        ModelError: the model cannot be loaded.
    """
    params = job.params
    if "ask" in params:  # asked before the dataset and the model were there
        params = question(workspace, **params["ask"])
    known = workspace.runs.find(KIND, params)
    if known is not None:
        control.tick(message="Computed before; the result was kept.")
        return {"run": known.key}
    return {"run": _Evaluation(workspace, control, params).run()}


@dataclass
class _Evaluation:
    """One evaluation under way."""

    workspace: Workspace
    control: Control
    params: Mapping[str, Any]

    def run(self) -> str:
        began = time.perf_counter()
        check_version(self.workspace, self.params["dataset"], self.params["version"])
        content = self.workspace.sets.get("classes", self.params["classes"])
        classes = ClassSet.from_json(content)
        prompts = PromptSet.from_json(self.workspace.sets.get("prompts", self.params["prompts"]))
        head = method(self.params["head"])
        rows, table = self._items()
        truth, labels = _truths(table[self.params["label"]], classes)
        rows, truth, labels, support, notes = self._parted(head, rows, truth, labels, classes)
        if not np.any(truth >= 0):
            raise InputError(
                f"labels of {self.params['dataset']!r} in column {self.params['label']!r}",
                expected="labels of the class set",
                got="none that is one of its classes",
                do="Choose the column that holds the true class, or another class set.",
            )
        expanded = expand(classes, prompts)
        texts = text_vectors(self.workspace, self.control, self.params["model"], expanded.texts)
        model = self.workspace.catalog.model(self.params["model"])
        images = StoredImages(
            self.workspace, self.params["dataset"], model.key, rows, texts.shape[1]
        )
        if "retrieved" in head.needs:
            asked = Retrieval(**self.params["retrieve"])
            support, note = retrieved(
                self.workspace,
                asked,
                model.key,
                texts=texts,
                starts=expanded.starts,
                seed=self.params["seed"],
            )
            notes.append(note)
        metric = None
        if "metric" in head.needs and classes.has_hierarchy:
            metric = hop_distances(path_matrix(classes.paths))
        material = Material(
            images=images,
            texts=texts,
            starts=expanded.starts,
            scale=model.logit_scale,
            bias=model.logit_bias,
            support=support,
            metric=metric,
            pairs=self._pairs(),
            seed=self.params["seed"],
        )
        self.control.tick(0, len(rows), f"Preparing {head.title}")
        scorer = head.prepare(material, head.build(self.params["options"]))
        scored = score(
            images,
            scorer,
            truth,
            labels,
            self.control,
            classes=len(classes),
            seed=self.params["seed"],
            probability=head.probability,
        )
        if head.probability == "sigmoid":
            notes.append("Each class is judged alone: confidences of an image do not sum to 1.")
        self.control.tick(message="Measuring")
        places = np.searchsorted(self._all_rows, rows)
        groups = {name: table[name].take(places).to_pylist() for name in self.params["groups"]}
        result = figures(scored, classes, groups, labels=labels, seed=self.params["seed"])
        if labels is not None:
            notes.append("An answer counts as right when it is any of an image's true labels.")
        if result["without_label"]:
            notes.append(
                f"{result['without_label']:,} images without a label of the class set are "
                "predicted but not measured."
            )
        tables = {"predictions": scored.table(rows), **class_tables(scored, classes)}
        if isinstance(scorer, LinearScorer) and scorer.factors is not None:
            tables["factors"] = pa.table({"factor": pa.array(scorer.factors)})
        check_version(self.workspace, self.params["dataset"], self.params["version"])
        result |= {
            "classes": len(classes),
            "prompts": len(expanded.texts),
            "notes": notes,
            "seconds": time.perf_counter() - began,
        }
        return self.workspace.runs.publish(KIND, self.params, result, tables).key

    def _pairs(self) -> tuple[Floats, Floats] | None:
        """Differences of the texts of each pair: to reject, and to accept."""
        given = self.params.get("pairs")
        if given is None:
            return None
        model = self.params["model"]
        return differences(
            given, lambda texts: text_vectors(self.workspace, self.control, model, texts)
        )

    def _items(self) -> tuple[Rows, pa.Table]:
        """Rows of the images to look at, and their label and group columns."""
        dataset = self.params["dataset"]
        where = from_json(self.params["where"]) if self.params["where"] else ()
        tables = self.workspace.tables
        rows = tables.rows(dataset, where)
        label = self.params["label"]
        columns = list(dict.fromkeys(["uri", label, *self.params["groups"]]))
        table = tables.take(dataset, rows, columns)
        with_image = table["uri"].is_valid().to_numpy()
        self._all_rows = rows[with_image]
        return self._all_rows, table.filter(with_image)

    def _parted(
        self,
        head: Method,
        rows: Rows,
        truth: NDArray[np.int32],
        labels: list[list[int]] | None,
        classes: ClassSet,
    ) -> tuple[Rows, NDArray[np.int32], list[list[int]] | None, Support | None, list[str]]:
        """For few-shot heads the labelled images are taken out of those that are evaluated."""
        if "support" not in head.needs:
            return rows, truth, labels, None, []
        rng = np.random.default_rng(self.params["seed"])
        shots = int(self.params["shots"])
        chosen = []
        for place in range(len(classes)):
            mine = np.flatnonzero(truth == place)
            # at least one image of a class stays to be evaluated
            chosen.append(rng.permutation(mine)[: min(shots, max(0, len(mine) - 1))])
        places = np.sort(np.concatenate(chosen))
        if not len(places):
            raise InputError(
                f"labelled images of {self.params['dataset']!r}",
                expected="a class with at least two images",
                got="none",
                do="Few-shot heads learn from some of the images and are measured on the others.",
            )
        vectors = self.workspace.vectors.take(
            self.params["dataset"], self.params["model"], "image", rows[places]
        )
        support = Support(vectors, truth[places].astype(np.int64))
        rest = np.setdiff1d(np.arange(len(rows)), places)
        empty = len(classes) - len(np.unique(truth[places]))
        note = (
            f"{len(places):,} images (up to {shots} a class, drawn with seed "
            f"{self.params['seed']}) were learned from and are not measured"
        )
        note += f"; {empty:,} classes had none to give." if empty else "."
        kept = None if labels is None else [labels[place] for place in rest]
        return rows[rest], truth[rest], kept, support, [note]


def _truths(
    column: pa.ChunkedArray, classes: ClassSet
) -> tuple[NDArray[np.int32], list[list[int]] | None]:
    """True class of each image, -1 for none; and where labels are lists, all of them."""
    places = classes.places
    values = column.to_pylist()
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        lists = [
            sorted({places[str(one)] for one in each or () if str(one) in places})
            for each in values
        ]
        return np.array([each[0] if each else -1 for each in lists], dtype=np.int32), lists
    found = [-1 if value is None else places.get(str(value), -1) for value in values]
    return np.array(found, dtype=np.int32), None
