"""Blocks that do not divide the images, and vectors of prompts that are kept."""

from __future__ import annotations

import numpy as np
import pytest

from tests.api.toys import MODEL
from tests.api.zero_shot_world import Control, Encoder, evaluate, fill
from workbench.api import open_workspace
from workbench.errors import Cancelled, InputError, UnknownName
from workbench.worker import zero_shot_scoring
from workbench.worker.zero_shot_job import run
from workbench.worker.zero_shot_question import KIND
from workbench.worker.zero_shot_texts import kept, text_vectors


def _predictions(folder, images):
    with open_workspace(folder) as bench:
        fill(bench, images)
        run = bench.workspace.runs.get(evaluate(bench))
        return bench.workspace.runs.table(run, "predictions"), run.result["measures"]


@pytest.mark.parametrize("block", [1, 3, 7])
def test_the_size_of_a_block_changes_nothing(tmp_path, monkeypatch, block):
    whole, measures = _predictions(tmp_path / "whole", tmp_path / "images")
    monkeypatch.setattr(zero_shot_scoring, "BLOCK", block)
    parted, again = _predictions(tmp_path / "parted", tmp_path / "images")
    assert parted.num_rows == 8
    for name in ("row", "truth", "rank", "top"):
        assert parted[name].to_pylist() == whole[name].to_pylist()
    assert parted["margin"].to_pylist() == pytest.approx(whole["margin"].to_pylist(), abs=1e-5)
    assert again["top1"] == measures["top1"]


def test_texts_are_encoded_once_and_kept_in_their_order(tmp_path):
    encoder = Encoder()
    texts = ["a dog", "a cat", "a dog"]
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
        assert kept(bench.workspace, MODEL.key, texts) is None
        found = text_vectors(bench.workspace, Control(encoder), MODEL.key, texts)
        np.testing.assert_array_equal(found[0], found[2])
        again = text_vectors(bench.workspace, Control(encoder), MODEL.key, texts)
        assert encoder.asked == ["a dog", "a cat"]
        np.testing.assert_array_equal(found, again)
        assert kept(bench.workspace, MODEL.key, texts[::-1][1:]) is None


def test_a_run_that_is_cancelled_leaves_nothing(tmp_path, monkeypatch):
    def stop(*_, **__):
        raise Cancelled("stopped")

    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
        monkeypatch.setattr("workbench.worker.zero_shot_job.score", stop)
        with pytest.raises(Cancelled):
            evaluate(bench)
        assert bench.zero_shot_runs() == ()


def test_vectors_that_are_not_finite_stop_the_run_and_name_their_place(tmp_path, monkeypatch):
    with open_workspace(tmp_path / "space") as bench:
        fill(bench, tmp_path / "images")
        take = bench.workspace.vectors.take

        def broken(*asked):
            found = take(*asked).copy()
            found[3] = np.nan
            return found

        monkeypatch.setattr(bench.workspace.vectors, "take", broken)
        with pytest.raises(InputError, match=r"images of pets.*finite"):
            evaluate(bench)
        assert bench.zero_shot_runs() == ()


def test_a_run_may_be_asked_for_before_its_dataset_is_there(tmp_path):
    """As the sample's first run: the same answer, and the same key, as when asked for later."""
    with open_workspace(tmp_path / "space") as bench:
        asked = {"ask": {"dataset": "pets", "model": "toy", "head": "similarity"}}
        early = bench.workspace.jobs.submit(KIND, asked, title="early", unit="images")
        claimed = bench.workspace.jobs.claim("test")
        with pytest.raises(UnknownName, match="pets"):
            run(claimed, bench.workspace, Control(Encoder()))
        fill(bench, tmp_path / "images")
        key = run(claimed, bench.workspace, Control(Encoder()))["run"]
        bench.workspace.jobs.finish(early.id, "test", {"run": key})
        assert evaluate(bench, head="similarity") == key
