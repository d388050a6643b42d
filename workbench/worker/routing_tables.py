"""Recorded routing as tables: of tokens, and of their sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from workbench.experts.accumulate import Accumulator
from workbench.experts.tokens import Tokens

__all__ = ["summary_tables", "tokens_of", "tokens_table"]

_PLAIN = {"row": pa.int32(), "modality": pa.int8(), "layer": pa.int16(), "position": pa.int16()}


def tokens_table(tokens: Tokens) -> pa.Table:
    """A row for each token and layer: what ``Tokens`` holds, under the same names.

    ``word`` is a dictionary of strings, null where there is none; ``experts``, ``gates``, ``kept``
    and ``probs`` are lists of fixed length; ``probs`` is null where the router has none.
    """
    missing = tokens.word < 0
    codes = pa.array(np.maximum(tokens.word, 0), pa.int32(), mask=missing)
    words = pa.DictionaryArray.from_arrays(codes, pa.array(tokens.words, pa.string()))
    probs = pa.nulls(len(tokens), pa.list_(pa.float16(), 0))
    if tokens.probs is not None:
        probs = _lists(tokens.probs)
    return pa.table(
        {name: pa.array(getattr(tokens, name), kind) for name, kind in _PLAIN.items()}
        | {"word": words}
        | {name: _lists(getattr(tokens, name)) for name in ("experts", "gates", "kept")}
        | {"probs": probs}
    )


def tokens_of(table: pa.Table) -> Tokens:
    """The tokens of ``tokens_table``'s form, as they were."""
    arrays: dict[str, Any] = {name: table[name].to_numpy() for name in _PLAIN}
    words = table["word"].unify_dictionaries().combine_chunks()
    if isinstance(words, pa.ChunkedArray):  # of a table without rows
        words = pa.array([], pa.string()).dictionary_encode()
    has_probs = table["probs"].null_count == 0 and len(table) > 0
    return Tokens(
        **arrays,
        word=words.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int32),
        words=tuple(words.dictionary.to_pylist()),
        experts=_matrix(table["experts"]),
        gates=_matrix(table["gates"]),
        kept=_matrix(table["kept"]),
        probs=_matrix(table["probs"]) if has_probs else None,
    )


def _lists(matrix: NDArray[Any]) -> pa.Array:
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])


def _matrix(column: pa.ChunkedArray) -> NDArray[Any]:
    width = column.type.list_size
    parts = [each.flatten().to_numpy(zero_copy_only=False) for each in column.chunks]
    flat = np.concatenate(parts) if parts else np.empty(0, column.type.value_type.to_pandas_dtype())
    return flat.reshape(-1, width)


def summary_tables(total: Accumulator) -> dict[str, pa.Table]:
    """The sums of a recording, by table.

    ``loads``: layer, expert, modality, tokens, kept, soft, gate, gates (histogram).
    ``local``: layer, modality, tokens, entropy, hist.
    ``inputs``: row, modality, layer, tokens, kept, entropy, hard, soft.
    ``patches``: layer, expert, rank, row, position, gate.
    ``words``: layer, expert, word, n.
    ``places``: layer, expert, modality, position, n.
    ``flow``: layer, next, modality, expert, to, n. ``together``: layer, modality, a, b, n.

    Layers are numbers of blocks, modalities 0 for images and 1 for texts. What is 0 has no row in
    the last four.
    """
    return {
        "loads": _loads(total),
        "local": _local(total),
        "inputs": _inputs(total),
        "patches": _patches(total),
        "words": _words(total),
        "places": _places(total),
        "flow": _flow(total),
        "together": _together(total),
    }


def _loads(total: Accumulator) -> pa.Table:
    layer, expert, modality = _indices(total.loads.shape)
    sums = {"tokens": total.loads, "kept": total.kept, "soft": total.soft, "gate": total.gate}
    return pa.table(
        {"layer": _numbers(total, layer), "expert": _small(expert), "modality": _tiny(modality)}
        | {name: array.ravel() for name, array in sums.items()}
        | {"gates": _lists(total.gates.reshape(-1, total.gates.shape[-1]))}
    )


