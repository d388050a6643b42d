"""What switching experts off came to, as pages and notebooks read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from workbench.experts.damage import Beside, Pick, beside, causal_index
from workbench.worker.ablation_question import named

__all__ = ["FIGURES", "Ablated", "AblationReport", "AblationWay", "Changed", "Figure", "Figures"]

Figure = Literal["top1", "image_to_text", "text_to_image", "image_shift", "text_shift"]
FIGURES: tuple[Figure, ...] = (
    "top1", "image_to_text", "text_to_image", "image_shift", "text_shift"
)  # fmt: skip

AblationWay = Literal["classes", "image_to_text", "text_to_image"]
"""Of what images are fixed and broken: their class, their caption, their caption's image."""


@dataclass(frozen=True)
class Figures:
    """One pass of a model without some experts.

    Args:
        off: the experts, as (block, expert).
        top1: share of the zero-shot run's labelled images answered rightly; None without a run.
        image_to_text: share of images whose caption comes first (recall@1).
        text_to_image: share of captions whose image comes first (recall@1).
        image_shift: how far image vectors moved, mean 1 - cosine.
        text_shift: how far caption vectors moved, mean 1 - cosine.
    """

    off: Pick
    top1: float | None
    image_to_text: float
    text_to_image: float
    image_shift: float
    text_shift: float

    @property
    def causal_index(self) -> float:
        """(text - image) / (text + image) of both shifts, in [-1, 1]; NaN for next to none."""
        return float(causal_index(self.image_shift, self.text_shift))


@dataclass(frozen=True)
class Ablated:
    """A single expert that was switched off alone, and what it carries.

    Args:
        layer: number of its block.
        expert: its number.
        image_load: share of image tokens that choose it.
        text_load: share of text tokens that choose it.
        figures: without it.
    """

    layer: int
    expert: int
    image_load: float
    text_load: float
    figures: Figures


@dataclass(frozen=True)
class AblationReport:
    """One ablation.

    Args:
        key: of the run.
        dataset: whose pairs were encoded.
        model: name of the model.
        model_key: its key.
        off: the experts that were switched off, as (block, expert).
        mode: ``residual`` or ``reroute``.
        layers: blocks with experts.
        experts: E.
        top_k: K.
        zero_shot: key of the zero-shot run that was repeated; None without one.
        zero_shot_dataset: whose images it looks at.
        pairs: P.
        images: labelled images of the zero-shot run that were looked at.
        classes: C.
        before: figures of the whole model.
        after: without the experts.
        controls: without as many others of the same blocks, drawn at random.
        singles: every expert of every block alone; empty when that was not asked.
        loads: by (block, expert): shares of image and of text tokens.
        notes: what to know about the figures.
        limit: pairs, and labelled images, at most.
        seed: of the draws.
        seconds: what it took.
        created: seconds since 1970.
        current: the dataset has not changed since.
    """

    key: str
    dataset: str
    model: str
    model_key: str
    off: Pick
    mode: str
    layers: tuple[int, ...]
    experts: int
    top_k: int
    zero_shot: str | None
    zero_shot_dataset: str | None
    pairs: int
    images: int
    classes: int
    before: Figures
    after: Figures
    controls: tuple[Figures, ...]
    singles: tuple[Ablated, ...]
    loads: Mapping[tuple[int, int], tuple[float, float]]
    notes: tuple[str, ...]
    limit: int
    seed: int
    seconds: float
    created: float
    current: bool

    @property
    def label(self) -> str:
        """The experts in words, ``expert 3 of block 1``."""
        return named(self.off)

    def change(self, name: Figure) -> float:
        """What switching off did to a figure: after - before; NaN where it was not measured."""
        return _change(name, self.before, self.after)

    def beside(self, name: Figure) -> Beside:
        """The damage to a figure beside that of random experts.

        Damage is a drop of an accuracy or recall, or a rise of a shift: larger is worse.
        """
        sign = 1.0 if name.endswith("shift") else -1.0
        controls = [sign * _change(name, self.before, each) for each in self.controls]
        return beside(sign * self.change(name), controls)

    def carried(self, off: Pick) -> tuple[float, float]:
        """Shares of image and of text tokens that choose these experts, summed over blocks / L.

        Each block routes every token once: the mean over the blocks named is a share.
        """
        blocks = len({layer for layer, _ in off}) or 1
        image = sum(self.loads[each][0] for each in off) / blocks
        return image, sum(self.loads[each][1] for each in off) / blocks


@dataclass(frozen=True)
class Changed:
    """Items whose answer changed.

    Args:
        dataset: theirs.
        fixed: rows answered rightly only without the experts.
        broken: rows answered rightly only with them.
        n: items looked at.
        p: of McNemar's test that switching off makes no difference.
        titles: row -> true class; empty for retrieval.
        words: row -> what was said before and is said after; empty for retrieval.
    """

    dataset: str
    fixed: tuple[int, ...]
    broken: tuple[int, ...]
    n: int
    p: float
    titles: Mapping[int, str]
    words: Mapping[int, tuple[str, str]]


def _change(name: Figure, before: Figures, after: Figures) -> float:
    values = (getattr(before, name), getattr(after, name))
    if None in values:
        return float("nan")
    return float(values[1] - values[0])


def figures_of(off: Any, figures: Mapping[str, Any]) -> Figures:
    """Figures as stored in a run."""
    return Figures(tuple((layer, expert) for layer, expert in off), **figures)


def report_of(
    key: str,
    params: Mapping[str, Any],
    result: Mapping[str, Any],
    *,
    model: str,
    created: float,
    current: bool,
) -> AblationReport:
    """A report as stored in a run."""
    loads = np.asarray(result["loads"], np.float64)
    by_expert = {
        (layer, expert): (float(loads[place, expert, 0]), float(loads[place, expert, 1]))
        for place, layer in enumerate(result["layers"])
        for expert in range(result["experts"])
    }
    singles = [figures_of(each["off"], each["figures"]) for each in result["singles"]]
    asked = params["zero_shot"] or {}
    return AblationReport(
        key=key,
        dataset=params["dataset"],
        model=model,
        model_key=params["model"],
        off=tuple((layer, expert) for layer, expert in params["off"]),
        mode=params["mode"],
        layers=tuple(result["layers"]),
        experts=result["experts"],
        top_k=result["top_k"],
        zero_shot=asked.get("run"),
        zero_shot_dataset=asked.get("dataset"),
        pairs=result["n"]["pairs"],
        images=result["n"]["images"],
        classes=result["n"]["classes"],
        before=figures_of((), result["before"]),
        after=figures_of(params["off"], result["after"]),
        controls=tuple(figures_of(e["off"], e["figures"]) for e in result["controls"]),
        singles=tuple(Ablated(*f.off[0], *by_expert[f.off[0]], f) for f in singles),
        loads=by_expert,
        notes=tuple(result["notes"]),
        limit=params["limit"],
        seed=params["seed"],
        seconds=result["seconds"],
        created=created,
        current=current,
    )
