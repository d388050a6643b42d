"""Files of the Hugging Face hub: found on this machine, downloaded where that is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import MissingWeights
from workbench.settings import offline

__all__ = ["DEFAULT_FILES", "PREFIX", "Remote", "cached", "config", "fetch", "remote"]

PREFIX = "hf-hub:"
DEFAULT_FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")
"""What open_clip calls its weights on the hub; the first that exists is taken."""


@dataclass(frozen=True)
class Remote:
    """A file on the hub.

    Args:
        repository: ``ORG/NAME``.
        files: possible file names, the preferred one first.
    """

    repository: str
    files: tuple[str, ...]


def remote(tag: Mapping[str, Any]) -> Remote | None:
    """Where the weights of an open_clip pretrained tag lie; None where it names no repository."""
    place = str(tag.get("hf_hub", ""))
    if not place:
        return None
    repository, _, file = place.rpartition("/")
    if not file:
        return Remote(repository, DEFAULT_FILES)
    safe = Path(file).with_suffix(".safetensors").name
    return Remote(repository, tuple(dict.fromkeys((safe, file))))


def cached(place: Remote | None) -> Path | None:
    """The file in the hub's cache on this machine; None when it is not there."""
    from huggingface_hub import try_to_load_from_cache

    if place is None:
        return None
    for file in place.files:
        found = try_to_load_from_cache(place.repository, file)
        if isinstance(found, str):
            return Path(found)
    return None


def fetch(place: Remote, name: str, put: str) -> Path:
    """The file, downloaded when it is not in the cache.

    Args:
        place: what to get.
        name: the model's name, for messages.
        put: where in the workspace a person may put the file by hand.

    Raises:
        MissingWeights: nothing may be downloaded, or the download failed.
    """
    found = cached(place)
    if found is not None:
        return found
    if offline():
        raise missing(place, name, put, "WORKBENCH_OFFLINE is set")
    return Path(_download(place, name, put))


def _download(place: Remote, name: str, put: str) -> str:
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    reason: Exception | None = None
    for file in place.files:
        try:
            return str(hf_hub_download(place.repository, file))
        except EntryNotFoundError as error:  # the other name may exist
            reason = error
        except Exception as error:  # the hub's client raises errors of three libraries
            reason = error
            break
    text = f"{type(reason).__name__}: {str(reason).splitlines()[0] if str(reason) else ''}"
    raise missing(place, name, put, f"the download failed ({text[:200]})") from reason


def missing(place: Remote, name: str, put: str, why: str) -> MissingWeights:
    """The error for weights that are not here: it names the file and where it may be put."""
    file = place.files[0]
    return MissingWeights(
        f"the weights of {name} are not on this machine",
        expected=f"{file} of {place.repository} in {cache_folder(place.repository)}",
        got=why,
        do=f"With a network: `hf download {place.repository} {file}`. Without one: copy {file} "
        f"from another machine to {put}.",
    )


def cache_folder(repository: str) -> Path:
    """The folder of a repository in the hub's cache."""
    from huggingface_hub.constants import HF_HUB_CACHE

    return Path(HF_HUB_CACHE) / f"models--{repository.replace('/', '--')}"


def config(name: str, file: str) -> Path:
    """The config of an ``hf-hub:ORG/NAME`` model, downloaded when it is not in the cache."""
    repository = name.removeprefix(PREFIX)
    put = f"{cache_folder(repository)} (the whole folder)"
    return fetch(Remote(repository, (file,)), name, put)
