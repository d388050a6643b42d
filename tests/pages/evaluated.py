"""Zero-shot runs of the small workspace, computed in this process as the worker would."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.pages.small_world import encode
from workbench.api import Workbench
from workbench.prompts.classes import ClassSet
from workbench.prompts.prompt_sets import PromptSet
from workbench.types import Floats
from workbench.worker import review_job, zero_shot_job

__all__ = ["CLASSES", "PROMPTS", "evaluate"]

CLASSES = ClassSet(("disc", "square", "red"), ("disc", "square", "cross"))
"""Crosses are asked for as "red": red discs and squares are torn, other crosses are lost."""

PROMPTS = PromptSet(templates=("a {} thing", "one {} here"))


class _Encoder:
    device = SimpleNamespace(title="cpu")
    gate = SimpleNamespace(background=lambda check: nullcontext())

    def encode_texts(self, texts: list[str]) -> Floats:
        return np.stack([encode(text) for text in texts])


class _Control:
    """Never stops, shows no progress, and has one model for all keys."""

    stopping = False
    models = SimpleNamespace(get=lambda key: _Encoder())

    def tick(self, *_: Any, **__: Any) -> None:
        pass

    def check(self) -> None:
        pass


def evaluate(bench: Workbench, model: str = "alpha", **asked: Any) -> str:
    """Evaluate ``shapes``; return the key of the run."""
    known = {"classes": CLASSES, "prompts": PROMPTS} | asked
    bench.submit_zero_shot("shapes", model, **known)
    work_off(bench)
    return bench.zero_shot_runs("shapes")[0].key


def work_off(bench: Workbench) -> None:
    """Run the job that waits."""
    job = bench.workspace.jobs.claim("w")
    assert job is not None
    runner = review_job.run if job.kind == review_job.KIND else zero_shot_job.run
    result = runner(job, bench.workspace, _Control())
    bench.workspace.jobs.finish(job.id, "w", result)
