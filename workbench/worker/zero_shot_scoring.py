"""Scores every image of a zero-shot run, block by block, and keeps what is asked about later."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.heads import sigmoid
from workbench.heads.cores import block_size, dealt
from workbench.heads.head import BLOCK, Decides, Scorer, scored
from workbench.heads.softmax import certainty
from workbench.heads.top import rank_of, top
from workbench.method import Probability
from workbench.types import Floats, Rows, check_unit_rows

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["Scored", "StoredImages", "score"]

TOP = 10
_KEPT_CELLS = 1 << 25
_KEPT_IMAGES = 10_000


@dataclass(frozen=True)
class StoredImages:
    """Chosen images of a dataset, read from its vectors as they are needed.

    Args:
        workspace: where they are.
        dataset: its name.
        model: key of the model.
        rows: int64 (N,), ascending.
        dim: D.
    """

    workspace: Workspace
    dataset: str
    model: str
    rows: Rows
    dim: int

    @property
    def n(self) -> int:
        """N."""
        return len(self.rows)

    def blocks(self, size: int = BLOCK) -> Iterator[tuple[int, Floats]]:
        """(first place, float32 (b, D)), checked to be unit rows."""
        for start in range(0, self.n, size):
            rows = self.rows[start : start + size]
            block = self.workspace.vectors.take(self.dataset, self.model, "image", rows)
            check_unit_rows(block, f"images of {self.dataset} from row {rows[0]}")
            yield start, block


@dataclass
class Scored:
    """What is known of N images after scoring; one array a column.

    Args:
        truth: int32 (N,) true class, -1 for none; where several are true the best scored of them.
        sampled: int64 places of the images whose logits are kept for calibration.
        probability: how ``probabilities`` were made; ``entropy`` is that of the softmax always.
    """

    truth: NDArray[np.int32]
    sampled: Rows
    probability: Probability = "softmax"
    top: list[NDArray[np.int32]] = field(default_factory=list)
    scores: list[Floats] = field(default_factory=list)
    probabilities: list[Floats] = field(default_factory=list)
    rank: list[NDArray[np.int32]] = field(default_factory=list)
    margin: list[Floats] = field(default_factory=list)
    entropy: list[Floats] = field(default_factory=list)
    prompt: list[NDArray[np.int32]] = field(default_factory=list)
    logits: list[Floats] = field(default_factory=list)

    def column(self, name: str) -> NDArray[Any]:
        """One column of all images."""
        found: NDArray[Any] = np.concatenate(getattr(self, name))
        return found

    def table(self, rows: Rows) -> pa.Table:
        """The predictions as they are stored; see ``store.predictions``."""
        tops = {name: self.column(name) for name in ("top", "scores", "probabilities")}
        lists = {
            name: pa.FixedSizeListArray.from_arrays(pa.array(values.reshape(-1)), values.shape[1])
            for name, values in tops.items()
        }
        rest = {name: pa.array(self.column(name)) for name in ("rank", "margin", "entropy")}
        return pa.table(
            {
                "row": pa.array(rows),
                "truth": pa.array(self.truth),
                **lists,
                **rest,
                "confidence": pa.array(np.ascontiguousarray(tops["probabilities"][:, 0])),
                "prompt": pa.array(self.column("prompt")),
            }
        )


def score(
    images: StoredImages,
    scorer: Scorer,
    truth: NDArray[np.int32],
    labels: list[list[int]] | None,
    control: Control,
    *,
    classes: int,
    seed: int,
    probability: Probability = "softmax",
) -> Scored:
    """Score every image.

    Args:
        images: N images.
        scorer: of the head.
        truth: int32 (N,), -1 for none.
        labels: N lists of all true classes, where several may be; replaces ``truth``.
        control: told of progress; raises when the job shall stop.
        classes: C.
        seed: of the sample kept for calibration.
        probability: what makes probabilities of logits; sigmoid judges each class alone.
    """
    truth = truth.copy()
    found = Scored(truth, _sample(truth, classes, seed), probability)

    def work(given: tuple[int, Floats]) -> _Part:
        start, block = given
        span = slice(start, start + len(block))
        several = None if labels is None else labels[span]
        logits = scored(scorer, block, start, classes)
        return _judge(found, block, start, logits=logits, labels=several)

    deciding = _Deciding(found, scorer)
    with closing(dealt(work, images.blocks(min(BLOCK, block_size(classes))))) as parts:
        for part in parts:
            stop = part.start + len(part.block)
            truth[part.start : stop] = part.truth
            _add(found, part)
            deciding.add(part.block, part.top[:, 0])
            control.tick(stop, images.n, "Scoring images")
    deciding.finish()
    return found


def _sample(truth: NDArray[np.int32], classes: int, seed: int) -> Rows:
    """Images kept for calibration: at most 10,000 with a label, and 128 MiB of logits."""
    known = np.flatnonzero(truth >= 0)
    most = min(_KEPT_IMAGES, max(2, _KEPT_CELLS // classes))
    if len(known) <= most:
        return known
    chosen: Rows = np.random.default_rng(seed).choice(known, most, replace=False)
    return np.sort(chosen)


def _best_true(logits: Floats, labels: list[list[int]]) -> NDArray[np.int32]:
    """The best scored of each image's true classes; -1 for none."""
    return np.array(
        [
            max(each, key=lambda c: (logits[i, c], -c)) if each else -1
            for i, each in enumerate(labels)
        ],
        dtype=np.int32,
    )