def _local(total: Accumulator) -> pa.Table:
    layer, modality = _indices(total.entropy.shape)
    return pa.table(
        {
            "layer": _numbers(total, layer),
            "modality": _tiny(modality),
            "tokens": total.tokens.ravel(),
            "entropy": total.entropy.ravel(),
            "hist": _lists(total.confidence.reshape(-1, total.confidence.shape[-1])),
        }
    )


def _inputs(total: Accumulator) -> pa.Table:
    inputs, experts = total.inputs(), total.experts
    number, layer = _indices(inputs.tokens.shape)
    return pa.table(
        {
            "row": pa.array(inputs.rows[number], pa.int32()),
            "modality": _tiny(inputs.modality[number]),
            "layer": _numbers(total, layer),
            "tokens": pa.array(inputs.tokens.ravel(), pa.int32()),
            "kept": pa.array(inputs.kept.ravel(), pa.float32()),
            "entropy": pa.array(inputs.entropy.ravel(), pa.float32()),
            "hard": _lists(inputs.hard.astype(np.float32).reshape(-1, experts)),
            "soft": _lists(inputs.soft.astype(np.float32).reshape(-1, experts)),
        }
    )


def _patches(total: Accumulator) -> pa.Table:
    walls = [
        (layer, expert, wall)
        for layer, experts in zip(total.layers, total.walls, strict=True)
        for expert, wall in enumerate(experts)
    ]
    sizes = [len(wall.row) for _, _, wall in walls]
    return pa.table(
        {
            "layer": _small(np.repeat([layer for layer, _, _ in walls], sizes)),
            "expert": _small(np.repeat([expert for _, expert, _ in walls], sizes)),
            "rank": _small(np.concatenate([np.arange(size) for size in sizes])),
            "row": np.concatenate([wall.row for _, _, wall in walls]),
            "position": np.concatenate([wall.position for _, _, wall in walls]),
            "gate": np.concatenate([wall.gate for _, _, wall in walls]).astype(np.float32),
        }
    )


def _words(total: Accumulator) -> pa.Table:
    layer, expert, words, n = total.words()
    return pa.table(
        {
            "layer": _numbers(total, layer),
            "expert": _small(expert),
            "word": pa.array(words, pa.string()).dictionary_encode(),
            "n": n,
        }
    )


def _places(total: Accumulator) -> pa.Table:
    layer, expert, modality, position, n = total.places()
    return pa.table(
        {
            "layer": _numbers(total, layer),
            "expert": _small(expert),
            "modality": _tiny(modality),
            "position": _small(position),
            "n": n,
        }
    )


def _flow(total: Accumulator) -> pa.Table:
    layer, modality, expert, to = np.nonzero(total.flow)
    return pa.table(
        {
            "layer": _numbers(total, layer),
            "next": _numbers(total, layer + 1),
            "modality": _tiny(modality),
            "expert": _small(expert),
            "to": _small(to),
            "n": total.flow[layer, modality, expert, to],
        }
    )


def _together(total: Accumulator) -> pa.Table:
    layer, modality, a, b = np.nonzero(total.together)
    return pa.table(
        {
            "layer": _numbers(total, layer),
            "modality": _tiny(modality),
            "a": _small(a),
            "b": _small(b),
            "n": total.together[layer, modality, a, b],
        }
    )


def _indices(shape: tuple[int, ...]) -> tuple[NDArray[np.int64], ...]:
    """For each element of an array of this shape, in its order, the index on each axis."""
    return tuple(axis.ravel() for axis in np.indices(shape))


def _numbers(total: Accumulator, layer: NDArray[np.int64]) -> pa.Array:
    """Numbers of blocks from places among the layers."""
    return _small(np.array(total.layers, dtype=np.int64)[layer])


def _small(values: NDArray[Any]) -> pa.Array:
    return pa.array(values.astype(np.int16))


def _tiny(values: NDArray[Any]) -> pa.Array:
    return pa.array(values.astype(np.int8))
