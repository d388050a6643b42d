"""ZLaP: class texts and unlabelled images in one graph; the texts' labels flow along its edges."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.heads import mean
from workbench.heads.head import Images, LinearScorer, Material
from workbench.heads.neighbours import merge, nearest
from workbench.heads.softmax import log_softmax
from workbench.method import Method
from workbench.params import param
from workbench.types import Floats, Rows

__all__ = [
    "METHOD",
    "Params",
    "Sparse",
    "affinity",
    "edges",
    "graph",
    "image_neighbours",
    "log_scores",
    "prepare",
    "propagate",
    "room",
]

FLOOR = np.float32(1e-12)
"""Score given to a class that no path leads to, so that its logit is finite."""

_MEMORY = 1 << 29

Sparse = Any
"""A scipy.sparse array; scipy has no types."""


@dataclass(frozen=True)
class Params:
    """The graph, and how far labels flow in it."""

    neighbours: int = param(
        5, help="Nearest images (itself counted) and nearest texts of an image.", low=1, high=1000
    )
    power: float = param(5.0, help="Image-text cosines are raised to it.", low=0.1, high=50)
    alpha: float = param(0.3, help="Share that flows on along the edges.", low=0.01, high=0.99)
    tolerance: float = param(1e-6, help="Residual at which the solver stops.", low=1e-12, high=0.1)
    iterations: int = param(50, help="Most steps of the solver, a class.", low=1, high=10_000)


def image_neighbours(images: Images, k: int) -> tuple[Rows, Floats]:
    """The k images nearest to each image, itself among them, block against block.

    Returns:
        int64 (N, K) rows and float32 (N, K) inner products, best first, K = min(k, N).
    """
    rows = np.empty((images.n, min(k, images.n)), np.int64)
    products = np.empty(rows.shape, np.float32)
    for first, queries in images.blocks():
        best = (rows[:0], products[:0])
        for start, keys in images.blocks():
            near, values = nearest(queries, keys, k)
            best = merge(best, (near + start, values), k) if start else (near, values)
        rows[first : first + len(queries)], products[first : first + len(queries)] = best
    return rows, products


def edges(similarities: Floats, power: float = 1.0) -> Floats:
    """Weights of edges: similarities raised to the power, negative ones 0."""
    return np.maximum(similarities, 0, dtype=np.float32) ** np.float32(power)


def affinity(to_texts: tuple[Rows, Floats], to_images: tuple[Rows, Floats], texts: int) -> Sparse:
    """Symmetric normalised weights of the graph: C texts, then N images.

    Args:
        to_texts: (N, K) text of each edge and its weight.
        to_images: (N, K) image of each edge and its weight; an edge to itself is dropped.
        texts: C.

    Returns:
        sparse float64 (C + N, C + N): ``D^-1/2 (W + W') D^-1/2``; the row of a node without edges
        is 0. An edge chosen from both its ends counts twice.
    """
    from scipy import sparse

    n = len(to_texts[0])
    nodes = np.arange(texts, texts + n)
    ends = [to_texts[0], to_images[0] + texts]
    weights = [to_texts[1], to_images[1]]
    left = np.concatenate([np.repeat(nodes, e.shape[1]) for e in ends])
    right = np.concatenate([e.ravel() for e in ends])
    values = np.concatenate([w.ravel() for w in weights]).astype(np.float64)
    keep = (left != right) & (values > 0)
    size = (texts + n, texts + n)
    one_way = sparse.csr_array((values[keep], (left[keep], right[keep])), shape=size)
    both = sparse.csr_array(one_way + one_way.T)
    degree = np.asarray(both.sum(axis=1)).ravel()
    root = np.zeros_like(degree)
    np.divide(1, np.sqrt(degree), out=root, where=degree > 0)
    return sparse.csr_array(sparse.diags_array(root) @ both @ sparse.diags_array(root))


def graph(images: Images, texts: Floats, params: Params) -> Sparse:
    """The normalised graph of the class texts and the images, see ``affinity``."""
    texts_of = [nearest(block, texts, params.neighbours) for _, block in images.blocks()]
    k = min(params.neighbours, len(texts))
    ends = np.concatenate([rows for rows, _ in texts_of] or [np.empty((0, k), np.int64)])
    cosines = np.concatenate([c for _, c in texts_of] or [np.empty((0, k), np.float32)])
    rows, products = image_neighbours(images, params.neighbours)
    return affinity((ends, edges(cosines, params.power)), (rows, edges(products)), len(texts))


def propagate(matrix: Sparse, texts: int, params: Params) -> Floats:
    """What each class text sends to each node: ``z`` of ``(I - alpha W) z = onehot(text)``.

    Solved for one class after another by conjugate gradients until the residual is below the
    tolerance or the iterations are used up; the system is positive definite as alpha < 1.

    Args:
        matrix: W, sparse (C + N, C + N), of ``affinity``.
        texts: C.
        params: alpha, tolerance and iterations are used.

    Returns:
        float32 (C, C + N), not negative; 0 where no path leads. In a temporary file when large.
    """
    from scipy import sparse
    from scipy.sparse.linalg import cg

    nodes = matrix.shape[0]
    system = sparse.csr_array(sparse.eye_array(nodes) - params.alpha * matrix)
    found = room((texts, nodes))
    for label in range(texts):
        seed = np.zeros(nodes)
        seed[label] = 1
        solution, _ = cg(system, seed, rtol=params.tolerance, maxiter=params.iterations)
        np.maximum(solution, 0, out=found[label], casting="same_kind")
    return found


def room(shape: tuple[int, int]) -> Floats:
    """An uninitialised float32 array, in a nameless temporary file above half a gigabyte."""
    if shape[0] * shape[1] * 4 <= _MEMORY:
        return np.empty(shape, np.float32)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, np.float32, "w+", shape=shape)


def log_scores(scores: Floats, block: Floats, plain: LinearScorer) -> Floats:
    """Logarithms of the scores; an image that nothing reached gets the mean head's answer.

    Args:
        scores: float32 (b, C), not negative.
        block: float32 (b, D), the images.
        plain: the mean head.

    Returns:
        float32 (b, C), whose softmax are the scores made to sum to 1 (or the mean head's
        probabilities).
    """
    found: Floats = np.log(np.maximum(scores, FLOOR))
    alone = np.flatnonzero(scores.max(axis=1, initial=0) <= 0)
    if len(alone):
        found[alone] = log_softmax(plain.logits(block[alone], 0))
    return found


@dataclass(frozen=True)
class _Scorer:
    scores: Floats
    plain: LinearScorer
    shared: float = 0.0

    def logits(self, block: Floats, start: int) -> Floats:
        """float32 (b, C): logarithms of what the class texts sent to the images."""
        classes = len(self.scores)
        own = self.scores[:, classes + start : classes + start + len(block)]
        return log_scores(np.ascontiguousarray(own.T), block, self.plain)

    def parts(self, vector: Floats, place: int, row: int) -> Floats | None:
        """None: labels come through the graph."""
        return None


def prepare(material: Material, params: Params) -> _Scorer:
    """Label propagation over all images at once; the class texts are those of the mean head.

    Logits are logarithms of the propagated scores. Negative similarities are no edges; an image
    without an edge gets the mean head's answer. Exactly equal images may choose different
    neighbours among themselves. Scores below the tolerance are noise of the solver. Time
    grows with N squared (100,000 images: minutes); memory does not: scores above half a gigabyte
    are kept in a temporary file.
    """
    plain = mean.prepare(material, mean.Params())
    matrix = graph(material.images, plain.weights, params)
    return _Scorer(propagate(matrix, material.classes, params), plain)


METHOD = Method(
    key="zlap",
    title="ZLaP",
    question="Which class's text reaches the image through its neighbours among all images?",
    needs=frozenset({"prompts"}),
    params=Params,
    prepare=prepare,
    transductive=True,
    unit="log score",
    source="Stojnić et al., CVPR 2024, section 4",
)
