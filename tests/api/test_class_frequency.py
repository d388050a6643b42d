"""How often captions name the classes of a run: beside its accuracies."""

from __future__ import annotations

import pytest

from tests.api.zero_shot_world import Control, Encoder, evaluate, fill
from workbench.api import open_workspace
from workbench.errors import UnknownName
from workbench.prompts.classes import ClassSet
from workbench.worker import count_job

CLASSES = ClassSet(("cat", "dog", "fox"))


def test_a_class_is_counted_once_somebody_counted_its_set(tmp_path):
    (tmp_path / "web.txt").write_text("a cat\na cat and a dog\nnothing\n")
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
        run = evaluate(bench, classes=CLASSES)
        assert bench.class_frequency(run) is None
        bench.add_corpus("web", tmp_path / "web.txt")
        bench.submit_count("web", classes=CLASSES)
        job = bench.workspace.jobs.claim("w")
        count_job.run(job, bench.workspace, Control(Encoder()))
        assert bench.class_frequency(run) == ("web · words · with synonyms", (2, 1, 0))
        with pytest.raises(UnknownName):
            bench.class_frequency("nothing")
