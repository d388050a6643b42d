"""How published zero-shot accuracies are made, and where a run was made differently."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.prompts import builtin
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet

__all__ = ["STANDARDS", "Made", "Standard", "differences", "measure_of"]


@dataclass(frozen=True)
class Standard:
    """How the figure of one dataset is made.

    Args:
        images: that it rests on.
        classes: to choose from.
        measure: key of a run's measure that is the same; empty where a run has none.
        words: what the figure is.
        imagenet: classes are ImageNet's (or some of them), by OpenAI's names and 80 templates.
    """

    images: int
    classes: int
    measure: str = "top1"
    words: str = "top-1 accuracy"
    imagenet: bool = False


def _plain(images: int, classes: int) -> Standard:
    return Standard(images, classes)


def _mean(images: int, classes: int) -> Standard:
    return Standard(images, classes, "mean_per_class", "the mean of the classes' accuracies")


def _imagenet(images: int, classes: int) -> Standard:
    return Standard(images, classes, imagenet=True)


def _other(images: int, classes: int, words: str) -> Standard:
    return Standard(images, classes, "", words)


STANDARDS: Mapping[str, Standard] = {
    "ImageNet 1k": _imagenet(50_000, 1000),
    "Caltech-101": _mean(6085, 102),
    "CIFAR-10": _plain(10_000, 10),
    "CIFAR-100": _plain(10_000, 100),
    "CLEVR Counts": _plain(15_000, 8),
    "CLEVR Distance": _plain(15_000, 6),
    "Country211": _plain(21_100, 211),
    "Describable Textures": _plain(1880, 47),
    "EuroSAT": _plain(5400, 10),
    "FGVC Aircraft": _mean(3333, 100),
    "Food-101": _plain(25_250, 101),
    "GTSRB": _plain(12_630, 43),
    "ImageNet Sketch": _imagenet(50_889, 1000),
    "ImageNet v2": _imagenet(10_000, 1000),
    "ImageNet-A": _imagenet(7500, 200),
    "ImageNet-O": _imagenet(2000, 200),
    "ImageNet-R": _imagenet(30_000, 200),
    "KITTI Vehicle Distance": _plain(711, 4),
    "MNIST": _plain(10_000, 10),
    "ObjectNet": _plain(18_574, 113),
    "Oxford Flowers-102": _mean(6149, 102),
    "Oxford-IIIT Pet": _mean(3669, 37),
    "Pascal VOC 2007": _plain(14_976, 20),
    "PatchCamelyon": _plain(32_768, 2),
    "Rendered SST2": _plain(1821, 2),
    "RESISC45": _plain(6300, 45),
    "Stanford Cars": _plain(8041, 196),
    "STL-10": _plain(8000, 10),
    "SUN397": _plain(108_754, 397),
    "SVHN": _plain(26_032, 10),
    "iWildCam": _other(42_791, 182, "the macro F1 score"),
    "Camelyon17": _plain(85_054, 2),
    "FMoW": _other(22_108, 62, "the accuracy in the worst region"),
    "Dollar Street": _other(3503, 58, "the top-5 accuracy of the worst income group"),
    "GeoDE": _other(12_488, 40, "the accuracy of the worst region"),
}
"""Column of open_clip's table -> how its figures are made.

Source: the list of tasks of Gadre et al., DataComp, NeurIPS 2023 (Datasets and Benchmarks), whose
35 classification tasks are the columns of that table."""


@dataclass(frozen=True)
class Made:
    """How a run was made.

    Args:
        arch: architecture of its model.
        weights: as they were named.
        preprocess: of its model.
        expected: preprocessing of the published model; None where it is not known here.
        head: key.
        head_title: on screen.
        prompts: its prompt set.
        classes: its class set.
        images: that its figure rests on.
        filtered: only images that meet conditions were taken.
        several: any of an image's true labels counts as right.
    """

    arch: str
    weights: str
    preprocess: Mapping[str, Any]
    expected: Mapping[str, Any] | None
    head: str
    head_title: str
    prompts: PromptSet
    classes: ClassSet
    images: int
    filtered: bool
    several: bool


def measure_of(column: str) -> str:
    """Key of the run's measure to hold against a column; top-1 where nothing fits better."""
    standard = STANDARDS.get(column)
    return standard.measure or "top1" if standard is not None else "top1"


