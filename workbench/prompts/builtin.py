"""Class sets and prompt sets that are there from the start."""

from __future__ import annotations

import importlib.util
import json
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from workbench.errors import InputError, UnknownName
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet

__all__ = ["PROMPT_SETS", "imagenet", "imagenet_templates", "prompt_set", "sample_classes"]

_MARK = "\x00"


@lru_cache
def _metadata() -> ModuleType:
    """open_clip's names and templates, without importing open_clip, which would import torch."""
    package = importlib.util.find_spec("open_clip")
    places = list(package.submodule_search_locations or ()) if package else []
    file = Path(places[0]) / "zero_shot_metadata.py" if places else None
    if file is None or not file.exists():
        do = "Install open_clip_torch, or bring the classes as a file."
        raise InputError("ImageNet names", expected="open_clip with its names", got="none", do=do)
    spec = importlib.util.spec_from_file_location("workbench_imagenet_names", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def imagenet() -> ClassSet:
    """The 1,000 classes of ImageNet by OpenAI's curated names, in the order of their ids.

    Labels are the ids ``0`` to ``999``: two names occur twice.
    """
    names = tuple(str(name) for name in _metadata().IMAGENET_CLASSNAMES)
    return ClassSet(names=names, labels=tuple(str(place) for place in range(len(names))))


def imagenet_templates(*, simple: bool = False) -> tuple[str, ...]:
    """OpenAI's 80 templates for ImageNet, or their selection of seven."""
    module = _metadata()
    found = module.SIMPLE_IMAGENET_TEMPLATES if simple else module.OPENAI_IMAGENET_TEMPLATES
    return tuple(template(_MARK).replace(_MARK, "{}") for template in found)


PROMPT_SETS = ("photo", "name", "seven", "imagenet-80")
"""Names of the prompt sets that are always there; the first is the default."""


def prompt_set(name: str) -> PromptSet:
    """One of ``PROMPT_SETS``: ``photo`` is "a photo of a NAME.", ``name`` the bare name.

    Raises:
        UnknownName: there is none of this name.
    """
    if name == "photo":
        return PromptSet(templates=("a photo of a {}.",))
    if name == "name":
        return PromptSet(templates=("{}",))
    if name in ("seven", "imagenet-80"):
        return PromptSet(templates=imagenet_templates(simple=name == "seven"))
    raise UnknownName("prompt set", name, PROMPT_SETS)


@lru_cache
def sample_classes() -> ClassSet:
    """The 791 concepts of the sample world, with synonyms, a two-level hierarchy and languages."""
    from sample_data import concepts_file

    concepts = json.loads(concepts_file().read_text("utf-8"))
    languages = set.intersection(*(set(concept["names"]) for concept in concepts)) - {"en"}
    return ClassSet(
        names=tuple(concept["name"] for concept in concepts),
        synonyms=tuple(tuple(concept["synonyms"]) for concept in concepts),
        paths=tuple((concept["group"], concept["subgroup"]) for concept in concepts),
        translations={
            code: tuple(concept["names"][code] for concept in concepts)
            for code in sorted(languages)
        },
    )
