"""Reads a file of weights into a model: without running code, and with errors that name tensors."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from workbench.errors import InputError, ModelError

__all__ = ["SUFFIXES", "check_suffix", "fill", "fill_exactly", "read", "sha256", "write"]

SUFFIXES = (".safetensors", ".pt", ".pth", ".bin")
_WRAPPERS = ("state_dict", "model", "module")
_POSITIONS = ("visual.positional_embedding", "positional_embedding", "text.positional_embedding")
_NAMED = 4  # tensors that an error lists


def read(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name, on the CPU.

    A training checkpoint's ``state_dict`` is unwrapped, and the prefixes of data-parallel and
    compiled models are taken off. Pickles are read with ``weights_only``: a file that contains
    code, or anything but tensors and plain values, is refused unread.

    Raises:
        InputError: not one of ``SUFFIXES``.
        ModelError: missing, empty, cut off, damaged, contains code, or contains no tensors.
    """
    check_suffix(path)
    try:
        path.open("rb").close()
    except OSError as error:
        reason = error.strerror or str(error)
        raise _damaged(path, "a file that can be read", reason) from error
    try:
        loaded = load_file(path) if path.suffix == ".safetensors" else _unpickle(path)
    except SafetensorError as error:
        raise _damaged(path, "a complete safetensors file", str(error)) from error
    return _tensors(path, loaded)


def check_suffix(path: Path) -> None:
    """Refuse a file whose name does not say that it is a checkpoint.

    Raises:
        InputError: not one of ``SUFFIXES``.
    """
    if path.suffix not in SUFFIXES:
        expected = "a file that ends in " + ", ".join(SUFFIXES)
        raise InputError(f"checkpoint {path.name}", expected=expected, got=repr(path.suffix))


def _damaged(path: Path, expected: str, got: str, do: str = "") -> ModelError:
    advice = do or "Copy or download the file again."
    return ModelError(f"checkpoint {path.name}", expected=expected, got=got, do=advice)


def _unpickle(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _damaged(
            path,
            "tensors and plain values only",
            "a pickle that would run code: " + str(error).split(". ")[0].split("\n")[0],
            "It was not opened. Convert it to safetensors where you trust it, and register that.",
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, BadZipFile) as error:
        text = str(error)
        if "TorchScript" in text:
            raise _damaged(
                path,
                "tensors",
                "a TorchScript program, which is code",
                "Save its state_dict as safetensors where you trust it, and register that.",
            ) from error
        reason = text.split("\n", maxsplit=1)[0][:200] or type(error).__name__
        raise _damaged(path, "a complete checkpoint", reason) from error


def _tensors(path: Path, loaded: Any) -> dict[str, Tensor]:
    for wrapper in _WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(wrapper), Mapping):
            loaded = loaded[wrapper]
            break
    found = {}
    for name, value in loaded.items() if isinstance(loaded, Mapping) else ():
        if isinstance(value, Tensor):
            found[name.removeprefix("module.").removeprefix("_orig_mod.")] = value
    if not found:
        got = f"none (a {type(loaded).__name__})"
        raise _damaged(path, "tensors by name", got, "Save the model's state_dict.")
    return found


def fill(model: nn.Module, path: Path, arch: str) -> list[str]:
    """Load a checkpoint into a model; every tensor must fit.

    open_clip's conversions apply (other projects' naming, older layouts, position embeddings of
    another resolution).

    Args:
        model: an open_clip model on the CPU.
        path: see ``read``.
        arch: its name, for messages.

    Returns:
        Sentences on what was adapted (resized position embeddings); mostly empty.

    Raises:
        ModelError: it cannot be read, or is of another architecture; names the first tensors
            that differ, with both shapes.
    """
    from open_clip.convert import convert_state_dict
    from open_clip.model import (
        convert_to_custom_text_state_dict,
        resize_pos_embed,
        resize_text_pos_embed,
    )

    raw = read(path)
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    try:
        state = dict(convert_state_dict(model, raw))
        if "positional_embedding" in state and not hasattr(model, "positional_embedding"):
            state = convert_to_custom_text_state_dict(state)
        _align_scalars(model, state)
        notes = _to_be_resized(state, wanted)
        resize_pos_embed(state, model)
        resize_text_pos_embed(state, model)
    except Exception as error:  # conversions index by names that a foreign file lacks
        raise _misfit(path, arch, raw, wanted) from error
    shapes = {name: tuple(value.shape) for name, value in state.items()}
    if shapes != wanted:
        raise _misfit(path, arch, state, wanted)
    model.load_state_dict(state)
    return notes


def fill_exactly(model: nn.Module, path: Path, arch: str) -> list[str]:
    """Load a checkpoint whose tensors have the model's own names and shapes; nothing is adapted.

    Returns:
        No sentences, as ``fill`` returns when it adapted nothing.

    Raises:
        ModelError: as ``fill``.
    """
    state = read(path)
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    if {name: tuple(value.shape) for name, value in state.items()} != wanted:
        raise _misfit(path, arch, state, wanted)
    model.load_state_dict(state)
    return []


def _align_scalars(model: nn.Module, state: dict[str, Tensor]) -> None:
    """Scale and bias may be scalars or 1-d; a softmax model's bias is zero; old ids are dropped."""
    for name in ("logit_scale", "logit_bias"):
        own = getattr(model, name, None)
        if own is not None and name in state:
            state[name] = state[name].reshape(own.shape)
    if getattr(model, "logit_bias", None) is not None and "logit_bias" not in state:
        state["logit_bias"] = torch.zeros_like(state["logit_scale"])
    position_ids = "text.transformer.embeddings.position_ids"
    if position_ids not in model.state_dict():
        state.pop(position_ids, None)


def _to_be_resized(state: dict[str, Tensor], wanted: Mapping[str, tuple[int, ...]]) -> list[str]:
    """Position embeddings that do not fit, brought to float32, in which they are interpolated."""
    notes = []
    for name in _POSITIONS:
        if name in state and name in wanted and tuple(state[name].shape) != wanted[name]:
            notes.append(f"{name} was interpolated from {tuple(state[name].shape)}.")
            state[name] = state[name].float()
    return notes


def _misfit(
    path: Path, arch: str, state: Mapping[str, Tensor], wanted: Mapping[str, tuple[int, ...]]
) -> ModelError:
    """The error for a checkpoint of another architecture."""
    found = {name: tuple(value.shape) for name, value in state.items()}
    differ = [name for name in wanted if name in found and found[name] != wanted[name]]
    missing = [name for name in wanted if name not in found]
    extra = [name for name in found if name not in wanted]
    chosen = (differ or missing or extra)[:_NAMED]
    expected = "; ".join(f"{name} {wanted.get(name, 'absent')}" for name in chosen)
    got = "; ".join(f"{found.get(name, 'absent')}" for name in chosen)
    got += f" ({len(differ)} shapes differ, {len(missing)} missing, {len(extra)} unknown)"
    return ModelError(
        f"checkpoint {path.name} does not fit {arch}",
        expected=expected,
        got=got,
        do="Choose the architecture that it was trained with.",
    )


def write(path: Path, source: Path) -> None:
    """Write a checkpoint's tensors as safetensors; shared storage is duplicated."""
    tensors = {name: value.detach().clone().contiguous() for name, value in read(source).items()}
    save_file(tensors, path)


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