def differences(made: Made, name: str, pretrained: str, column: str) -> tuple[str, ...]:
    """What differs between a run and how a published figure is made: a sentence each.

    What cannot be checked is said too. Empty when everything was checked and is the same.

    Args:
        made: how the run was made.
        name: architecture of the published model.
        pretrained: tag of its weights.
        column: the dataset in the published table.
    """
    standard = STANDARDS.get(column)
    found = [_weights(made, name, pretrained), *_preprocessing(made, pretrained), _head(made)]
    if standard is None:
        found.append(
            f"How figures of {column!r} are made is not known here: templates, class names, "
            "number of images and the measure were not checked."
        )
    elif standard.imagenet:
        found += [_templates(made.prompts), *_names(made.classes, standard.classes)]
    else:
        found.append(
            f"Figures of {column!r} are made with templates and class names of its own, which are "
            "not known here: those of the run were not checked."
        )
    if standard is not None:
        found += [*_sizes(made, standard), _measure(standard)]
    if made.several:
        found.append("The run counts any of an image's true labels as right, not one.")
    return tuple(sentence for sentence in found if sentence)


def _weights(made: Made, name: str, pretrained: str) -> str:
    if (made.arch, made.weights) == (name, pretrained):
        return ""
    if made.weights == pretrained and _without_gelu(made.arch) == _without_gelu(name):
        if pretrained == "openai":  # these weights bring QuickGELU under either name
            return ""
        return (
            f"The architecture is {made.arch} here and {name} there: they are the same model only "
            "where both compute QuickGELU."
        )
    own = made.weights.rsplit("/", 1)[-1] if made.weights.startswith(("/", "models/")) else ""
    if own and made.arch == name:
        return f"The weights are a file ({own}): that they are {pretrained} was not checked."
    here = f"a file ({own})" if own else made.weights
    return f"The weights are {made.arch} {here} here and {name} {pretrained} there."


def _without_gelu(arch: str) -> str:
    return arch.removesuffix("-quickgelu")


def _preprocessing(made: Made, pretrained: str) -> list[str]:
    if made.expected is None:
        return [
            f"The preprocessing of {pretrained} is not known here: that of the run was not checked "
            "(register the published model under any name to have it checked)."
        ]
    return [
        f"Preprocessing differs: {field} is {made.preprocess.get(field)} here and "
        f"{made.expected.get(field)} there."
        for field in sorted({*made.preprocess, *made.expected})
        if _listed(made.preprocess.get(field)) != _listed(made.expected.get(field))
    ]


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _head(made: Made) -> str:
    if made.head == "mean":
        return ""
    return f"The head is {made.head_title}; published figures take the mean of the prompts."


def _templates(prompts: PromptSet) -> str:
    standard = builtin.imagenet_templates()
    if prompts.kind != "templates":
        return f"The prompts are {prompts.kind}, not the {len(standard)} standard templates."
    if Counter(prompts.templates) != Counter(standard):
        shared = len(set(prompts.templates) & set(standard))
        return (
            f"{shared} of the {len(standard)} standard templates are among the prompts, "
            f"which number {len(prompts.templates)}."
        )
    return "The templates are filled with synonyms too." if prompts.synonyms else ""


def _names(classes: ClassSet, wanted: int) -> list[str]:
    """Names of the run's classes that are none of OpenAI's for ImageNet, or occur too often."""
    strange = list((Counter(classes.names) - Counter(builtin.imagenet().names)).elements())
    if not strange:
        return []
    shown = ", ".join(repr(name) for name in strange[:3])
    more = " ..." if len(strange) > 3 else ""
    return [
        f"{len(strange):,} of {len(classes):,} class names are not OpenAI's for ImageNet "
        f"({shown}{more})."
    ]


def _sizes(made: Made, standard: Standard) -> list[str]:
    found = []
    if len(made.classes) != standard.classes:
        found.append(
            f"The run chooses among {len(made.classes):,} classes, the published figure among "
            f"{standard.classes:,}."
        )
    if made.images != standard.images:
        why = " (conditions were set)" if made.filtered else ""
        found.append(
            f"The run rests on {made.images:,} images{why}, the published figure on "
            f"{standard.images:,}."
        )
    return found


def _measure(standard: Standard) -> str:
    if standard.measure:
        return ""
    return (
        f"The published figure is {standard.words}, which a run does not measure: top-1 is taken."
    )
