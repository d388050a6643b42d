"""The routing of tokens, as arrays: what is recorded of a model with experts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError

__all__ = ["Tokens", "sort_key"]


@dataclass(frozen=True)
class Tokens:
    """What the routers decided about T tokens, sorted by row, modality, layer and position.

    A token that passes L mixtures is L entries here, one a layer.

    Args:
        row: int32 (T,), of the item.
        modality: int8 (T,), 0 image, 1 text.
        layer: int16 (T,), number of the block.
        position: int16 (T,), number of the patch, row by row, or place of the word.
        word: int32 (T,), place in ``words``; -1 for none.
        words: the distinct words.
        experts: int16 (T, K), chosen, best first.
        gates: float16 (T, K), their weights.
        kept: bool (T, K), False where the expert had no room.
        probs: float16 (T, E), the router's distribution; None where it has none.

    Raises:
        InputError: arrays of unequal length, or not sorted.
    """

    row: NDArray[np.int32]
    modality: NDArray[np.int8]
    layer: NDArray[np.int16]
    position: NDArray[np.int16]
    word: NDArray[np.int32]
    words: tuple[str, ...]
    experts: NDArray[np.int16]
    gates: NDArray[np.float16]
    kept: NDArray[np.bool_]
    probs: NDArray[np.float16] | None

    def __post_init__(self) -> None:
        for name, array in self.arrays().items():
            if len(array) != len(self.row):
                expected = f"{len(self.row)} as there are rows"
                raise InputError(f"{name} of tokens", expected=expected, got=str(len(array)))
        order = self.order
        if np.any(order[1:] < order[:-1]):
            raise InputError(
                "tokens", expected="sorted by row, modality, layer and position", got="others"
            )

    def __len__(self) -> int:
        return len(self.row)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name; ``probs`` only where there are any."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: array for name, array in found.items() if isinstance(array, np.ndarray)}

    @property
    def order(self) -> NDArray[np.int64]:
        """What tokens are sorted by, in one number: (T,)."""
        return sort_key(self.row, self.modality, self.layer, self.position)

    def take(self, places: Any) -> Tokens:
        """Some of the tokens: a mask, a slice, or places in their order."""
        arrays: dict[str, Any] = {name: array[places] for name, array in self.arrays().items()}
        return replace(self, **arrays)

    @classmethod
    def joined(cls, parts: Sequence[Tokens]) -> Tokens:
        """Several parts as one, sorted; at least one, all with or all without ``probs``."""
        words = {word: place for place, word in enumerate(dict.fromkeys(_all_words(parts)))}
        arrays = {
            name: np.concatenate([part.arrays()[name] for part in parts])
            for name in parts[0].arrays()
        }
        arrays["word"] = np.concatenate([_renamed(part, words) for part in parts])
        # the parts are runs that are sorted already, which a stable sort only merges
        order = np.argsort(arrays["row"], kind="stable")
        joined: dict[str, Any] = {name: array[order] for name, array in arrays.items()}
        return cls(**{"words": tuple(words), "probs": None} | joined)


def sort_key(
    row: NDArray[Any], modality: NDArray[Any], layer: NDArray[Any], position: NDArray[Any]
) -> NDArray[np.int64]:
    """One number a token, rising by row, modality, layer and position: int64 (T,)."""
    found: NDArray[np.int64] = row.astype(np.int64) << 32
    found |= modality.astype(np.int64) << 31
    found |= layer.astype(np.int64) << 16
    found |= position.astype(np.int64)
    return found


def _all_words(parts: Sequence[Tokens]) -> Any:
    return (word for part in parts for word in part.words)


def _renamed(part: Tokens, places: dict[str, int]) -> NDArray[np.int32]:
    """The words of a part by their places among the words of all."""
    new = np.array([*(places[word] for word in part.words), -1], dtype=np.int32)
    renamed: NDArray[np.int32] = new[part.word]  # -1 takes the last, which is -1 again
    return renamed
