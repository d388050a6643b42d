"""What one layer of any mixture decided about tokens: the contract between adapters and recordings.

An adapter hands over one record a layer; ``tokens_of`` makes of them what a recording is made of.
Needs numpy only, so that records made anywhere can be kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.experts.records import IMAGE, TEXT
from workbench.experts.tokens import Tokens, sort_key

__all__ = ["NEITHER", "Flags", "LayerRecord", "tokens_of"]

NEITHER = -1
"""Modality of a token that is neither a patch nor a word: padding, the mark before an image."""

_PLACES, _ROWS = 1 << 15, 1 << 31


@dataclass(frozen=True)
class Flags:
    """How a router works, as far as figures have to know it.

    Args:
        dropless: every chosen expert takes the token.
        score: how logits become gates: ``softmax``, ``sigmoid``, or ``softmax of chosen``.
        bias_selected: a bias that is no part of the gates decides who is chosen.
        shared: every token also passes an expert that is not routed.
        recomputed: the router tells only logits; who is chosen was computed from them again.
    """

    dropless: bool = True
    score: str = "softmax"
    bias_selected: bool = False
    shared: bool = False
    recomputed: bool = False


@dataclass(frozen=True)
class LayerRecord:
    """The routing of N tokens in one layer, in the order in which the model has them.

    Args:
        layer: number of the block.
        name: path of the router's module.
        experts: of the layer (E).
        indices: int (N, K), chosen by the model, in its order.
        weights: float (N, K), their gates.
        kept: bool (N, K), False where the expert had no room.
        logits: float (N, E); None where the router tells none. ``-inf`` where a token cannot go.
        probs: float (N, E), rows sum to 1; None where there are none. Of a sigmoid router the
            scores divided by their sum.
        modality: int (N,), 0 patch, 1 word, -1 neither: such a token is in no figure.
        sample: int (N,), row of the item that the token is of.
        position: int (N,), number of the patch, row by row, or place of the word.
        word: int (N,), place in ``words``; -1 for none.
        words: the distinct words.
        flags: how the router works.

    Raises:
        InputError: arrays that do not fit each other, or an expert that is none.
    """

    layer: int
    name: str
    experts: int
    indices: NDArray[np.int64]
    weights: NDArray[np.float32]
    kept: NDArray[np.bool_]
    logits: NDArray[np.float32] | None
    probs: NDArray[np.float32] | None
    modality: NDArray[np.int64]
    sample: NDArray[np.int64]
    position: NDArray[np.int64]
    word: NDArray[np.int64]
    words: tuple[str, ...] = ()
    flags: Flags = field(default_factory=Flags)

    def __post_init__(self) -> None:
        if self.indices.ndim != 2:
            self._refuse("indices", "(N, K)", str(self.indices.shape))
        n = len(self.indices)
        for name in ("weights", "kept"):
            self._fits(name, self.indices.shape)
        for name in ("modality", "sample", "position", "word"):
            self._fits(name, (n,))
        for name in ("logits", "probs"):
            if getattr(self, name) is not None:
                self._fits(name, (n, self.experts))
        if n and not 0 <= self.indices.min() <= self.indices.max() < self.experts:
            got = f"{self.indices.min()} to {self.indices.max()}"
            self._refuse("indices", f"numbers from 0 to {self.experts - 1}", got)
        if n and not np.isin(self.modality, (NEITHER, IMAGE, TEXT)).all():
            got = str(sorted(set(self.modality.tolist())))
            self._refuse("modality", "-1 (neither), 0 (patch) or 1 (word)", got)
        if n and self.word.max() >= len(self.words):
            self._refuse("word", f"places among {len(self.words)} words", str(self.word.max()))
        if not np.isfinite(self.weights).all():
            self._refuse("weights", "finite numbers", "others")

    def __len__(self) -> int:
        return len(self.indices)

    def _fits(self, name: str, shape: tuple[int, ...]) -> None:
        found = getattr(self, name).shape
        if found != shape:
            self._refuse(name, f"an array {shape}", f"an array {found}")

    def _refuse(self, name: str, expected: str, got: str) -> None:
        raise InputError(f"{name} of the record of {self.name}", expected=expected, got=got)


def tokens_of(records: Sequence[LayerRecord]) -> Tokens:
    """The tokens of records that are patches or words, with the choice of the largest gate first.

    Args:
        records: of any layers; of one layer several, of different samples or sides.

    Raises:
        InputError: no record, no patch and no word among them, a token twice, or records that do
            not fit each other: other numbers of experts or choices, some without probabilities.
    """
    if not records:
        raise InputError("records", expected="at least one of a layer", got="none")
    _alike("experts of a layer", [each.experts for each in records])
    _alike("choices of a token", [each.indices.shape[1] for each in records])
    _alike("layers with probabilities", [each.probs is not None for each in records])
    words = {word: at for at, word in enumerate(dict.fromkeys(w for r in records for w in r.words))}
    parts = [_part(each, words) for each in records]
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    key = sort_key(arrays["row"], arrays["modality"], arrays["layer"], arrays["position"])
    order = np.argsort(key, kind="stable")
    _check_places(key[order])
    taken: dict[str, Any] = {name: array[order] for name, array in arrays.items()}
    return Tokens(**{"words": tuple(words), "probs": None} | taken)


def _alike(what: str, values: Sequence[Any]) -> None:
    if len(set(values)) > 1:
        got = ", ".join(map(str, sorted(set(values))))
        raise InputError(what, expected="the same in all records", got=got)


def _part(record: LayerRecord, words: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    """The patches and words of one record, as the arrays of ``Tokens``."""
    mine = np.flatnonzero(record.modality != NEITHER)
    _within("position", record.position[mine], _PLACES)
    _within("layer", np.array([record.layer]), _PLACES)
    _within("row", record.sample[mine], _ROWS)
    best = np.argsort(-record.weights[mine], axis=1, kind="stable")
    codes = np.array([*(words[word] for word in record.words), -1], np.int32)
    said = np.where(record.modality == TEXT, record.word, -1)

    def chosen(values: NDArray[Any]) -> NDArray[Any]:
        return np.take_along_axis(values[mine], best, axis=1)

    part: dict[str, NDArray[Any]] = {
        "row": record.sample[mine].astype(np.int32),
        "modality": record.modality[mine].astype(np.int8),
        "layer": np.full(len(mine), record.layer, np.int16),
        "position": record.position[mine].astype(np.int16),
        "word": codes[said[mine]],
        "experts": chosen(record.indices).astype(np.int16),
        "gates": chosen(record.weights).astype(np.float16),
        "kept": chosen(record.kept).astype(np.bool_),
    }
    if record.probs is not None:
        part["probs"] = record.probs[mine].astype(np.float16)
    return part


def _within(name: str, values: NDArray[np.int64], below: int) -> None:
    if len(values) and not 0 <= values.min() <= values.max() < below:
        expected, got = f"0 to {below - 1}", f"{values.min()} to {values.max()}"
        raise InputError(f"{name} of a token", expected=expected, got=got)


def _check_places(key: NDArray[np.int64]) -> None:
    if not len(key):
        raise InputError("records", expected="patches or words", got="neither")
    twice = np.flatnonzero(key[1:] == key[:-1])
    if len(twice):
        row = int(key[twice[0]] >> 32)
        raise InputError(
            f"tokens of item {row}",
            expected="each place once in a layer",
            got="one of them twice",
            do="Give the records of one pass of each item; of an answer only the prompt's.",
        )
