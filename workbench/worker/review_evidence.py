"""What speaks for each kind of mistake, gathered from a run and its images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.measures.hierarchy import mistake_heights, path_matrix
from workbench.measures.out_of_vocabulary import best_outside
from workbench.measures.slices import PairSlice
from workbench.prompts.classes import ClassSet
from workbench.prompts.vocabulary import TEMPLATE, outside, vocabulary
from workbench.types import Floats, Rows
from workbench.worker.zero_shot_texts import text_vectors

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["beyond_classes", "far", "fine_grained", "spurious"]

_SURPRISING = 0.05
_FAR = 0.1


def beyond_classes(
    workspace: Workspace, control: Control, model: str, classes: ClassSet, vectors: Floats
) -> list[str | None]:
    """Of each of M images the word that describes it better than every class; None for none.

    The vectors of all words are kept, those of the class names apart from them.

    Args:
        workspace: where vectors are kept.
        control: gives the model, is told of progress.
        model: its key.
        classes: of the run.
        vectors: (M, D), unit rows.
    """
    if not len(vectors):
        return []
    words = vocabulary()
    known = text_vectors(workspace, control, model, [TEMPLATE.format(word) for word in words])
    names = list(dict.fromkeys([*classes.names, *(w for each in classes.synonyms for w in each)]))
    inside = text_vectors(workspace, control, model, [TEMPLATE.format(name) for name in names])
    free = np.flatnonzero(outside(classes))
    found = best_outside(vectors, inside, known[free])
    far_out = found.beyond(workspace.catalog.model(model).logit_scale)
    return [
        words[free[word]] if out else None for word, out in zip(found.word, far_out, strict=True)
    ]


def fine_grained(
    classes: ClassSet, truth: NDArray[np.int32], predicted: NDArray[np.int32]
) -> NDArray[np.bool_]:
    """Mistakes between classes of one parent: bool (M,); none without a hierarchy."""
    if not classes.has_hierarchy:
        return np.zeros(len(truth), dtype=bool)
    return np.asarray(mistake_heights(path_matrix(classes.paths), truth, predicted) == 1)


def spurious(
    pairs: tuple[PairSlice, ...],
    groups: Mapping[str, list[Any]],
    wrong: Rows,
    predicted: NDArray[np.int32],
) -> NDArray[np.bool_]:
    """Mistakes with a group value on which wrong answers of their class gather: bool (M,).

    Args:
        pairs: of ``measures.slices.class_slices``.
        groups: column -> N values.
        wrong: int64 (M,), places of the mistakes.
        predicted: int32 (M,), their answers.
    """
    found = np.zeros(len(wrong), dtype=bool)
    for pair in pairs:
        if pair.excess.p_corrected < _SURPRISING:
            values = groups[pair.excess.column]
            has = np.array([values[place] == pair.excess.value for place in wrong], dtype=bool)
            found |= has & (predicted == pair.predicted)
    return found


def far(vectors: Floats, truth: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Images that are less like the mean of their class than nine in ten are: bool (N,)."""
    known = np.flatnonzero(truth >= 0)
    means = np.zeros((int(truth.max(initial=0)) + 1, vectors.shape[1]), dtype=np.float64)
    np.add.at(means, truth[known], vectors[known])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    near = np.einsum("nd,nd->n", vectors[known], means[truth[known]])
    found = np.zeros(len(truth), dtype=bool)
    if len(near):
        found[known] = near < np.quantile(near, _FAR)
    return found
