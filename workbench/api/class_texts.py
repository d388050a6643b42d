"""The texts of one class of a run: the classes that read alike, and which prompts do well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.api.predictions import Answers
from workbench.errors import InputError
from workbench.heads.mean import class_vectors
from workbench.types import Floats

if TYPE_CHECKING:
    import pyarrow as pa

    from store.runs import Run

__all__ = ["ClassTexts", "NearClass", "PromptRank", "rivals"]

_ALIKE = frozenset({"mean", "similarity", "sigmoid", "autoclip", "carprt", "zpe", "real-prompt"})
"""Heads whose logit of a class with one prompt is the scaled cosine plus the bias."""


@dataclass(frozen=True)
class NearClass:
    """A class whose text lies near another one's.

    Args:
        place: in the class set.
        name: of the class.
        cosine: of the two class vectors, in [-1, 1].
        accuracy: of the class in the run; None without images.
    """

    place: int
    name: str
    cosine: float
    accuracy: float | None


@dataclass(frozen=True)
class PromptRank:
    """How well a class would do with one of its prompts alone.

    Args:
        text: the prompt.
        name: the template, sentence or descriptor that made it.
        right: images of the class whose logit with this prompt alone beats every other class.
        n: images of the class.
        lead: mean over them of that logit minus the best other one.
    """

    text: str
    name: str
    right: int
    n: int
    lead: float

    @property
    def accuracy(self) -> float:
        """``right / n``; NaN without images."""
        return self.right / self.n if self.n else float("nan")


class ClassTexts(Answers):
    """Questions about the texts of classes, answered from their kept vectors."""

    def nearest_classes(self, key: str, place: int, k: int = 8) -> tuple[NearClass, ...]:
        """The other classes whose texts are nearest, the nearest first.

        A class's vector is the mean of its unit prompts, made unit length, whatever the head.

        Args:
            key: of the run.
            place: the class.
            k: how many, at most.

        Raises:
            UnknownName: no such run.
            InputError: no such class, or the run has no prompts.
        """
        prompts, texts = self._class_texts(self._zero_shot(key), place)
        vectors, _ = class_vectors(texts, prompts.starts)
        near = vectors @ vectors[place]
        near[place] = -np.inf
        table = self._run_table(key, "classes").select(["name", "accuracy"]).to_pylist()
        order = np.argsort(-near, kind="stable")[: min(k, len(near) - 1)]
        return tuple(
            NearClass(int(i), table[i]["name"], float(near[i]), table[i]["accuracy"]) for i in order
        )

    def prompt_ranking(self, key: str, place: int) -> tuple[PromptRank, ...]:
        """A class's prompts by the accuracy it would have with each alone, the best first.

        The logit of an image with one prompt is its scaled cosine (plus the model's bias). It is
        held against the best logit of another class, as the run has it with all prompts.

        Args:
            key: of the run.
            place: the class.

        Raises:
            UnknownName: no such run.
            InputError: no such class, or a head whose logits are not scaled cosines.
        """
        run = self._zero_shot(key)
        if run.params["head"] not in _ALIKE:
            raise InputError(
                "ranking of prompts",
                expected=f"a run of one of {', '.join(sorted(_ALIKE))}",
                got=repr(run.params["head"]),
            )
        prompts, texts = self._class_texts(run, place)
        own = slice(int(prompts.starts[place]), int(prompts.starts[place + 1]))
        card = self.workspace.catalog.model(run.params["model"])
        table = self.workspace.predictions.table(run)
        mine = table.filter(table["truth"].to_numpy() == place)
        images = self.workspace.vectors.take(
            run.params["dataset"], run.params["model"], "image", mine["row"].to_numpy()
        )
        scores = images @ texts[own].T * np.float32(card.logit_scale)
        lead, wins = _leads(mine, scores + np.float32(card.logit_bias or 0), place)
        found = [
            PromptRank(text, name, int(won.sum()), len(won), float(gap.mean()) if len(gap) else 0.0)
            for text, name, won, gap in zip(
                prompts.texts[own], prompts.names[own], wins.T, lead.T, strict=True
            )
        ]
        return tuple(sorted(found, key=lambda each: (-each.right, -each.lead)))

    def _class_texts(self, run: Run, place: int) -> tuple[Any, Floats]:
        from workbench.worker.zero_shot_scorer import prompts_of

        prompts, texts = prompts_of(self.workspace, run)
        if texts is None:
            raise InputError(
                f"texts of run {run.key}", expected="prompts", got="a head without any"
            )
        classes = len(prompts.starts) - 1
        if not 0 <= place < classes:
            raise InputError("class", expected=f"a place below {classes}", got=str(place))
        return prompts, texts


def rivals(table: pa.Table, place: int) -> tuple[Any, Floats]:
    """Of each prediction the best class other than one: int32 (N,), and its logit (N,).

    The first of the best, or the second where the first is this class.
    """
    top = table["top"].combine_chunks()
    width = top.type.list_size
    best = top.flatten().to_numpy().reshape(-1, width)
    logits = table["scores"].combine_chunks().flatten().to_numpy().reshape(-1, width)
    second = min(1, width - 1)
    own = best[:, 0] == place
    return (
        np.where(own, best[:, second], best[:, 0]),
        np.where(own, logits[:, second], logits[:, 0]),
    )


def _leads(table: pa.Table, scores: Floats, place: int) -> tuple[Floats, Any]:
    """Logits (n, P) minus the best other one, and which of them win; alone a class always does."""
    if not len(table) or table["top"].type.list_size == 1:
        return np.zeros_like(scores), np.ones(scores.shape, dtype=bool)
    rival, level = rivals(table, place)
    lead = scores - level[:, None]
    return lead, (lead > 0) | ((lead == 0) & (place < rival)[:, None])
