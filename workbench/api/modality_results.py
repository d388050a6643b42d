"""What questions about images and texts in a model's layers are answered with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from workbench.experts.gap import Gap
from workbench.measures.interval import Measure

__all__ = [
    "JOINT",
    "WAYS",
    "LayerCut",
    "LayerMap",
    "LayerUnits",
    "ModalityReport",
    "Moved",
    "Sweep",
    "UnitInput",
    "Way",
    "report_of",
]

JOINT = -1
"""Number of the joint space among the layers; 0 is what enters the first block."""

Way = Literal["image_to_text", "text_to_image", "classes"]
"""What is asked while the gap is closed: an image for its text, a text for its image, or an image
for its class."""

WAYS: tuple[Way, ...] = ("image_to_text", "text_to_image", "classes")


@dataclass(frozen=True)
class LayerCut:
    """How far one shared layer holds the modalities apart.

    Args:
        layer: its number; ``JOINT`` for the joint space.
        name: of the layer.
        auroc: of the difference of means on pairs it was not taken from; .5 says nothing.
        null: 95th percentile of the same with images and texts swapped at random.
        distance: between the centroids of the layer's states made unit length, in [0, 2].
    """

    layer: int
    name: str
    auroc: float
    null: float
    distance: float


@dataclass(frozen=True)
class LayerUnits:
    """Modality selectivity of a layer's units in short.

    Args:
        layer: its number; ``JOINT`` for the dimensions of the joint space.
        name: of the layer.
        experts: that the units belong to, equally many each; 1 for a dense layer.
        units: U.
        image: units that answer to images, at a false discovery rate of 5%.
        text: units that answer to texts.
        mean: mean absolute selectivity.
        largest_by_chance: 95th percentile of the largest absolute selectivity of any unit when
            images and texts are swapped at random.
        histogram: units in each of 40 bins of selectivity from -1 to 1.
        by_chance: the same, mean of the shuffles.
    """

    layer: int
    name: str
    experts: int
    units: int
    image: int
    text: int
    mean: float
    largest_by_chance: float
    histogram: tuple[int, ...]
    by_chance: tuple[float, ...]


@dataclass(frozen=True)
class LayerMap:
    """A measure of every image layer against every text layer; the joint space comes last.

    Args:
        values: (A, B).
        null: (A, B) 95th percentile with the pairs shuffled; empty where chance is exact.
        chance: mean with the pairs shuffled.
    """

    values: tuple[tuple[float, ...], ...]
    null: tuple[tuple[float, ...], ...]
    chance: float


@dataclass(frozen=True)
class Sweep:
    """What happens as images and texts are moved towards each other.

    Args:
        amounts: S shares of the gap taken away; 0 changes nothing, 1 closes it.
        distance: (S,) between the centroids afterwards.
        image_to_text: (S,) recall@1 of images asking for their text.
        text_to_image: (S,) of texts asking for their image.
        classes: (S,) top-1 accuracy of the zero-shot run; empty without one.
        class_distance: between the centroids of its images and classes; NaN without one.
        run: its key; empty for none.
    """

    amounts: tuple[float, ...]
    distance: tuple[float, ...]
    image_to_text: tuple[Measure, ...]
    text_to_image: tuple[Measure, ...]
    classes: tuple[Measure, ...]
    class_distance: float
    run: str

    def of(self, way: Way) -> tuple[Measure, ...]:
        """The measures of one question."""
        found: tuple[Measure, ...] = getattr(self, way)
        return found


@dataclass(frozen=True)
class ModalityReport:
    """How a model holds images and texts apart, measured on pairs of a dataset.

    Args:
        key: of the run.
        dataset: its name.
        model: its name; its key where the model was removed since.
        shared: both modalities pass the same weights. Only then are layers cut and hidden units
            compared; else only the joint space is.
        image_layers: names of A layers, the joint space last.
        text_layers: names of B layers, the joint space last.
        n: pairs.
        dim: of the joint space.
        k: neighbours that are compared.
        gap: in the joint space.
        sweep: closing it.
        cuts: of the shared layers, in order, and of the joint space.
        units: of the shared layers, in order, and of the joint space.
        cka: unbiased linear CKA.
        neighbours: share of common nearest neighbours.
        linked: recall@1 from texts to images through a linear map.
        seed: of the draw, halves and shuffles.
        notes: sentences on what was left out and how.
        seconds: it took.
        created: seconds since 1970.
        current: the dataset is still as it was.
    """

    key: str
    dataset: str
    model: str
    shared: bool
    image_layers: tuple[str, ...]
    text_layers: tuple[str, ...]
    n: int
    dim: int
    k: int
    gap: Gap
    sweep: Sweep
    cuts: tuple[LayerCut, ...]
    units: tuple[LayerUnits, ...]
    cka: LayerMap
    neighbours: LayerMap
    linked: LayerMap
    seed: int
    notes: tuple[str, ...]
    seconds: float
    created: float
    current: bool


@dataclass(frozen=True)
class Moved:
    """What a move of the modalities changed, by item.

    Args:
        dataset: of the rows.
        fixed: rows of the items that are right after the move only.
        broken: rows that were right before it only.
        n: items that were asked.
        names: row -> what is said after the move; for classes only.
    """

    dataset: str
    fixed: tuple[int, ...]
    broken: tuple[int, ...]
    n: int
    names: Mapping[int, str]


@dataclass(frozen=True)
class UnitInput:
    """An input that excites a unit.

    Args:
        modality: ``image`` or ``text``.
        row: of the item; a text is its first caption.
        activation: of a hidden unit how strongly it fires, the mean over the input's tokens of its
            activation's positive part; of the joint space the coordinate.
    """

    modality: Literal["image", "text"]
    row: int
    activation: float


def report_of(
    key: str, params: Mapping[str, Any], result: Mapping[str, Any], **more: Any
) -> ModalityReport:
    """A report from a run's parameters and result; ``more`` are the fields that neither holds."""
    sweep = result["sweep"]
    classes = sweep.get("classes")
    return ModalityReport(
        key=key,
        dataset=params["dataset"],
        shared=result["shared"],
        image_layers=(*result["names"][0], "joint space"),
        text_layers=(*result["names"][1], "joint space"),
        n=result["n"],
        dim=result["dim"],
        k=result["k"],
        gap=Gap(**result["gap"]),
        sweep=Sweep(
            amounts=tuple(sweep["amounts"]),
            distance=tuple(sweep["distance"]),
            image_to_text=_measures(sweep["image_to_text"], result["n"]),
            text_to_image=_measures(sweep["text_to_image"], result["n"]),
            classes=_measures(classes["top1"], classes["images"]) if classes else (),
            class_distance=classes["distance"] if classes else float("nan"),
            run=params["run"] or "",
        ),
        cuts=tuple(LayerCut(**each) for each in result["layers"]),
        units=tuple(_units(each) for each in result["units"]),
        cka=_map(result["cka"]),
        neighbours=_map(result["neighbours"]),
        linked=_map({"null": [], **result["linked"]}),
        seed=params["seed"],
        notes=tuple(result["notes"]),
        seconds=result["seconds"],
        **more,
    )


def _measures(shares: list[list[float]], n: int) -> tuple[Measure, ...]:
    return tuple(Measure(value, low, high, n) for value, low, high in shares)


def _units(found: Mapping[str, Any]) -> LayerUnits:
    bins = {name: tuple(found[name]) for name in ("histogram", "by_chance")}
    return LayerUnits(**{**found, **bins})


def _map(found: Mapping[str, Any]) -> LayerMap:
    values, null = (tuple(tuple(row) for row in found[name]) for name in ("values", "null"))
    return LayerMap(values, null, found["chance"])