@dataclass(frozen=True)
class _Part:
    """What one block of images came to: the columns of ``Scored``, and the block itself."""

    start: int
    block: Floats
    truth: NDArray[np.int32]
    top: NDArray[np.int32]
    scores: Floats
    probabilities: Floats
    rank: NDArray[np.int32]
    margin: Floats
    entropy: Floats
    logits: Floats


def _judge(
    found: Scored, block: Floats, start: int, *, logits: Floats, labels: list[list[int]] | None
) -> _Part:
    truth = found.truth[start : start + len(block)]
    if labels is not None:
        truth = _best_true(logits, labels)
    best, scores = top(logits, TOP)
    likely, entropy = certainty(logits, scores)
    if found.probability == "sigmoid":
        likely = sigmoid.probabilities(scores)
    rank, margin = rank_of(logits, truth), _margins(logits, truth, best, scores)
    first, last = np.searchsorted(found.sampled, (start, start + len(block)))
    kept = logits[found.sampled[first:last] - start]
    return _Part(start, block, truth, best, scores, likely, rank, margin, entropy, kept)


def _add(found: Scored, part: _Part) -> None:
    for name in ("top", "scores", "probabilities", "rank", "margin", "entropy", "logits"):
        getattr(found, name).append(getattr(part, name))


class _Deciding:
    """Finds the deciding prompts of many images at once: those of a class share a product."""

    def __init__(self, found: Scored, scorer: Scorer) -> None:
        self._found, self._scorer = found, scorer
        self._blocks: list[Floats] = []
        self._predicted: list[NDArray[np.int32]] = []

    def add(self, block: Floats, predicted: NDArray[np.int32]) -> None:
        """Images and the class that each was given; looked at when there are enough."""
        self._blocks.append(block)
        self._predicted.append(predicted)
        if sum(map(len, self._predicted)) >= BLOCK:
            self.finish()

    def finish(self) -> None:
        """Look at those that are left."""
        if self._blocks:
            block, predicted = np.concatenate(self._blocks), np.concatenate(self._predicted)
            self._found.prompt.append(_deciding(self._scorer, block, predicted))
        self._blocks, self._predicted = [], []


def _margins(
    logits: Floats, truth: NDArray[np.int32], best: NDArray[np.int32], scores: Floats
) -> Floats:
    """Logit of the true class (of the best, where there is none) minus the best other one."""
    if logits.shape[1] == 1:
        return np.zeros(len(logits), dtype=np.float32)
    own_class = np.where(truth >= 0, truth, best[:, 0]).astype(np.int64)
    own = np.take_along_axis(logits, own_class[:, None], axis=1)[:, 0]
    other = np.where(best[:, 0] == own_class, scores[:, 1], scores[:, 0])
    found: Floats = (own - other).astype(np.float32)
    return found


def _deciding(scorer: Scorer, block: Floats, predicted: NDArray[np.int32]) -> NDArray[np.int32]:
    """Place of the prompt that contributes most to the answer; -1 where there are none."""
    found = scorer.deciding(block, predicted) if isinstance(scorer, Decides) else None
    return np.full(len(block), -1, dtype=np.int32) if found is None else found
