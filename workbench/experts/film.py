"""The film of a training: what `training.jsonl` of a model says about every step, as arrays.

Axes: T steps whose losses were logged, S looks at held-out pairs, L mixture layers, E experts, and
the modality (0 image, 1 text). A dense model has looks with L = 0.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import InputError
from workbench.experts.entropies import effective
from workbench.experts.records import Counts
from workbench.experts.shares import divergence, modality_shares
from workbench.types import Rows

__all__ = ["Film", "film_of", "read_film"]

_RATES = ("scale", "rate", "pairs_per_second")
_NO_CURVE = ("kind", "step", "kept", *_RATES)


@dataclass(frozen=True)
class Film:
    """A training, step by step and look by look.

    Args:
        trained: int64 (T,), steps whose losses were logged, rising.
        losses: by name, each (T,): ``loss`` is what was lowered, ``contrastive`` its main part, the
            others the unweighted terms of the routers. NaN where a step has none.
        scale: (T,), factor on the similarities; NaN where not logged, as below.
        rate: (T,), factor on the peak learning rates.
        speed: (T,), pairs a second.
        kept_trained: (T, L, 2), share of choices with room in the training batch.
        steps: int64 (S,), steps before which held-out pairs were looked at; 0 is before any.
        layers: int64 (L,), numbers of the mixture blocks.
        hard: (S, L, E, 2), tokens by first choice.
        soft: (S, L, E, 2), sums of probabilities.
        local: (S, L, 2), mean natural entropy of a token's routing.
        kept: (S, L, 2), share of choices with room.
        image_to_text: (S,), recall@1 among ``pairs`` held-out pairs.
        text_to_image: (S,).
        pairs: held-out pairs of the last look; 0 without one.
    """

    trained: Rows
    losses: Mapping[str, Counts]
    scale: Counts
    rate: Counts
    speed: Counts
    kept_trained: Counts
    steps: Rows
    layers: Rows
    hard: Counts
    soft: Counts
    local: Counts
    kept: Counts
    image_to_text: Counts
    text_to_image: Counts
    pairs: int

    @property
    def shares(self) -> Counts:
        """p(expert | modality) by first choice, (S, L, E, 2)."""
        return modality_shares(self.hard)

    @property
    def jsd(self) -> Counts:
        """Jensen-Shannon divergence of image and text in bits, (S, L)."""
        return divergence(self.shares)

    @property
    def effective(self) -> Counts:
        """Effective number of experts by modality and first choice, (S, L, 2)."""
        return effective(self.shares, axis=2)

    @property
    def effective_soft(self) -> Counts:
        """Effective number of experts by modality and probability, (S, L, 2)."""
        return effective(modality_shares(self.soft), axis=2)


def read_film(path: Path) -> Film:
    """The film in a file, which may still be growing.

    Raises:
        InputError: the file cannot be read, or a line of it makes no sense.
    """
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        expected = "a readable text file"
        raise InputError(f"film {path.name}", expected=expected, got=str(error)) from error
    return film_of(text.splitlines(), path.name)


def film_of(lines: Iterable[str], name: str = "training.jsonl") -> Film:
    """The film in lines of JSON.

    A last line that is half written is left out. Where steps go back, because a training went on
    from a checkpoint, the later lines count.

    Args:
        lines: ``step`` and ``watch`` objects, one a line; other kinds are passed over.
        name: of the file, for errors.

    Raises:
        InputError: a line that is no such object; looks with different layers or experts.
    """
    kinds: dict[str, list[dict[str, Any]]] = {"step": [], "watch": []}
    given = list(lines)
    for number, line in enumerate(given, start=1):
        if not line.strip():
            continue
        entry = _entry(line, last=number == len(given), where=f"line {number} of {name}")
        kept = kinds.get(str(entry.get("kind"))) if entry else None
        if entry is None or kept is None:
            continue
        while kept and kept[-1]["step"] >= entry["step"]:
            kept.pop()
        kept.append(entry)
    try:
        return _film(kinds["step"], kinds["watch"])
    except (KeyError, TypeError, ValueError) as error:
        expected = "looks with the same layers and experts in every line"
        raise InputError(f"film {name}", expected=expected, got=str(error)) from error


def _entry(line: str, *, last: bool, where: str) -> dict[str, Any] | None:
    """One line as an object with a step; None for a last one that is not finished."""
    try:
        found = json.loads(line)
    except ValueError as error:
        if last:
            return None
        raise InputError(where, expected="a JSON object", got=str(error)) from error
    if not isinstance(found, dict) or not isinstance(found.get("step", 0), int):
        raise InputError(where, expected="an object with a step", got=line[:80])
    if found.get("kind") in ("step", "watch") and "step" not in found:
        raise InputError(where, expected="an object with a step", got=line[:80])
    return found


def _film(made: list[dict[str, Any]], looks: list[dict[str, Any]]) -> Film:
    layers = looks[-1]["layers"] if looks else []
    if any(look["layers"] != layers for look in looks):
        raise ValueError("other layers")
    count = len(layers)
    hard = _experts_last([look["hard"] for look in looks], count)
    names = [name for name in dict.fromkeys(k for line in made for k in line) if _curve(name, made)]
    return Film(
        trained=np.array([line["step"] for line in made], np.int64),
        losses={name: _column(made, name) for name in names},
        scale=_column(made, "scale"),
        rate=_column(made, "rate"),
        speed=_column(made, "pairs_per_second"),
        kept_trained=_by_layer([line.get("kept") for line in made], count),
        steps=np.array([look["step"] for look in looks], np.int64),
        layers=np.array(layers, np.int64),
        hard=hard,
        soft=_experts_last([look["soft"] for look in looks], count),
        local=_by_layer([look["local"] for look in looks], count),
        kept=_by_layer([look["kept"] for look in looks], count),
        image_to_text=_column(looks, "image_to_text"),
        text_to_image=_column(looks, "text_to_image"),
        pairs=int(looks[-1]["pairs"]) if looks else 0,
    )


def _curve(name: str, made: list[dict[str, Any]]) -> bool:
    """Whether a value of the step lines is a loss: one number a step."""
    return name not in _NO_CURVE and all(
        isinstance(line.get(name, 0.0), (int, float)) for line in made
    )


def _column(lines: list[dict[str, Any]], name: str) -> Counts:
    return np.array([_number(line.get(name)) for line in lines], np.float64)


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _by_layer(values: list[Any], layers: int) -> Counts:
    """Values [layer][modality] of each line, (lines, L, 2); NaN for a line without them."""
    nothing = [[math.nan] * 2] * layers
    given = [nothing if value is None else value for value in values]
    return np.array(given, np.float64).reshape(len(values), layers, 2)


def _experts_last(values: list[Any], layers: int) -> Counts:
    """Values [layer][modality][expert] of each look as (S, L, E, 2)."""
    found: NDArray[np.float64] = np.array(values, np.float64)
    experts = found.shape[3] if layers and values else 0
    return found.reshape(len(values), layers, 2, experts).swapaxes(2, 3)
