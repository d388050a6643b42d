"""From what a person names (architecture, tag, file, folder) to what is needed to build a model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import InputError, UnknownName
from workbench.gpu import checkpoint, hub

__all__ = ["CONFIG_FILE", "MERGES_FILE", "WEIGHTS_FILE", "Source", "known", "resolve", "weights_in"]

CONFIG_FILE = "open_clip_config.json"
WEIGHTS_FILE = "open_clip_model.safetensors"
MERGES_FILE = "bpe_merges.txt.gz"
_RANDOM = "random:"
_WEIGHT_NAMES = (WEIGHTS_FILE, *hub.DEFAULT_FILES, "model.safetensors")


@dataclass(frozen=True)
class Source:
    """Everything that defines a model, before its weights are read.

    Args:
        arch: its architecture's name, for people.
        build: the name that open_clip builds it by (an architecture, or ``local-dir:FOLDER``).
        words: the name that open_clip finds its tokenizer by.
        config: open_clip's ``model_cfg``.
        preprocess: open_clip's ``preprocess_cfg``, complete.
        weights: as named.
        identity: what the weights are: a tag, ``random:SEED``, or the SHA-256 of the file.
        folder: the bundle it lies in, if it is one.
        file: the file of weights, when it is on this machine.
        remote: where else it can be had from, if anywhere.
        seed: of random weights.
        options: keywords that change what open_clip builds by that name.
    """

    arch: str
    build: str
    words: str
    config: dict[str, Any]
    preprocess: dict[str, Any]
    weights: str
    identity: str
    folder: Path | None = None
    file: Path | None = None
    remote: hub.Remote | None = None
    seed: int | None = None
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def tokenizer(self) -> dict[str, Any]:
        """The tokenizer as data: kind, its name or the digest of its merges, context length."""
        text = self.config.get("text_cfg", {})
        found: dict[str, Any] = {"context_length": int(text.get("context_length", 77))}
        if text.get("hf_tokenizer_name"):
            found |= {"kind": "huggingface", "name": str(text["hf_tokenizer_name"])}
        elif "siglip" in self.words.lower() and ":" not in self.words:
            found |= {"kind": "huggingface", "name": "siglip"}
        else:
            found |= {"kind": "bpe", "name": "clip"}
        merges = self.merges
        if merges is not None:
            found |= {"name": MERGES_FILE, "sha256": checkpoint.sha256(merges)}
        if text.get("tokenizer_kwargs"):
            found["options"] = dict(text["tokenizer_kwargs"])
        return found

    @property
    def merges(self) -> Path | None:
        """The bundle's own merges; None for CLIP's."""
        path = None if self.folder is None else self.folder / MERGES_FILE
        return path if path is not None and path.is_file() else None

    def key(self, precision: str) -> str:
        """Twelve hexadecimal digits over everything that decides what its vectors are."""
        parts = {
            "config": self.config,
            "preprocess": self.preprocess,
            "tokenizer": self.tokenizer,
            "weights": self.identity,
            "precision": precision,
        }
        text = json.dumps(parts, sort_keys=True, default=list)
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def known() -> list[tuple[str, str]]:
    """Every (architecture, pretrained tag) of open_clip, in its order."""
    import open_clip

    return [(str(arch), str(tag)) for arch, tag in open_clip.list_pretrained()]


def resolve(arch: str, weights: str) -> Source:
    """What a person named, as a ``Source``; nothing is downloaded except an ``hf-hub:`` config.

    Args:
        arch: open_clip architecture; may be empty for bundles and ``hf-hub:`` names.
        weights: pretrained tag, ``hf-hub:ORG/NAME``, checkpoint file, bundle folder, or
            ``random:SEED``.

    Raises:
        UnknownName: no such architecture or tag.
        InputError: the path does not exist, or is no checkpoint and no bundle.
        MissingWeights: the config of an ``hf-hub:`` name is not on this machine.
    """
    name = weights or arch
    if name.startswith(hub.PREFIX):
        return _from_hub(name)
    if weights.startswith(_RANDOM):
        return _random(arch, weights)
    path = Path(weights).expanduser()
    if path.is_dir():
        return _from_bundle(arch, weights, path.absolute())
    if path.suffix in checkpoint.SUFFIXES or path.is_file():
        return _from_file(arch, weights, path.absolute())
    return _from_tag(arch, weights)


def _base(arch: str) -> dict[str, Any]:
    """Config of a built-in architecture."""
    import open_clip

    if arch not in (names := open_clip.list_models()):
        do = "" if arch else "Name the architecture; `workbench models known` lists them."
        raise UnknownName("architecture", arch, names, do=do)
    return dict(deepcopy(open_clip.get_model_config(arch)))


def _preprocess(config: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Complete preprocessing: open_clip's defaults, what is given, and the tower's own size."""
    from open_clip.transform import PreprocessCfg, merge_preprocess_dict

    merged = merge_preprocess_dict(asdict(PreprocessCfg()), dict(given))
    merged["size"] = config["vision_cfg"].get("image_size", 224)
    return {key: _plain(value) for key, value in merged.items()}


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _random(arch: str, weights: str) -> Source:
    digits = weights.removeprefix(_RANDOM)
    if not digits.isdigit():
        raise InputError("random weights", expected="random:SEED, e.g. random:0", got=weights)
    config = _base(arch)
    return Source(
        arch, arch, arch, config, _preprocess(config, {}), weights, weights, seed=int(digits)
    )


