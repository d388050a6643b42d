"""Recordings drawn by lot, and loops to hold the statistics against."""

from __future__ import annotations

import numpy as np

from workbench.experts.records import CONFIDENCE_BINS, Inputs, Recorded


def recorded(q_image, q_text, *, pairs=200, tokens=(16, 4), seed=0, layers=1, spread=None):
    """Pairs whose tokens choose experts by lot with given probabilities, one choice each.

    ``spread`` makes tokens of one input alike: the smaller, the more.
    """
    rng = np.random.default_rng(seed)
    experts = len(q_image)
    rows = np.repeat(np.arange(pairs), 2)
    modality = np.tile(np.array([0, 1], np.int8), pairs)
    hard = np.zeros((2 * pairs, layers, experts), np.float32)
    for i in range(2 * pairs):
        q = np.asarray((q_image, q_text)[modality[i]], float)
        for layer in range(layers):
            mine = q if spread is None else rng.dirichlet(q * spread + 1e-9)
            hard[i, layer] = rng.multinomial(tokens[modality[i]], mine)
    return of_inputs(rows, modality, hard, hard)


def of_inputs(rows, modality, hard, soft, *, kept=None, top_k=1, capacity_factor=None):
    """Sum inputs up; probabilities sit in the middle of what ``soft`` says."""
    n, layers, _ = hard.shape
    each = hard.sum(axis=2)
    kept = each if kept is None else kept
    tokens = np.stack([each[modality == m].sum(axis=0) for m in (0, 1)], axis=1)
    sums = {
        name: np.stack([values[modality == m].sum(axis=0) for m in (0, 1)], axis=2).astype(float)
        for name, values in (("hard", hard), ("soft", soft))
    }
    share = np.stack([kept[modality == m].sum(axis=0) for m in (0, 1)], axis=1) / np.maximum(
        tokens, 1
    )
    confidence = np.zeros((layers, 2, CONFIDENCE_BINS), np.int64)
    confidence[:, :, -1] = tokens
    inputs = Inputs(rows, modality, hard, soft, each, kept, np.zeros((n, layers)))
    return Recorded(
        layers=np.arange(1, 2 * layers, 2),
        top_k=top_k,
        loads=sums["hard"],
        kept=sums["hard"] * share[:, None, :],
        soft=sums["soft"],
        gate=sums["hard"],
        tokens=tokens.astype(float),
        entropy=np.zeros((layers, 2)),
        confidence=confidence,
        inputs=inputs,
        capacity_factor=capacity_factor,
    )
