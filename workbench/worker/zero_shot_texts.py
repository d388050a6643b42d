"""Vectors of prompts: encoded once for each model, and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from workbench.types import Floats

if TYPE_CHECKING:
    from store.runs import Run
    from store.workspace import Workspace
    from workbench.worker.control import Control

__all__ = ["KIND", "differences", "digest", "kept", "text_vectors"]

KIND = "text-vectors"
_BATCH = 256


def digest(texts: Sequence[str]) -> str:
    """Hash of texts in their order: 32 hexadecimal digits."""
    found = hashlib.blake2b(digest_size=16)
    for text in texts:
        data = text.encode()
        found.update(len(data).to_bytes(8, "little") + data)
    return found.hexdigest()


def kept(workspace: Workspace, model: str, texts: Sequence[str]) -> Floats | None:
    """The kept vectors of these texts: float32 (T, D); None when they were never encoded.

    Args:
        workspace: where they are kept.
        model: key of the model.
        texts: T texts.
    """
    run = workspace.runs.find(KIND, _question(model, texts))
    return None if run is None else _read(workspace, run)


def _question(model: str, texts: Sequence[str]) -> dict[str, Any]:
    return {"model": model, "texts": digest(texts), "count": len(texts)}


def _read(workspace: Workspace, run: Run) -> Floats:
    column = workspace.runs.table(run, "vectors")["vector"].combine_chunks()
    found: Floats = column.flatten().to_numpy().reshape(-1, column.type.list_size)
    return found


def text_vectors(
    workspace: Workspace, control: Control, model: str, texts: Sequence[str]
) -> Floats:
    """Unit vectors of texts: float32 (T, D); repeated texts are encoded once.

    Args:
        workspace: where they are kept.
        control: gives the model, is told of progress, raises when the job shall stop.
        model: key of the model.
        texts: T texts.

    Raises:
        ModelError: the model cannot be loaded, or gives values that are not finite.
    """
    found = kept(workspace, model, texts)
    if found is not None:
        return found
    encoder = control.models.get(model)
    distinct = list(dict.fromkeys(texts))
    control.tick(0, len(distinct), "Encoding prompts", device=encoder.device.title)
    parts = []
    for start in range(0, len(distinct), _BATCH):
        with encoder.gate.background(control.check):
            parts.append(encoder.encode_texts(distinct[start : start + _BATCH]))
        control.tick(min(start + _BATCH, len(distinct)), len(distinct))
    place = {text: number for number, text in enumerate(distinct)}
    vectors: Floats = np.concatenate(parts)[[place[text] for text in texts]]
    flat = pa.FixedSizeListArray.from_arrays(pa.array(vectors.reshape(-1)), vectors.shape[1])
    question = _question(model, texts)
    workspace.runs.publish(KIND, question, {}, {"vectors": pa.table({"vector": flat})})
    return vectors


def differences(
    pairs: Mapping[str, Sequence[Sequence[str]]], encode: Callable[[list[str]], Floats]
) -> tuple[Floats, Floats]:
    """What tells the two texts of each pair apart: float32 (m, D) to reject, (n, D) to accept.

    Args:
        pairs: ``Pairs.to_json``.
        encode: texts -> unit vectors, float32 (T, D).
    """
    reject, accept = pairs["reject"], pairs["accept"]
    found = encode([text for pair in (*reject, *accept) for text in pair])
    apart = found[0::2] - found[1::2]
    return apart[: len(reject)], apart[len(reject) :]
