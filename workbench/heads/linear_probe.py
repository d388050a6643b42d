"""Linear probe: logistic regression on the labelled images, its strength chosen among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.heads.head import Material, Scorer
from workbench.heads.softmax import log_softmax
from workbench.heads.support import held_out, hide, labelled
from workbench.method import Method
from workbench.params import param
from workbench.types import Floats, Rows

__all__ = ["METHOD", "Params", "choose", "fit", "prepare"]

Doubles = NDArray[np.float64]

STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0, 10000.0)
"""Candidates for the inverse regularisation; features of unit length need large ones."""

ONE_SHOT = 100.0
"""Strength where nothing can be held out; with one image a class the ranking hardly asks for it."""


@dataclass(frozen=True)
class Params:
    """How strong the probe is, and how that is found."""

    strength: float = param(
        0.0, help="Inverse regularisation (C); 0 chooses it on held-out images.", low=0, high=1e8
    )
    share: float = param(
        0.2, help="Share of the labelled images held out for the choice.", low=0.05, high=0.5
    )
    iterations: int = param(1000, help="Most steps of L-BFGS.", low=1, high=100_000)


def fit(
    vectors: Floats,
    labels: Rows,
    classes: int,
    strength: float,
    *,
    iterations: int = 1000,
    begin: Doubles | None = None,
) -> Doubles:
    """Weights and biases of multinomial logistic regression, by L-BFGS.

    Minimises ``strength * sum of cross entropies + |W|^2 / 2``; the biases are not penalised. With
    two classes this is scikit-learn's multinomial objective, not its one-vector binary one.

    Args:
        vectors: float32 (M, D).
        labels: int64 (M,) in [0, classes).
        classes: K, number of classes.
        strength: inverse of the regularisation (scikit-learn's ``C``), above 0.
        iterations: most steps of L-BFGS.
        begin: float64 (K, D + 1) to start from; zeros if None.

    Returns:
        float64 (K, D + 1), the last column the biases.
    """
    from scipy.optimize import minimize

    padded = np.concatenate([vectors, np.ones((len(vectors), 1), np.float32)], axis=1)
    shape = (classes, padded.shape[1])
    rows = np.arange(len(labels))

    def objective(flat: Doubles) -> tuple[float, Doubles]:
        weights = flat.reshape(shape)
        logits = (padded @ weights.T.astype(np.float32)).astype(np.float64)
        logits -= logits.max(axis=1, keepdims=True)
        totals = np.exp(logits).sum(axis=1)
        loss = float((np.log(totals) - logits[rows, labels]).sum())
        slopes = np.exp(logits) / totals[:, None]
        slopes[rows, labels] -= 1
        gradient = (slopes.T.astype(np.float32) @ padded).astype(np.float64)
        penalised = weights[:, :-1]
        gradient[:, :-1] += penalised / strength
        value = loss + 0.5 * float((penalised**2).sum()) / strength
        return value / len(labels), gradient.ravel() / len(labels)

    first = np.zeros(shape) if begin is None else begin
    options = {"maxiter": iterations, "gtol": 1e-6, "ftol": 1e-12}
    found = minimize(objective, first.ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x, np.float64).reshape(shape)


def choose(
    vectors: Floats,
    labels: Rows,
    classes: int,
    held: NDArray[np.bool_],
    *,
    strengths: Sequence[float] = STRENGTHS,
    iterations: int = 1000,
) -> tuple[float, float]:
    """The strength that is most often right on the held-out images, and that accuracy.

    Ties go to the smaller cross entropy of the held-out images. Each fit starts where the last one
    ended, from the strongest regularisation on.

    Raises:
        InputError: nothing is held out, or nothing is left to fit.
    """
    if not held.any() or held.all():
        expected = "images to fit and images held out"
        got = f"{int(held.sum())} of {len(held)} held out"
        do = "Label at least two images of one class, or give the strength."
        raise InputError("linear probe", expected=expected, got=got, do=do)
    weights, found = None, []
    truth = labels[held]
    for strength in sorted(strengths):
        weights = fit(
            vectors[~held], labels[~held], classes, strength, iterations=iterations, begin=weights
        )
        scores = (vectors[held] @ weights[:, :-1].T + weights[:, -1]).astype(np.float32)
        accuracy = float((scores.argmax(axis=1) == truth).mean())
        loss = -float(log_softmax(scores)[np.arange(len(truth)), truth].mean())
        found.append((-accuracy, loss, strength))
    best = min(found)
    return best[2], -best[0]


@dataclass(frozen=True)
class _Scorer:
    weights: Floats
    biases: Floats
    shared: float = 0.0

    def logits(self, block: Floats, start: int) -> Floats:
        """float32 (b, C)."""
        found: Floats = block @ self.weights.T + self.biases
        return found

    def parts(self, vector: Floats, place: int, row: int) -> Floats | None:
        """None: no prompt takes part."""
        return None


def prepare(material: Material, params: Params) -> Scorer:
    """Logits of multinomial logistic regression on the labelled images; prompts take no part.

    Unless given, the strength is the one most often right on a part held out of every class that
    has two images or more; then all images are fitted. Where no class has two, it is 100. A class
    without labelled images is never predicted. As the choice looks at accuracy, the probabilities
    may be far from calibrated: a small strength leaves them flat.
    """
    support = labelled(material)
    present, labels = np.unique(support.labels, return_inverse=True)
    strength = params.strength
    if strength == 0:
        held = held_out(labels, params.share, material.seed)
        strength = ONE_SHOT
        if held.any():
            strength, _ = choose(
                support.vectors, labels, len(present), held, iterations=params.iterations
            )
    found = fit(
        support.vectors, labels, len(present), strength, iterations=params.iterations
    ).astype(np.float32)
    weights = np.zeros((material.classes, found.shape[1]), np.float32)
    weights[present] = found
    probe = _Scorer(np.ascontiguousarray(weights[:, :-1]), weights[:, -1].copy())
    return hide(probe, support.labels, material.classes)


METHOD = Method(
    key="linear-probe",
    title="Linear probe",
    question="Which class does logistic regression on the labelled images say?",
    needs=frozenset({"support"}),
    params=Params,
    prepare=prepare,
    transductive=False,
    unit="logit",
    source="Radford et al., 2021, section 3.2 and appendix A.3",
)
