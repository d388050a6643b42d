"""The head of a zero-shot run that was made, ready to score again; imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import UnknownName
from workbench.heads.head import ArrayImages, LinearScorer, Material, Scorer
from workbench.methods import method
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import Prompts, PromptSet, expand
from workbench.types import Floats
from workbench.worker.zero_shot_texts import differences, kept

if TYPE_CHECKING:
    from store.runs import Run
    from store.workspace import Workspace

__all__ = ["classes_of", "prompts_of", "scorer_of"]


def classes_of(workspace: Workspace, run: Run) -> ClassSet:
    """The class set of a run."""
    return ClassSet.from_json(workspace.sets.get("classes", run.params["classes"]))


def prompts_of(workspace: Workspace, run: Run) -> tuple[Prompts, Floats | None]:
    """The texts of a run, and their vectors as they were kept: float32 (T, D)."""
    asked = PromptSet.from_json(workspace.sets.get("prompts", run.params["prompts"]))
    prompts = expand(classes_of(workspace, run), asked)
    return prompts, kept(workspace, run.params["model"], prompts.texts)


def scorer_of(
    workspace: Workspace, run: Run, prompts: Prompts, texts: Floats | None
) -> Scorer | None:
    """The head as the run had it; None where its scores are no sums over prompts.

    What a transductive head learned from the images is in the run's table ``factors``.
    """
    if texts is None:
        return None
    card = workspace.catalog.model(run.params["model"])
    if "factors" in run.tables:
        factors = workspace.runs.table(run, "factors")["factor"].to_numpy()
        weights = np.add.reduceat(texts * factors[:, None], prompts.starts[:-1], axis=0)
        return LinearScorer(
            weights, card.logit_scale, card.logit_bias or 0.0, texts, factors, prompts.starts
        )
    head = method(run.params["head"])
    if head.transductive or head.needs - {"prompts", "aligned", "bias", "pairs"}:
        return None
    none = ArrayImages(np.empty((0, texts.shape[1]), dtype=np.float32))
    material = Material(
        none,
        texts,
        prompts.starts,
        card.logit_scale,
        card.logit_bias,
        pairs=_pairs(workspace, run),
    )
    scorer: Scorer = head.prepare(material, head.build(run.params["options"]))
    return scorer


def _pairs(workspace: Workspace, run: Run) -> tuple[Floats, Floats] | None:
    """The directions of a run's pairs of texts, whose vectors were kept with it."""
    given = run.params.get("pairs")
    if given is None:
        return None

    def encode(texts: list[str]) -> Floats:
        found = kept(workspace, run.params["model"], texts)
        if found is None:
            raise UnknownName("text vectors of run", run.key, [])
        return found

    return differences(given, encode)
