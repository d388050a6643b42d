"""The tables of a recording as the arrays that statistics and pages ask for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workbench.api.routing_results import Box, ExpertSpread, ExpertWords, Flows, SideTokens
from workbench.experts.records import IMAGE, TEXT, Inputs, Recorded

if TYPE_CHECKING:
    import pyarrow as pa

    from store.runs import Run
    from workbench.experts.tokens import Tokens

__all__ = ["expert_spread", "expert_words", "flows", "recorded", "seen_box", "side_tokens"]


def recorded(run: Run, loads: pa.Table, local: pa.Table, inputs: pa.Table) -> Recorded:
    """The sums of a recording, from its tables."""
    result = run.result
    count, experts = len(result["layers"]), result["experts"]

    def of_expert(name: str) -> NDArray[np.float64]:
        return _plain(loads, name).reshape(count, experts, 2)

    def of_layer(name: str) -> NDArray[np.float64]:
        return _plain(local, name).reshape(count, 2)

    return Recorded(
        layers=np.array(result["layers"], dtype=np.int64),
        top_k=result["top_k"],
        loads=of_expert("tokens"),
        kept=of_expert("kept"),
        soft=of_expert("soft"),
        gate=of_expert("gate"),
        tokens=of_layer("tokens"),
        entropy=of_layer("entropy"),
        confidence=_lists(local, "hist").reshape(count, 2, -1),
        inputs=_inputs(inputs, count, experts),
        capacity_factor=result["capacity_factor"],
    )


def _inputs(table: pa.Table, count: int, experts: int) -> Inputs:
    def flat(name: str) -> NDArray[Any]:
        return _plain(table, name).reshape(-1, count)

    def wide(name: str) -> NDArray[Any]:
        return _lists(table, name).reshape(-1, count, experts)

    return Inputs(
        rows=flat("row")[:, 0].astype(np.int64),
        modality=flat("modality")[:, 0].astype(np.int8),
        hard=wide("hard"),
        soft=wide("soft"),
        tokens=flat("tokens"),
        kept=flat("kept"),
        entropy=flat("entropy"),
    )


def expert_words(words: pa.Table, layer: int, expert: int) -> ExpertWords:
    """The words of one expert beside those of all experts of its layer."""
    here = _plain(words, "layer") == layer
    mine = here & (_plain(words, "expert") == expert)
    column = words["word"].unify_dictionaries().combine_chunks()
    if not len(words):
        return ExpertWords((), np.empty(0), np.empty(0), 0.0, 0.0)
    codes, names = column.indices.to_numpy(), column.dictionary
    n = _plain(words, "n")
    base = np.bincount(codes[here], n[here], minlength=len(names))
    own = codes[mine]
    return ExpertWords(
        words=tuple(names.take(own).to_pylist()),
        n=n[mine],
        base=base[own],
        total=float(n[mine].sum()),
        base_total=float(n[here].sum()),
    )


def expert_spread(
    loads: pa.Table, places: pa.Table, layer: int, expert: int, grid: int
) -> ExpertSpread:
    """The choices of one expert by gate and by place."""
    here = (_plain(loads, "layer") == layer) & (_plain(loads, "expert") == expert)
    of_layer = _plain(places, "layer") == layer
    of_expert = of_layer & (_plain(places, "expert") == expert)
    text = of_layer & (_plain(places, "modality") == TEXT)
    positions = _plain(places, "position").astype(np.int64)
    longest = int(positions[text].max()) + 1 if text.any() else 0

    def summed(chosen: NDArray[np.bool_], modality: int, size: int) -> NDArray[np.int64]:
        mask = chosen & (_plain(places, "modality") == modality) & (positions < size)
        sums = np.bincount(positions[mask], _plain(places, "n")[mask], minlength=size)
        return sums.astype(np.int64)

    return ExpertSpread(
        gates=_lists(loads, "gates")[here],
        patches=summed(of_expert, IMAGE, grid * grid).reshape(grid, grid),
        words=summed(of_expert, TEXT, longest),
        base_patches=summed(of_layer, IMAGE, grid * grid).reshape(grid, grid),
        base_words=summed(of_layer, TEXT, longest),
    )


def flows(layers: Sequence[int], experts: int, flow: pa.Table, together: pa.Table) -> Flows:
    """Both tables as dense arrays."""
    places = np.array(layers)
    onward = np.zeros((max(0, len(layers) - 1), 2, experts, experts), np.int64)
    at = np.searchsorted(places, _plain(flow, "layer"))
    onward[at, _whole(flow, "modality"), _whole(flow, "expert"), _whole(flow, "to")] = _plain(
        flow, "n"
    )
    both = np.zeros((len(layers), 2, experts, experts), np.int64)
    at, a, b = np.searchsorted(places, _plain(together, "layer")), *_pair(together)
    both[at, _whole(together, "modality"), a, b] = _plain(together, "n")
    return Flows(tuple(layers), onward, both + both.transpose(0, 1, 3, 2))


def _pair(together: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return _whole(together, "a"), _whole(together, "b")


def side_tokens(tokens: Tokens, layers: Sequence[int], modality: int) -> SideTokens | None:
    """The tokens of one side of one item, by layer; None where there is none."""
    mine = tokens.take(tokens.modality == modality)
    if not len(mine):
        return None
    positions, place = np.unique(mine.position, return_inverse=True)
    at = np.searchsorted(np.array(layers), mine.layer)
    shape = (len(layers), len(positions))
    experts = np.full((*shape, mine.experts.shape[1]), -1, np.int64)
    gates = np.full(experts.shape, np.nan)
    kept = np.zeros(experts.shape, np.bool_)
    experts[at, place], gates[at, place], kept[at, place] = mine.experts, mine.gates, mine.kept
    probs = None
    if mine.probs is not None:
        probs = np.full((*shape, mine.probs.shape[1]), np.nan)
        probs[at, place] = mine.probs
    words = np.full(len(positions), -1, np.int64)
    words[place] = mine.word
    said = tuple(mine.words[word] if word >= 0 else "" for word in words.tolist())
    return SideTokens(
        positions=positions.astype(np.int64),
        words=said if modality == TEXT else (),
        experts=experts,
        gates=gates,
        kept=kept,
        probs=probs,
    )


def seen_box(width: int, height: int, preprocess: Mapping[str, Any]) -> Box:
    """The part of a picture that a model sees, after its resizing and cropping.

    Args:
        width: of the picture, in pixels.
        height: of the picture.
        preprocess: of the model; resize modes are open_clip's: ``shortest`` crops the middle,
            ``longest`` adds a margin, ``squash`` takes all.
    """
    mode = preprocess.get("resize_mode", "shortest")
    if mode == "squash" or not width or not height:
        return (0.0, 0.0, 1.0, 1.0)
    side = max(width, height) if mode == "longest" else min(width, height)
    left, upper = (1 - side / width) / 2, (1 - side / height) / 2
    return (left, upper, 1 - left, 1 - upper)


def _plain(table: pa.Table, name: str) -> NDArray[Any]:
    found: NDArray[Any] = table[name].to_numpy()
    return found


def _whole(table: pa.Table, name: str) -> NDArray[np.int64]:
    return _plain(table, name).astype(np.int64)


def _lists(table: pa.Table, name: str) -> NDArray[Any]:
    column = table[name]
    parts = [part.flatten().to_numpy(zero_copy_only=False) for part in column.chunks]
    flat: NDArray[Any] = np.concatenate(parts) if parts else np.empty(0)
    return flat.reshape(-1, column.type.list_size)
