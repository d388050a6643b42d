"""Made-up tokens, and every sum of them by loops over Python's own numbers."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import Any

import numpy as np

from workbench.experts.tokens import Tokens

LAYERS, EXPERTS, WORDS = (1, 4, 5), 4, ("a", "red", "apple", "⟨end⟩")


def tokens(
    inputs: list[tuple[int, int, int]], seed: int = 0, *, top_k: int = 2, probs: bool = True
) -> Tokens:
    """Tokens of inputs, each (row, modality, number of tokens), in every layer.

    Gates are of few values, so that many are equal.
    """
    rng = np.random.default_rng(seed)
    places = [
        (row, modality, layer, position)
        for row, modality, size in sorted(inputs)
        for layer in LAYERS
        for position in range(size)
    ]
    row, modality, layer, position = (np.array(each) for each in zip(*places, strict=True))
    logits = rng.normal(size=(len(row), EXPERTS)) * 3
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    chosen = np.argsort(-p, axis=1)[:, :top_k]
    gates = np.round(np.take_along_axis(p, chosen, axis=1) * 8) / 8
    said = np.where(modality == 1, rng.integers(0, len(WORDS), len(row)), -1)
    return Tokens(
        row=row.astype(np.int32),
        modality=modality.astype(np.int8),
        layer=layer.astype(np.int16),
        position=position.astype(np.int16),
        word=said.astype(np.int32),
        words=WORDS,
        experts=chosen.astype(np.int16),
        gates=gates.astype(np.float16),
        kept=rng.random(chosen.shape) < 0.8,
        probs=p.astype(np.float16) if probs else None,
    )


def sums(of: Tokens) -> dict[str, Any]:
    """What ``Accumulator`` tells, by name and then by plain keys; what is 0 is left out."""
    found: dict[str, Any] = defaultdict(Counter)
    first: dict[tuple[int, ...], int] = {}
    top_k = of.experts.shape[1]
    for i in range(len(of)):
        row, m, layer = int(of.row[i]), int(of.modality[i]), int(of.layer[i])
        position = int(of.position[i])
        found["tokens"][layer, m] += 1
        found["input tokens"][row, m, layer] += 1
        chosen = [int(e) for e in of.experts[i]]
        first[row, m, position, layer] = chosen[0]
        for k, expert in enumerate(chosen):
            gate, kept = float(of.gates[i, k]), bool(of.kept[i, k])
            found["loads"][layer, expert, m] += 1 / top_k
            found["hard"][row, m, layer, expert] += 1 / top_k
            found["gate"][layer, expert, m] += gate
            found["gates"][layer, expert, m, min(int(gate * 20), 19)] += 1
            found["places"][layer, expert, m, position] += 1
            if kept:
                found["kept"][layer, expert, m] += 1 / top_k
                found["input kept"][row, m, layer] += 1 / top_k
            if m == 1:
                found["words"][layer, expert, of.words[of.word[i]]] += 1 / top_k
            for other in chosen[k + 1 :]:
                found["together"][layer, m, min(expert, other), max(expert, other)] += 1
        if of.probs is not None:
            p = [float(each) for each in of.probs[i]]
            total = sum(p)
            entropy = -sum(each / total * math.log(each / total) for each in p if each)
            found["entropy"][layer, m] += entropy
            found["input entropy"][row, m, layer] += entropy
            found["confidence"][layer, m, min(int(max(p) * 20), 19)] += 1
            for expert, each in enumerate(p):
                found["soft"][layer, expert, m] += each
                found["input soft"][row, m, layer, expert] += each
    for (row, m, position, layer), expert in first.items():
        after = LAYERS[LAYERS.index(layer) + 1] if layer != LAYERS[-1] else None
        to = first.get((row, m, position, after)) if after else None
        if to is not None:
            found["flow"][layer, m, expert, to] += 1
    return found


def walls(of: Tokens) -> dict[tuple[int, int], list[tuple[float, int]]]:
    """(gate, row) of each expert's kept patches, best first, at most 4 of a row and 256 in all.

    Which of several equal gates come in is not told, so only the gates can be compared where many
    are equal.
    """
    offered = defaultdict(list)
    for i in range(len(of)):
        for k, expert in enumerate(of.experts[i].tolist()):
            if of.kept[i, k] and of.modality[i] == 0:
                offered[int(of.layer[i]), expert].append((float(of.gates[i, k]), int(of.row[i])))
    found = {}
    for cell, patches in offered.items():
        taken: Counter[int] = Counter()
        best = []
        for gate, row in sorted(patches, reverse=True):
            if taken[row] < 4 and len(best) < 256:
                taken[row] += 1
                best.append((gate, row))
        found[cell] = best
    return found
