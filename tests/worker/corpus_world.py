"""Captions in files whose counts a slow loop can check, and the jobs about them run here."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from tests.api.zero_shot_world import Control, Encoder
from tests.longtail import plain
from workbench.api import Workbench
from workbench.longtail.concepts import Concepts
from workbench.prompts.classes import ClassSet
from workbench.types import JobInfo
from workbench.worker import balance_job, count_job, synonyms_job
from workbench.worker.control import Interrupted

ANIMALS = ClassSet(
    names=("cat", "dog", "red fox", "ice cream", "newt", "cat house"),
    synonyms=(("kitten", "tabby cat"), ("hound",), (), ("sundae",), ("eft",), ()),
)
"""``newt`` is never said; ``cat house`` holds another concept."""

_WORDS = ("a", "the", "with", "category", "red", "fox", "Cat", "cats", "kitten", "DOG", "hound")
_WORDS += ("ice", "cream", "sundae", "tabby", "house", "dogs", "and")
_JOBS = {job.KIND: job.run for job in (count_job, synonyms_job, balance_job)}


class Stopping(Control):
    """Ends the job as a stopping worker does, at a tick."""

    def __init__(self, after: int) -> None:
        super().__init__(Encoder())
        self.left = after

    def tick(self, done=None, total=None, message=None, *, device=None):
        self.left -= 1
        if self.left < 0:
            raise Interrupted("the worker stops")


def captions(count: int, seed: int = 0) -> list[str]:
    """Sentences of few words, some of them empty."""
    chance = random.Random(seed)
    return [" ".join(chance.choices(_WORDS, k=chance.randrange(0, 7))) for _ in range(count)]


def write(folder: Path, *sizes: int) -> list[Path]:
    """One text file for each size; all captions of them by ``said``."""
    folder.mkdir(exist_ok=True)
    paths = []
    for number, size in enumerate(sizes):
        path = folder / f"{number}.txt"
        path.write_text("".join(f"{line}\n" for line in captions(size, number)), "utf-8")
        paths.append(path)
    return paths


def said(*sizes: int) -> list[str]:
    """The captions that ``write`` wrote, in order."""
    return [line for number, size in enumerate(sizes) for line in captions(size, number)]


def concepts(classes: ClassSet = ANIMALS, *, synonyms: bool = True) -> Concepts:
    return Concepts.of(classes.names, classes.synonyms if synonyms else ())


def alone(texts: list[str], of: Concepts, rule: str, **told: Any) -> Any:
    """For each term the captions that have it and no other concept but by its own words."""

    def names(text: str, term: str) -> bool:
        return plain.named(text, term, rule, **told)

    def beside(text: str, own: str, terms: tuple[str, ...]) -> bool:
        return any(
            names(text, term) and not (names(own, term) and not names(term, own)) for term in terms
        )

    return [
        sum(
            names(text, term)
            and not any(beside(text, term, also) for also in of.terms if also is not terms)
            for text in texts
        )
        for terms in of.terms
        for term in terms
    ]


def claimed(bench: Workbench, job: JobInfo) -> JobInfo:
    """The job that waits, now with this worker."""
    found = bench.workspace.jobs.claim("test")
    assert found is not None and found.id == job.id
    return found


def perform(bench: Workbench, job: JobInfo, control: Any = None) -> str:
    """Run a job; the key of its run. A job that fails is noted as failed."""
    job, jobs = claimed(bench, job), bench.workspace.jobs
    try:
        result = _JOBS[job.kind](job, bench.workspace, control or Control(Encoder()))
    except Interrupted:
        jobs.release(job.id, "test")
        raise
    except Exception as error:
        jobs.fail(job.id, "test", str(error))
        raise
    jobs.finish(job.id, "test", result)
    return result["run"]
