"""The models that can be registered, and how one of them is described and loaded."""

from __future__ import annotations

import importlib.util
import logging
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from workbench.errors import MissingWeights, ModelError
from workbench.gpu import checkpoint, hub
from workbench.gpu.device import Device, pick, precision_for
from workbench.gpu.encoder import Encoder
from workbench.gpu.gate import Gate, install
from workbench.gpu.limoe.config import LimoeConfig
from workbench.gpu.limoe.model import Limoe
from workbench.gpu.preprocess import Preprocess
from workbench.gpu.source import MERGES_FILE, Source, known, resolve, weights_in
from workbench.settings import offline
from workbench.types import ModelInfo

__all__ = ["describe", "known", "load", "source_of", "tokenizer_of"]


def describe(
    arch: str,
    weights: str,
    *,
    name: str,
    precision: str = "auto",
    device: Device | None = None,
) -> ModelInfo:
    """Everything that will be recorded of a model; downloads no weights.

    Where the weights are on this machine they are loaded once: a file that is damaged or of
    another architecture is refused now rather than in the middle of a job.

    Args:
        arch: open_clip architecture; may be empty for bundles and ``hf-hub:`` names.
        weights: pretrained tag, ``hf-hub:ORG/NAME``, checkpoint file, bundle folder, or
            ``random:SEED``.
        name: the name people will type.
        precision: ``auto``, ``fp32``, ``bf16`` or ``fp16``.
        device: for which ``auto`` chooses; the best one of this machine when None.

    Raises:
        UnknownName, InputError: what was named does not exist or cannot be used.
        ModelError: the weights cannot be read, do not fit, or need a package that is not there.
    """
    source = resolve(arch, weights)
    _check_packages(source)
    chosen = precision_for(device or pick(), precision)
    info = _facts(source, name, chosen)
    if source.seed is None and source.file is None:
        return _absent(info, source)
    tokenizer_of(source)
    model, notes = _filled(source, source.file)
    return _read_off(info, model, source.file, notes)


def _facts(source: Source, name: str, precision: str) -> ModelInfo:
    """What follows from the architecture alone; scale and bias are those of a new model."""
    config = source.config
    size = source.preprocess["size"]
    height, width = size if isinstance(size, list) else (size, size)
    return ModelInfo(
        key=source.key(precision),
        name=name,
        arch=source.arch,
        weights=source.weights,
        weights_sha256="",
        dim=int(config["embed_dim"]),
        context_length=int(source.tokenizer["context_length"]),
        image_size=(int(height), int(width)),
        preprocess=source.preprocess,
        tokenizer=source.tokenizer,
        precision=precision,
        logit_scale=math.exp(config.get("init_logit_scale", math.log(1 / 0.07))),
        logit_bias=config.get("init_logit_bias"),
        parameters=0,
        limoe=config.get("limoe"),
    )


def _absent(info: ModelInfo, source: Source) -> ModelInfo:
    """A model whose weights are elsewhere: says where they would have to be."""
    if source.remote is None:
        raise MissingWeights(
            f"{source.arch} has no weights", expected="a checkpoint file beside its config"
        )
    put = put_path(info)
    note = str(hub.missing(source.remote, info.name, put, "not downloaded yet"))
    state: Literal["missing", "unchecked"] = "missing" if offline() else "unchecked"
    try:
        parameters = _count(build(source, "meta"))
    except Exception:  # a text tower whose own config must be downloaded first
        parameters = 0
    return replace(info, state=state, note=note, parameters=parameters)


def put_path(info: ModelInfo) -> str:
    """Where in the workspace a person may put the weights of a model by hand."""
    return f"models/{info.key}/ in the workspace"


def _read_off(info: ModelInfo, model: nn.Module, file: Path | None, notes: list[str]) -> ModelInfo:
    """The facts that only the weights tell."""
    scale, bias = getattr(model, "logit_scale", None), getattr(model, "logit_bias", None)
    return replace(
        info,
        weights_sha256=checkpoint.sha256(file) if file else "",
        logit_scale=1.0 if scale is None else float(scale.detach().exp().item()),
        logit_bias=None if bias is None else float(bias.detach().item()),
        parameters=_count(model),
        state="ready",
        note=" ".join(notes) or ("Random weights: for tests only." if file is None else ""),
    )


def _count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def source_of(info: ModelInfo, root: Path) -> Source:
    """The source of a registered model.

    Args:
        info: as registered; weights of the form ``models/KEY`` lie in the workspace.
        root: the workspace.

    Raises:
        ModelError: the installed open_clip defines this model otherwise than when it was
            registered; its old vectors would not match new ones.
    """
    if info.weights == f"models/{info.key}":
        return resolve(info.arch, str(root / info.weights))
    arch = "" if info.weights.startswith(hub.PREFIX) else info.arch
    source = resolve(arch, info.weights)
    if source.key(info.precision) != info.key:
        raise ModelError(
            f"model {info.name} is not what was registered",
            expected=f"key {info.key}",
            got=f"key {source.key(info.precision)}",
            do="Its configuration changed with another version of open_clip. Register it again "
            "under a new name and embed again.",
        )
    by_hand = weights_in(root / "models" / info.key)
    return replace(source, file=by_hand or source.file)


