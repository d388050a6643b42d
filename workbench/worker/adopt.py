"""Registers a model: described, checked, and copied into the workspace where it is a local file."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from store.files import DRAFT_PREFIX, full_disk, sync_folder
from store.names import check_name
from workbench.errors import InputError
from workbench.types import ModelInfo

if TYPE_CHECKING:
    from store.workspace import Workspace
    from workbench.gpu.device import Device
    from workbench.gpu.source import Source

__all__ = ["COMPANIONS", "register"]

COMPANIONS = ("training.jsonl", "metrics.json")
"""What a bundle may hold besides: how its training went, and what it was measured to do."""


def register(  # noqa: PLR0917  # the four things that a person names, after where
    workspace: Workspace, device: Device, arch: str, weights: str, name: str, precision: str
) -> ModelInfo:
    """Record a model under a name; the same model under the same name changes nothing.

    Args:
        workspace: where.
        device: for which the precision ``auto`` chooses.
        arch: open_clip architecture; may be empty for bundles and ``hf-hub:`` names.
        weights: tag, ``hf-hub:ORG/NAME``, checkpoint, bundle folder or ``random:SEED``.
        name: unique in the workspace.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.

    Raises:
        InputError: the name is taken, or the model has another name already.
        UnknownName, ModelError: see ``workbench.gpu.registry.describe``.
        DiskFull: no room for the copy; nothing was changed.
    """
    from workbench.gpu import registry
    from workbench.gpu.source import resolve

    check_name("model", name)
    info = registry.describe(arch, weights, name=name, precision=precision, device=device)
    known = {model.key: model.name for model in workspace.catalog.models()}
    _check_free(info, known)
    if info.key in known:
        return workspace.catalog.model(info.key)
    source = resolve(arch, weights)
    if source.file is not None and source.remote is None:
        info = _copied(source, info, workspace.catalog.model_folder(info.key))
    workspace.catalog.add_model(info)
    return info


def _check_free(info: ModelInfo, known: dict[str, str]) -> None:
    if known.get(info.key, info.name) != info.name:
        raise InputError(
            f"model {info.name!r}",
            expected="a model that is not registered yet",
            got=f"the one that is registered as {known[info.key]!r}",
            do="Use that name: its vectors are the same.",
        )
    if info.key not in known and info.name in known.values():
        raise InputError(
            f"model name {info.name!r}",
            expected="a name that no other model has",
            got="a taken one",
            do="Choose another name, or remove the other model first.",
        )


def _copied(source: Source, info: ModelInfo, folder: Path) -> ModelInfo:
    """Copy a local model as a bundle of its own: config, weights as safetensors, tokenizer."""
    from workbench.gpu import checkpoint
    from workbench.gpu.registry import tokenizer_of
    from workbench.gpu.source import CONFIG_FILE, MERGES_FILE, WEIGHTS_FILE

    assert source.file is not None
    weights, merges = source.file, source.merges
    if weights.suffix == ".safetensors":
        _place(folder / WEIGHTS_FILE, lambda path: shutil.copyfile(weights, path))
    else:
        _place(folder / WEIGHTS_FILE, lambda path: checkpoint.write(path, weights))
    if merges is not None:
        _place(folder / MERGES_FILE, lambda path: shutil.copyfile(merges, path))
    if source.tokenizer["kind"] == "huggingface":
        tokenizer: Any = tokenizer_of(source)
        with full_disk(folder):
            tokenizer.save_pretrained(folder)
    for name in COMPANIONS:
        beside = weights.with_name(name)
        if weights.with_name(CONFIG_FILE).is_file() and beside.is_file():
            _place(folder / name, partial(shutil.copyfile, beside))
    config = {"model_cfg": source.config, "preprocess_cfg": source.preprocess}
    text = json.dumps(config, indent=2)
    _place(folder / CONFIG_FILE, lambda path: path.write_text(text, encoding="utf-8"))
    digest = checkpoint.sha256(folder / WEIGHTS_FILE)
    return replace(info, weights=f"models/{info.key}", weights_sha256=digest)


def _place(final: Path, write: Callable[[Path], object]) -> None:
    """Write a file aside, sync it, and give it its name: a kill leaves no half of it."""
    draft = final.with_name(f"{DRAFT_PREFIX}{os.getpid()}-{secrets.token_hex(4)}-{final.name}")
    with full_disk(final.parent):
        final.parent.mkdir(parents=True, exist_ok=True)
        try:
            write(draft)
            with draft.open("rb") as file:
                os.fsync(file.fileno())
            draft.replace(final)
            sync_folder(final.parent)
        finally:
            draft.unlink(missing_ok=True)
