"""Retrieval of the small world, worked out by hand; kept once, read back with its failures.

Images: apple-1 (1, 0), apple-2 (.9, 0), pear (.6, .8), car (0, 1), blank (0, 0).
Captions: 0 "a red apple" -> apple-1, 1 "fruit" (.8, 0) -> apple-1, 2 "a red apple" -> apple-2,
3 "a green pear" -> pear, 4 "a car" -> car. The rest of each vector lies in z.
"""

from __future__ import annotations

import pyarrow as pa
import pytest

from tests.api.toys import MODEL
from workbench.api import DIRECTIONS
from workbench.errors import InputError
from workbench.filters import parse
from workbench.worker import retrieval_job


class Still:
    """A control that never stops."""

    def tick(self, done=None, total=None, message=None, *, device=None):
        pass


def evaluate(bench):
    job = bench.submit_evaluate_retrieval("toys", "toy")
    claimed = bench.workspace.jobs.claim("test")
    assert claimed.id == job.id
    result = retrieval_job.run(claimed, bench.workspace, Still())
    bench.workspace.jobs.finish(job.id, "test", result)
    return result


def test_measures_in_both_directions(bench):
    assert bench.retrieval_result("toys", "toy") is None
    evaluate(bench)
    report = bench.retrieval_result("toys", "toy")
    # Captions 0, 3 and 4 find their image first. Caption 2 finds apple-1 (cosine 1) before its own
    # apple-2 (0.9). Caption 1, (.8, 0, .6): apple-1 .8; apple-2 .72 + .436 * .6 = .982; so it
    # fails too.
    up = report.measures["text-to-image"]
    assert up["n"] == 5
    assert up["recall@1"] == pytest.approx(3 / 5)
    assert up["recall@5"] == 1
    assert report.tolerant["text-to-image"]["recall@1"] == pytest.approx(4 / 5)
    # Image to text: apple-1 meets captions 0 and 2 at 1.0: a tie of its own with the equal text.
    # apple-2: fruit .982 before a red apple .9. pear and car find theirs. blank asks nothing.
    down = report.measures["image-to-text"]
    assert down["n"] == 4
    assert down["recall@1"] == pytest.approx((0.5 + 0 + 1 + 1) / 4)
    assert report.tolerant["image-to-text"]["recall@1"] == pytest.approx(3 / 4)
    assert (report.repeated, report.without_caption, report.current) == (2, 1, True)
    for way in DIRECTIONS:
        assert sum(count for _, count in report.ranks[way]) == report.measures[way]["n"]
        low, high = report.intervals[way]["recall@1"]
        assert low <= report.measures[way]["recall@1"] <= high


def test_failures_name_what_beat_the_truth(bench):
    evaluate(bench)
    page = bench.retrieval_failures("toys", "toy")
    assert (page.total, page.of, page.offset) == (2, 5, 0)
    first, second = page.rows
    assert (first.query, first.item, first.rank) == ("fruit", "apple-1", 2)
    assert [hit.item for hit in first.distractors] == ["apple-2"]
    assert first.same_text == (False,)
    assert (second.query, second.item) == ("a red apple", "apple-2")
    assert [hit.item for hit in second.distractors] == ["apple-1"]
    assert second.same_text == (True,)
    assert second.truth_score == pytest.approx(0.9, abs=1e-6)
    assert second.distractors[0].score == pytest.approx(1.0, abs=1e-6)


def test_images_that_ask_fail_with_captions(bench):
    evaluate(bench)
    page = bench.retrieval_failures("toys", "toy", "image-to-text")
    found = {row.query: [hit.caption for hit in row.distractors] for row in page.rows}
    assert found == {"apple-1": ["a red apple"], "apple-2": ["fruit"]} or found == {
        "apple-1": ["a red apple"],
        "apple-2": ["fruit", "a red apple"],
    }
    assert page.of == 4


def test_failures_are_filtered_and_paged(bench):
    evaluate(bench)
    line = bench.retrieval_failures("toys", "toy", where=(parse("style=line"),))
    assert [row.item for row in line.rows] == ["apple-2"]
    assert (line.total, line.of) == (1, 1)
    second = bench.retrieval_failures("toys", "toy", limit=1, offset=1)
    assert (len(second.rows), second.total) == (1, 2)
    assert second.table.num_rows == 1
    assert bench.retrieval_failures("toys", "toy", offset=9).rows == ()


def test_the_same_question_is_answered_once(bench, monkeypatch):
    first = evaluate(bench)
    monkeypatch.setattr(retrieval_job, "retrieval", None)  # computing again would fail
    assert evaluate(bench) == first
    assert len(bench.workspace.runs.list()) == 1


def test_a_dataset_that_grew_needs_a_new_evaluation(bench):
    evaluate(bench)
    bench.workspace.tables.append("toys", pa.Table.from_pylist([{"item": "new"}]))
    assert not bench.retrieval_result("toys", "toy").current
    with pytest.raises(InputError, match="workbench embed --dataset toys --model toy"):
        bench.submit_evaluate_retrieval("toys", "toy")


def test_a_job_for_an_older_version_is_refused(bench):
    job = bench.submit_evaluate_retrieval("toys", "toy")
    bench.workspace.tables.append("toys", pa.Table.from_pylist([{"item": "new"}]))
    with pytest.raises(InputError, match="ask for the evaluation again"):
        retrieval_job.run(job, bench.workspace, Still())


def test_what_cannot_be_evaluated_is_refused_at_once(bench):
    with pytest.raises(InputError, match="workbench evaluate retrieval"):
        bench.retrieval_failures("toys", "toy")
    bench.workspace.catalog.ensure_dataset("bare", importer="test", source="x", info={})
    bench.workspace.tables.append("bare", pa.Table.from_pylist([{"item": "a"}]))
    with pytest.raises(InputError, match="captions"):
        bench.submit_evaluate_retrieval("bare", MODEL.name)
