"""Sums over tokens that come in chunks: the same sums whatever the chunks, in any order.

Gates and probabilities are half-precision numbers, whose sums in float64 are exact, and entropies
are rounded to multiples of 2^-20 before they are added; so not even the last bit of a sum tells
how the tokens were divided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.experts.records import CONFIDENCE_BINS as BINS
from workbench.experts.records import IMAGE, MODALITIES, TEXT, Inputs
from workbench.experts.tally import Tally
from workbench.experts.tokens import Tokens
from workbench.experts.wall import Wall

__all__ = ["Accumulator", "entropies"]

_M = len(MODALITIES)
_PLACES = 1 << 16
_FINE = 2.0**20

Sums = NDArray[np.float64]


class Accumulator:
    """Everything that is told of a recording without looking at its tokens again.

    Chunks hold whole inputs: all tokens of an image, or of a text, in all layers. Where a router
    gives no distribution, ``soft`` and entropies are NaN.

    Args:
        layers: numbers of the blocks with experts, rising (L).
        experts: E.
        top_k: K.

    Attributes:
        tokens: float64 (L, 2), by modality.
        loads: float64 (L, E, 2), tokens by expert: choices / K.
        kept: float64 (L, E, 2), those of them that found room.
        soft: float64 (L, E, 2), sum of probabilities.
        gate: float64 (L, E, 2), sum of the gates of the choices.
        entropy: float64 (L, 2), sum of natural entropies of the distribution.
        confidence: int64 (L, 2, 20), tokens by their largest probability, from 0 to 1.
        gates: int64 (L, E, 2, 20), choices by their gate, from 0 to 1; larger ones in the last.
        flow: int64 (L - 1, 2, E, E), tokens by first choice in a layer and in the next.
        together: int64 (L, 2, E, E), tokens that chose both a and b, a < b; for K > 1.
        walls: by layer, by expert.
    """

    def __init__(self, layers: Sequence[int], experts: int, top_k: int) -> None:
        self.layers, self.experts, self.top_k = tuple(layers), experts, top_k
        count = len(self.layers)
        of_expert = (count, experts, _M)
        self.tokens, self.entropy = np.zeros((count, _M)), np.zeros((count, _M))
        self.loads, self.kept = np.zeros(of_expert), np.zeros(of_expert)
        self.soft, self.gate = np.zeros(of_expert), np.zeros(of_expert)
        self.confidence = np.zeros((count, _M, BINS), np.int64)
        self.gates = np.zeros((*of_expert, BINS), np.int64)
        self.flow = np.zeros((max(0, count - 1), _M, experts, experts), np.int64)
        self.together = np.zeros((count, _M, experts, experts), np.int64)
        self.walls = [[Wall() for _ in range(experts)] for _ in self.layers]
        self._inputs: list[Inputs] = [self._no_inputs()]
        self._words, self._places = Tally(), Tally()
        self._vocabulary: dict[str, int] = {}

    def add(self, tokens: Tokens) -> None:
        """Take a chunk of whole inputs.

        Raises:
            InputError: a layer or a number of experts that is none of the recording's.
        """
        if not len(tokens):
            return
        self._check(tokens)
        layer = np.searchsorted(self.layers, tokens.layer)
        modality = tokens.modality.astype(np.int64)
        self._add_sums(tokens, layer, modality)
        chosen = (layer[:, None] * self.experts + tokens.experts) * _M + modality[:, None]
        self._add_choices(tokens, chosen)
        self._add_walls(tokens, layer)
        self._add_words(tokens, chosen)
        self._places.add((chosen * _PLACES + tokens.position[:, None]).ravel())
        self._add_flow(tokens, layer)
        self._add_together(tokens, layer, modality)

    def merge(self, other: Accumulator) -> None:
        """Add another's sums, of other inputs of the same model.

        Raises:
            InputError: layers, experts or K differ.
        """
        shape, others = _shape(self), _shape(other)
        if shape != others:
            raise InputError("sums of a recording", expected=str(shape), got=str(others))
        for name, mine in vars(self).items():
            if isinstance(mine, np.ndarray):
                np.add(mine, getattr(other, name), out=mine)
        for walls, theirs in zip(self.walls, other.walls, strict=True):
            for wall, their in zip(walls, theirs, strict=True):
                wall.merge(their)
        self._inputs += other._inputs
        self._places.merge(other._places)
        keys, _ = other._words.items()
        cells, codes = np.divmod(keys, _WORDS)
        self._words.merge(other._words, cells * _WORDS + self._codes(other.vocabulary)[codes])

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """The words that were met."""
        return tuple(self._vocabulary)

    def inputs(self) -> Inputs:
        """The sums of each input, by row and modality."""
        self._inputs = [_joined(self._inputs)]
        return self._inputs[0]

    def words(self) -> tuple[NDArray[np.int64], NDArray[np.int64], list[str], Sums]:
        """Words by expert: layer (place), expert, word, tokens that chose it (choices / K).

        By layer and expert, the most frequent word first.
        """
        keys, sums = self._words.items()
        cells, codes = np.divmod(keys, _WORDS)
        names = np.array([*self.vocabulary, ""], dtype=object)[codes]
        rank = np.argsort(np.argsort(np.array(self.vocabulary, dtype=str)))[codes]
        order = np.lexsort((rank, -sums, cells))
        layer, expert = np.divmod(cells[order] // _M, self.experts)
        return layer, expert, names[order].tolist(), sums[order] / self.top_k

    def places(self) -> tuple[NDArray[np.int64], ...]:
        """Choices by position: layer (place), expert, modality, position, n."""
        keys, sums = self._places.items()
        cells, position = np.divmod(keys, _PLACES)
        layer, expert = np.divmod(cells // _M, self.experts)
        return layer, expert, cells % _M, position, sums

    def _check(self, tokens: Tokens) -> None:
        unknown = np.setdiff1d(tokens.layer, self.layers)
        if len(unknown):
            expected = f"layers among {self.layers}"
            raise InputError("layer of a token", expected=expected, got=str(unknown[0]))
        width = None if tokens.probs is None else tokens.probs.shape[1]
        if tokens.experts.shape[1] != self.top_k or width not in (None, self.experts):
            expected = f"{self.top_k} of {self.experts}"
            got = f"{tokens.experts.shape[1]} of {width}"
            raise InputError("experts of a token", expected=expected, got=got)
        low, high = tokens.experts.min(), tokens.experts.max()
        if low < 0 or high >= self.experts:
            expected = f"a number from 0 to {self.experts - 1}"
            raise InputError("expert of a token", expected=expected, got=f"{low} to {high}")

    def _add_sums(
        self, tokens: Tokens, layer: NDArray[np.int64], modality: NDArray[np.int64]
    ) -> None:
        """Sums of each input, and of all."""
        changed = np.diff(tokens.order >> 16) != 0
        starts = np.flatnonzero(np.r_[True, changed])
        segment = np.cumsum(np.r_[False, changed])
        hard = _binned(segment[:, None] * self.experts + tokens.experts, len(starts), self.experts)
        kept = np.add.reduceat(tokens.kept.sum(axis=1, dtype=np.int64), starts)
        soft, entropy = self._distributions(tokens, starts, layer, modality)
        at, which = layer[starts], modality[starts]
        size = np.diff(np.r_[starts, len(tokens)])
        np.add.at(self.tokens, (at, which), size)
        np.add.at(self.entropy, (at, which), entropy)
        np.add.at(self.loads.transpose(0, 2, 1), (at, which), hard / self.top_k)
        np.add.at(self.soft.transpose(0, 2, 1), (at, which), soft)
        begins = np.flatnonzero(np.r_[True, np.diff(tokens.order[starts] >> 31) != 0])
        number = np.repeat(np.arange(len(begins)), np.diff(np.r_[begins, len(starts)]))
        found = self._no_inputs(len(begins))
        found.rows[:], found.modality[:] = tokens.row[starts[begins]], which[begins]
        found.tokens[number, at], found.kept[number, at] = size, kept / self.top_k
        found.entropy[number, at] = entropy
        found.hard[number, at], found.soft[number, at] = hard / self.top_k, soft
        self._inputs.append(found)

    def _distributions(
        self,
        tokens: Tokens,
        starts: NDArray[np.int64],
        layer: NDArray[np.int64],
        modality: NDArray[np.int64],
    ) -> tuple[Sums, Sums]:
        """Sums of probabilities (S, E) and of entropies (S,), a segment each."""
        if tokens.probs is None:
            nothing = np.full((len(starts), self.experts), np.nan)
            return nothing, nothing[:, 0]
        best = np.minimum((tokens.probs.max(axis=1).astype(np.float64) * BINS), BINS - 1)
        cells = (layer * _M + modality) * BINS + best.astype(np.int64)
        self.confidence += _binned(cells, *self.confidence.shape)
        soft = np.add.reduceat(tokens.probs, starts, axis=0, dtype=np.float64)
        return soft, np.add.reduceat(entropies(tokens.probs), starts)

    def _add_choices(self, tokens: Tokens, chosen: NDArray[np.int64]) -> None:
        cells, shape = chosen.ravel(), self.loads.shape
        gate = tokens.gates.ravel().astype(np.float64)
        self.gate += _binned(cells, *shape, weights=gate)
        self.kept += _binned(cells[tokens.kept.ravel()], *shape) / self.top_k
        bins = np.clip((gate * BINS).astype(np.int64), 0, BINS - 1)
        self.gates += _binned(cells * BINS + bins, *self.gates.shape)

    def _add_walls(self, tokens: Tokens, layer: NDArray[np.int64]) -> None:
        """Patches whose choice was kept: the others had nothing of this expert."""
        token, place = np.nonzero(tokens.kept & (tokens.modality == IMAGE)[:, None])
        cells = layer[token] * self.experts + tokens.experts[token, place]
        order = np.argsort(cells, kind="stable")
        token, place, cells = token[order], place[order], cells[order]
        edges = np.searchsorted(cells, np.arange(len(self.layers) * self.experts + 1))
        for cell, (start, stop) in enumerate(pairwise(edges.tolist())):
            mine = token[start:stop]
            wall = self.walls[cell // self.experts][cell % self.experts]
            gate = tokens.gates[mine, place[start:stop]]
            wall.add(tokens.row[mine], tokens.position[mine], gate)

    def _add_words(self, tokens: Tokens, chosen: NDArray[np.int64]) -> None:
        said = (tokens.modality == TEXT) & (tokens.word >= 0)
        codes = self._codes(tokens.words)[tokens.word[said]]
        self._words.add((chosen[said] * _WORDS + codes[:, None]).ravel())

    def _codes(self, words: Sequence[str]) -> NDArray[np.int64]:
        """Numbers of words in the vocabulary, which grows."""
        known = self._vocabulary
        return np.array([known.setdefault(word, len(known)) for word in words], dtype=np.int64)

    def _add_flow(self, tokens: Tokens, layer: NDArray[np.int64]) -> None:
        first = tokens.experts[:, 0].astype(np.int64)
        place = tokens.row.astype(np.int64) << 16 | tokens.position
        for modality in range(_M):
            mine = [
                np.flatnonzero((layer == each) & (tokens.modality == modality))
                for each in range(len(self.layers))
            ]
            for each, (here, there) in enumerate(pairwise(mine)):
                one, two = _met(place, here, there)
                pairs = first[one] * self.experts + first[two]
                self.flow[each, modality] += _binned(pairs, self.experts, self.experts)

    def _add_together(
        self, tokens: Tokens, layer: NDArray[np.int64], modality: NDArray[np.int64]
    ) -> None:
        chosen = tokens.experts.astype(np.int64)
        for a, b in combinations(range(self.top_k), 2):
            low = np.minimum(chosen[:, a], chosen[:, b])
            high = np.maximum(chosen[:, a], chosen[:, b])
            cells = ((layer * _M + modality) * self.experts + low) * self.experts + high
            self.together += _binned(cells, *self.together.shape)

    def _no_inputs(self, count: int = 0) -> Inputs:
        shape = (count, len(self.layers))
        return Inputs(
            rows=np.zeros(count, np.int64),
            modality=np.zeros(count, np.int8),
            tokens=np.zeros(shape, np.int64),
            kept=np.zeros(shape),
            entropy=np.zeros(shape),
            hard=np.zeros((*shape, self.experts)),
            soft=np.zeros((*shape, self.experts)),
        )


_WORDS = 1 << 32


def _joined(parts: Sequence[Inputs]) -> Inputs:
    """Parts without a common input as one, by row and modality."""
    names = [each.name for each in fields(Inputs)]
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    order = np.lexsort((arrays["modality"], arrays["rows"]))
    return Inputs(**{name: array[order] for name, array in arrays.items()})


def _met(
    place: NDArray[np.int64], here: NDArray[np.int64], there: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The tokens that stand in both of two layers: where they stand in each."""
    if np.array_equal(place[here], place[there]):
        return here, there
    _, a, b = np.intersect1d(place[here], place[there], return_indices=True)
    return here[a], there[b]


def _shape(of: Accumulator) -> tuple[tuple[int, ...], int, int]:
    return of.layers, of.experts, of.top_k


def _binned(cells: NDArray[Any], *shape: int, weights: Sums | None = None) -> NDArray[Any]:
    """How often each cell occurs, or the sum of its weights, in an array of this shape."""
    size = int(np.prod(shape))
    return np.bincount(cells.ravel(), weights, minlength=size).reshape(shape)


def entropies(probs: NDArray[np.float16]) -> Sums:
    """Natural entropy of each distribution, rounded to a multiple of 2^-20: (T, E) -> (T,).

    Rows are made to sum to 1 first, which half precision does not quite.
    """
    found = probs.astype(np.float32)
    found /= found.sum(axis=1, keepdims=True)
    logs = np.log(np.maximum(found, np.float32(1e-30)))
    entropy: Sums = -(found * logs).sum(axis=1).astype(np.float64)
    rounded: Sums = np.round(np.maximum(entropy, 0.0) * _FINE) / _FINE
    return rounded
