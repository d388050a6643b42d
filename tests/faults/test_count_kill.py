"""kill -9 of the worker while it counts a corpus of many files: the counts are those of one go."""

from __future__ import annotations

import os
import random
import signal
import time

import pytest

from store import doctor, gc
from tests.faults.test_worker_kill import Forker, until
from tests.worker.corpus_world import ANIMALS, perform, write
from workbench.api import open_workspace
from workbench.prompts.classes import ClassSet

FILES, LINES, KILLS, LATEST, SEED = 60, 2_000, 8, 0.3, 7
CONCEPTS = ClassSet(
    (*ANIMALS.names, *(f"thing {n}" for n in range(300))), synonyms=(*ANIMALS.synonyms, *[()] * 300)
)
ASKED = {"classes": CONCEPTS, "rule": "lemmas", "options": {"skip_unknown": True}}

pytestmark = pytest.mark.faults


def uninterrupted(root, files):
    """The same count of the same files in one go."""
    with open_workspace(root) as bench:
        bench.add_corpus("words", files)
        return everything(bench, perform(bench, bench.submit_count("words", **ASKED)))


def everything(bench, key):
    run = bench.workspace.runs.get(key)
    told = {name: value for name, value in run.result.items() if name != "seconds"}
    return told, {name: bench.workspace.runs.table(run, name) for name in run.tables}


def parts(bench):
    return len(bench.workspace.runs.list("count-shard"))


def test_a_count_survives_kills(tmp_path):
    files = write(tmp_path / "files", *[LINES] * FILES)
    wanted = uninterrupted(tmp_path / "whole", files)
    assert wanted[0]["skip"] and wanted[0]["captions"] == FILES * LINES  # so there are two passes
    chance = random.Random(SEED)
    with open_workspace(tmp_path / "space") as bench:
        bench.add_corpus("words", files)
        job = bench.submit_count("words", **ASKED).id
        forker, under_way, progress = Forker(tmp_path / "space"), 0, []
        try:
            for kill in range(KILLS):
                worker, before = forker.worker(), parts(bench)
                until(lambda k=kill: bench.job(job).attempts > k, "the claim")
                if kill % 2:  # the others may hit before the first file
                    until(lambda n=before: parts(bench) > n or bench.counts(), "a file")
                time.sleep(chance.uniform(0, LATEST))
                under_way += bench.job(job).state == "running"
                os.kill(worker, signal.SIGKILL)
                progress.append(parts(bench))
            worker = forker.worker()
            until(bench.counts, "the counts")
            os.kill(worker, signal.SIGKILL)  # while the files' own counts are dropped
            last = forker.worker()
            until(lambda: bench.job(job).state == "done", "the end of the job")
            os.kill(last, signal.SIGTERM)
        finally:
            forker.close()
        assert under_way >= KILLS // 2, progress  # so many hit the middle
        rising = progress[: progress.index(max(progress)) + 1]  # none is lost before the end
        assert rising == sorted(rising) and 0 < rising[-1] < 2 * FILES
        (run,) = bench.counts()
        told, tables = everything(bench, run.key)
        assert told == wanted[0]
        assert tables == wanted[1]
        assert parts(bench) == 0
        assert [each for each in doctor.check(bench.workspace) if not each.harmless] == []
        gc.collect(bench.workspace)
        assert doctor.check(bench.workspace) == ()