def load(info: ModelInfo, device: Device, root: Path, gate: Gate) -> tuple[Encoder, ModelInfo]:
    """Load a registered model; download its weights first where that is needed and allowed.

    Args:
        info: as registered.
        device: where to.
        root: the workspace.
        gate: where its blocks let queries pass.

    Returns:
        The encoder, and the model with what only the weights tell (scale, bias, digest, state).

    Raises:
        MissingWeights: not on this machine, and not to be had.
        ModelError: they cannot be read, do not fit, or are not those that were loaded before.
    """
    if info.weights == "vectors only":  # imported with its vectors, see worker.import_vectors
        raise MissingWeights(f"model {info.name} has vectors but no weights", do=info.note)
    source = source_of(info, root)
    _check_packages(source)
    file = source.file
    if file is None and source.remote is not None:
        file = hub.fetch(source.remote, info.name, put_path(info))
    model, notes = _filled(source, file)
    found = _read_off(info, model, file, notes)
    if info.weights_sha256 not in ("", found.weights_sha256):
        raise ModelError(
            f"the weights of {info.name} changed since they were first loaded",
            expected=f"SHA-256 {info.weights_sha256[:16]}…",
            got=f"{found.weights_sha256[:16]}… in {file}",
            do="Put the former file back, or register the new one under another name.",
        )
    if device.kind != "cuda":
        install(model, gate)
    encoder = Encoder(
        found,
        model.to(device.torch),
        tokenizer_of(source),
        Preprocess(source.preprocess),
        device=device,
        precision=info.precision if device.kind == "cuda" else "fp32",
        gate=gate,
    )
    return encoder, found


def _filled(source: Source, file: Path | None) -> tuple[nn.Module, list[str]]:
    """The model with its weights, on the CPU, for evaluation only."""
    if source.seed is None and file is None:
        raise MissingWeights(f"{source.arch} has no weights", expected="a checkpoint file")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(source.seed or 0)
        model = build(source, "cpu")
    fill = checkpoint.fill_exactly if "limoe" in source.config else checkpoint.fill
    notes = fill(model, file, source.arch) if file is not None else []
    return model.eval().requires_grad_(False), notes


def build(source: Source, device: str) -> nn.Module:
    """The bare architecture with random weights; on ``meta`` without any."""
    import open_clip

    if "limoe" in source.config:
        with torch.device(device):
            return Limoe(LimoeConfig.from_json(source.config["limoe"]))
    with _quiet(), torch.device(device):
        model: nn.Module = open_clip.create_model(
            source.build,
            load_weights=False,
            pretrained_text=False,
            device=device,
            **source.options,
        )
    return model


@contextmanager
def _quiet() -> Iterator[None]:
    """open_clip warns on the root logger that no weights were loaded; they come afterwards."""
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(before)


def tokenizer_of(source: Source) -> Callable[[list[str]], Tensor]:
    """open_clip's tokenizer for a model: texts -> int64 (n, context length).

    Raises:
        MissingWeights: its files are not on this machine and cannot be downloaded.
    """
    import open_clip

    own: dict[str, Any] = {} if source.merges is None else {"bpe_path": str(source.merges)}
    try:
        found: Callable[[list[str]], Tensor] = open_clip.get_tokenizer(source.words, **own)
    except Exception as error:  # transformers raises errors of several libraries
        name = source.tokenizer["name"]
        raise MissingWeights(
            f"the tokenizer of {source.arch} is not on this machine",
            expected=f"the tokenizer files of {name} in the cache of the Hugging Face hub",
            got=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}",
            do=f"With a network: `hf download {name}`; then copy its folder in the cache here.",
        ) from error
    _check_vocabulary(source, getattr(found, "vocab_size", 0))
    return found


def _check_vocabulary(source: Source, words: int) -> None:
    """Refuse a tokenizer that gives numbers beyond the model's vocabulary."""
    size = int(source.config["text_cfg"].get("vocab_size", 49408))
    if words > size:
        raise ModelError(
            f"the tokenizer of {source.arch} is not the one it was trained with",
            expected=f"{MERGES_FILE} beside its weights, of {size:,} words",
            got=f"CLIP's, of {words:,} words" if source.merges is None else f"{words:,} words",
            do="Put the tokenizer's merges file into the model's folder.",
        )


def _check_packages(source: Source) -> None:
    """Refuse at registration what could not be loaded later."""
    needs = source.tokenizer["kind"] == "huggingface" or source.config["text_cfg"].get(
        "hf_model_name"
    )
    if needs and importlib.util.find_spec("transformers") is None:
        raise ModelError(
            f"{source.arch} has a tokenizer or text tower of the transformers library",
            expected="the Python package transformers",
            got="no such package",
            do="Install it into this environment (`pip install transformers`) and try again.",
        )