def _from_tag(arch: str, tag: str) -> Source:
    import open_clip

    config = _base(arch)
    tags = open_clip.list_pretrained_tags_by_model(arch)
    if tag not in tags:
        do = "Or give a path of a checkpoint file or bundle folder that exists."
        raise UnknownName(f"pretrained tag of {arch}", tag, tags, do=do)
    given = open_clip.get_pretrained_cfg(arch, tag)
    # some weights were trained with QuickGELU while the architecture of that name has GELU
    config["quick_gelu"] = bool(given.get("quick_gelu", False))
    remote = hub.remote(given)
    return Source(
        arch=arch,
        build=arch,
        words=arch,
        config=config,
        preprocess=_preprocess(config, given),
        weights=tag,
        identity=f"{arch}/{tag}",
        file=hub.cached(remote),
        remote=remote,
        options={"quick_gelu": config["quick_gelu"]},
    )


def _from_file(arch: str, weights: str, path: Path) -> Source:
    if not path.is_file():
        raise InputError(f"checkpoint {weights}", expected="an existing file", got="nothing there")
    config = _base(arch)
    checkpoint.check_suffix(path)
    return Source(
        arch=arch,
        build=arch,
        words=arch,
        config=config,
        preprocess=_preprocess(config, {}),
        weights=weights,
        identity=checkpoint.sha256(path),
        file=path,
    )


def _from_bundle(arch: str, weights: str, path: Path) -> Source:
    config, given = _read_config(path / CONFIG_FILE)
    file = weights_in(path)
    identity = "" if file is None else checkpoint.sha256(file)
    name = f"local-dir:{path}"
    return Source(
        arch=arch or path.name,
        build=name,
        words=name,
        config=config,
        preprocess=_preprocess(config, given),
        weights=weights,
        identity=identity,
        folder=path,
        file=file,
    )


def _from_hub(name: str) -> Source:
    config_path = hub.config(name, CONFIG_FILE)
    config, given = _read_config(config_path)
    remote = hub.Remote(name.removeprefix(hub.PREFIX), hub.DEFAULT_FILES)
    return Source(
        arch=name.removeprefix(hub.PREFIX),
        build=f"local-dir:{config_path.parent}",
        words=name,
        config=config,
        preprocess=_preprocess(config, given),
        weights=name,
        identity=name,
        file=hub.cached(remote),
        remote=remote,
    )


def _read_config(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        model = config["model_cfg"]
        for part in ("embed_dim", "vision_cfg", "text_cfg"):
            model[part]
        return dict(model), dict(config.get("preprocess_cfg", {}))
    except FileNotFoundError as error:
        raise InputError(
            f"model folder {path.parent}", expected=f"{CONFIG_FILE} in it", got="none"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path.parent.name}/{path.name}",
            expected="JSON with model_cfg (embed_dim, vision_cfg, text_cfg)",
            got=f"{type(error).__name__}: {error}",
        ) from error


def weights_in(folder: Path) -> Path | None:
    """The file of weights in a folder: the usual names first, safetensors before pickles."""
    found = [folder / name for name in _WEIGHT_NAMES]
    for suffix in checkpoint.SUFFIXES:
        found += sorted(folder.glob(f"*{suffix}"))
    return next((path for path in found if path.is_file()), None)
