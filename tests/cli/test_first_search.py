"""The first minutes in an empty folder, with the real worker and the sample world."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tarfile

import pytest

import sample_data
from tests.api.toys import png
from workbench.api import Query, open_workspace
from workbench.settings import REPOSITORY

pytestmark = pytest.mark.skipif(
    not (sample_data.test_shards() and (sample_data.models_dir() / "glyph-clip").is_dir()),
    reason="the sample world is not checked out: sample_data/test and sample_data/models",
)

SEARCH = ("search", "a red apple", "--dataset", "test", "--model", "glyph-clip", "-k", "5")


def workbench(folder, *words, **options):
    """Run the command as a person does, in a folder of theirs."""
    environment = {k: v for k, v in os.environ.items() if k != "WORKBENCH_WORKSPACE"}
    return subprocess.run(
        [sys.executable, "-m", "workbench", *words],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
        **options,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("person")
    yield path
    workbench(path, "worker", "stop")


@pytest.fixture(scope="module")
def first(folder):
    return workbench(folder, *SEARCH, "--json", timeout=900)


def test_the_first_search_makes_the_workspace_and_brings_apples(first, folder):
    assert first.returncode == 0, first.stderr
    found = json.loads(first.stdout)
    assert [hit["rank"] for hit in found] == [1, 2, 3, 4, 5]
    assert [hit["concept"] for hit in found[:3]] == ["red apple"] * 3  # all there are in this style
    assert {"item", "score", "concept", "style", "background", "size"} <= set(found[0])
    assert (folder / "workspace" / "state.sqlite").exists()


def test_progress_goes_to_stderr(first):
    assert "Import the sample test images" in first.stderr
    assert "Embed test with glyph-clip" in first.stderr


def test_a_notebook_answers_the_same_meanwhile_and_loads_no_torch(first, folder):
    with open_workspace(folder / "workspace") as bench:
        result = bench.search(Query("a red apple"), dataset="test", model="glyph-clip", k=5)
    shown = json.loads(first.stdout)
    assert [hit.item for hit in result.hits] == [hit["item"] for hit in shown]
    assert [round(hit.score, 6) for hit in result.hits] == [hit["score"] for hit in shown]
    code = (
        "import sys; from workbench.api import *\n"
        f"with open_workspace({str(folder / 'workspace')!r}) as bench:\n"
        "    bench.search(Query('a dog'), dataset='test', model='glyph-clip')\n"
        "print('torch' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "False"


def test_an_image_finds_the_same_concept_in_other_styles(first, folder):
    """The image of a concept in the photo style, against every image of another style."""
    with open_workspace(folder / "workspace") as bench:
        seed = json.loads(first.stdout)[0]
        found = bench.search(
            Query(item=("test", seed["row"])), dataset="test", model="glyph-clip", k=10
        )
        assert found.hits[0].item == seed["item"]
        assert found.hits[0].score == pytest.approx(1, abs=2e-3)  # vectors are kept as float16
        again = bench.search(
            Query(image=bench.image("test", seed["row"])), dataset="test", model="glyph-clip", k=1
        )
    assert again.hits[0].item == seed["item"]


def test_retrieval_on_scenes_is_evaluated_and_kept(first, folder):
    with open_workspace(folder / "workspace") as bench:
        for job in bench.preparing("scenes", "glyph-clip"):
            assert bench.wait(job.id, timeout=300).state == "done"
    words = (
        "evaluate",
        "retrieval",
        "-d",
        "scenes",
        "-m",
        "glyph-clip",
        "--failures",
        "3",
        "--json",
    )
    run = workbench(folder, *words, timeout=120)
    assert run.returncode == 0, run.stderr
    answer = json.loads(run.stdout)
    measures = answer["report"]["measures"]
    assert measures["text-to-image"]["n"] == 2000
    assert measures["image-to-text"]["n"] == 1000
    for way in measures.values():
        assert 0.01 < way["recall@1"] <= way["recall@5"] <= way["recall@10"] <= 1
    assert len(answer["failures"]["rows"]) == 3
    with open_workspace(folder / "workspace") as bench:
        before = len(bench.jobs(limit=1000))
        assert workbench(folder, *words).stdout == run.stdout
        assert len(bench.jobs(limit=1000)) == before


def test_ctrl_c_leaves_the_job_in_the_worker(first, folder, tmp_path):
    with tarfile.open(tmp_path / "many.tar", "w") as tar:
        for number in range(30_000):
            member = tarfile.TarInfo(f"{number:06d}.png")
            member.size = len(png())
            tar.addfile(member, io.BytesIO(png()))
    space = folder / "workspace"
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", "import", str(tmp_path / "many.tar"), "-d", "many",
         "--workspace", str(space)],
        cwd=REPOSITORY,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    with open_workspace(space) as bench:
        for job in bench.jobs(("queued", "running"), limit=1000):
            if job.kind != "import":
                bench.cancel(job.id)  # the sample's second model would be first in the queue
        assert "many" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
        (job,) = [job for job in bench.jobs() if job.params.get("dataset") == "many"]
        assert process.returncode == 130
        assert f"workbench jobs cancel {job.id}" in said
        assert bench.cancel(job.id).state == "running"
        assert bench.wait(job.id, timeout=30).state == "cancelled"
