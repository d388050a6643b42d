"""ZLaP, inductive: labels flow over a sample of the images; every image then reads them off."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from workbench.heads import mean, zlap
from workbench.heads.head import ArrayImages, Images, LinearScorer, Material
from workbench.heads.neighbours import nearest
from workbench.method import Method
from workbench.params import param
from workbench.types import Floats, Rows

__all__ = ["METHOD", "Params", "prepare"]


@dataclass(frozen=True)
class Params(zlap.Params):
    """Those of ZLaP, and the size of the sample."""

    sample: int = param(
        10_000, help="Images, drawn at random, that the graph is made of.", low=1, high=1_000_000
    )


@dataclass(frozen=True)
class _Scorer:
    sent: Floats
    sample: Floats
    plain: LinearScorer
    params: Params
    shared: float = 0.0

    def logits(self, block: Floats, start: int) -> Floats:
        """float32 (b, C): logarithms of what the neighbours of the images received."""
        from scipy import sparse

        texts = self.plain.weights
        near_texts, cosines = nearest(block, texts, self.params.neighbours)
        near_images, products = nearest(block, self.sample, self.params.neighbours)
        ends = np.concatenate([near_texts, near_images + len(texts)], axis=1)
        powered = zlap.edges(cosines, self.params.power)
        weights = np.concatenate([powered, zlap.edges(products)], axis=1)
        first = np.arange(0, ends.size + 1, ends.shape[1])
        shape = (len(block), len(self.sent))
        links = sparse.csr_array((weights.ravel(), ends.ravel(), first), shape=shape)
        return zlap.log_scores(np.asarray(links @ self.sent), block, self.plain)

    def parts(self, vector: Floats, place: int, row: int) -> Floats | None:
        """None: labels come through the graph."""
        return None


def prepare(material: Material, params: Params) -> _Scorer:
    """The graph of the class texts and a sample; an image adds up what its neighbours received.

    An image that is itself in the sample finds itself among its neighbours, as in the
    transductive head. Images are scored one by one, so a block's answer does not depend on the
    rest; without any image the graph is empty and an image reads only its texts.
    """
    plain = mean.prepare(material, mean.Params())
    rng = np.random.default_rng(material.seed)
    size = min(params.sample, material.images.n)
    chosen = np.sort(rng.choice(material.images.n, size, replace=False))
    sample = _gathered(material.images, chosen)
    found = zlap.propagate(
        zlap.graph(ArrayImages(sample), plain.weights, params), material.classes, params
    )
    sent = zlap.room((found.shape[1], found.shape[0]))
    sent[:] = found.T
    return _Scorer(sent, sample, plain, params)


def _gathered(images: Images, rows: Rows) -> Floats:
    """float32 (n, D): the images of the rows, which ascend."""
    found = np.empty((len(rows), images.dim), np.float32)
    for start, block in images.blocks():
        first, last = np.searchsorted(rows, [start, start + len(block)])
        found[first:last] = block[rows[first:last] - start]
    return found


METHOD = Method(
    key="zlap-inductive",
    title="ZLaP, inductive",
    question="Which class's text reached the image's neighbours in a sample of the images?",
    needs=frozenset({"prompts"}),
    params=Params,
    prepare=prepare,
    transductive=True,
    unit="log score",
    source="Stojnić et al., CVPR 2024, section 4.3",
)
