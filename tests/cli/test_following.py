"""Waiting for jobs: the bar, the exit status, and what Ctrl-C does."""

from __future__ import annotations

import io
import threading
import time
from dataclasses import replace

import pytest

from tests.api.toys import ITEMS, MODEL, unit
from workbench.api import Workbench, open_workspace
from workbench.cli import main
from workbench.cli.following import Progress, bar
from workbench.errors import WorkerError


class Worker(threading.Thread):
    """Ends every queued job in the way it is told; stands for the worker process."""

    def __init__(self, root, end):
        super().__init__(daemon=True)
        self.root, self.end, self.stop = root, end, threading.Event()

    def run(self):
        with open_workspace(self.root) as bench:
            while not self.stop.is_set():
                job = bench.workspace.jobs.claim("w")
                if job is not None:
                    bench.workspace.jobs.beat(job.id, "w", done=3, total=4, rate=2.0, device="cpu")
                    self.end(bench.workspace.jobs, job)
                time.sleep(0.02)


@pytest.fixture
def working(space, monkeypatch):
    monkeypatch.setattr(Workbench, "wait_worker", lambda self, timeout=60.0: None)
    started = []

    def start(end):
        worker = Worker(space, end)
        worker.start()
        started.append(worker)

    yield start
    for worker in started:
        worker.stop.set()
        worker.join()


def test_a_finished_job_ends_with_0(ask, working):
    working(lambda jobs, job: jobs.finish(job.id, "w", {"n": 3}))
    status, answer, err = ask("embed")
    assert (status, answer["job"]["state"], answer["job"]["result"]) == (0, "done", {"n": 3})
    assert "Embed toys with toy" in err


def test_a_failed_job_ends_with_1_and_says_where_to_look(ask, working):
    working(lambda jobs, job: jobs.fail(job.id, "w", "the weights melted"))
    status, answer, err = ask("index", "--side", "image")
    number = answer["jobs"][0]["id"]
    assert (status, answer["jobs"][0]["state"]) == (1, "failed")
    assert "the weights melted" in err
    assert f"workbench jobs log {number}" in err


@pytest.fixture
def other(space):
    """A second model, whose vectors a job will bring."""
    with open_workspace() as bench:
        bench.workspace.catalog.add_model(replace(MODEL, key="bbbb2222", name="other"))
        bench.submit_embed("toys", "other", ["image"])


OTHER = ("search", "apple", "--dataset", "toys", "--model", "other")


def test_search_waits_for_a_job_that_brings_its_vectors(ask, working, other, space):
    def embed(jobs, job):
        time.sleep(0.3)
        with open_workspace(space) as bench:
            vectors = unit([item[3] for item in ITEMS])
            bench.workspace.vectors.write("toys", "bbbb2222", "image", 0, vectors)
        jobs.finish(job.id, "w")

    working(embed)
    status, found, err = ask(*OTHER)
    assert (status, found[0]["item"]) == (0, "apple-1")
    assert "Preparing" in err


def test_search_uses_what_is_embedded_so_far(ask, other, space):
    with open_workspace(space) as bench:
        bench.workspace.vectors.write("toys", "bbbb2222", "image", 2, unit([(0.6, 0.8)]))
    status, found, err = ask(*OTHER)
    assert (status, [hit["item"] for hit in found]) == (0, ["pear"])
    assert "20% of the images" in err


def test_search_says_which_preparation_failed(ask, working, other):
    def slowly(jobs, job):
        time.sleep(0.3)
        jobs.fail(job.id, "w", "no room")

    working(slowly)
    status, found, err = ask(*OTHER)
    assert (status, found) == (1, None)
    assert "no room" in err


def test_no_worker_ends_with_3(space, monkeypatch, capsys):
    def nobody(self, timeout=60.0):
        raise WorkerError("the worker did not start")

    monkeypatch.setattr(Workbench, "wait_worker", nobody)
    assert main(["embed"]) == 3
    assert "did not start" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "state"), [([], "queued"), (["--cancel-on-interrupt"], "cancelled")]
)
def test_ctrl_c_says_what_becomes_of_the_job(space, monkeypatch, capsys, option, state):
    def interrupted(self, timeout=60.0):
        raise KeyboardInterrupt

    monkeypatch.setattr(Workbench, "wait_worker", interrupted)
    assert main(["index", "--side", "image", *option]) == 130
    with open_workspace() as bench:
        (job,) = bench.jobs()
    assert job.state == state
    err = capsys.readouterr().err
    assert (f"workbench jobs cancel {job.id}" in err) == (state == "queued")
    assert (f"workbench jobs retry {job.id}" in err) == (state == "cancelled")


def test_a_bar_names_counts_rate_and_time_left(space):
    with open_workspace() as bench:
        bench.submit_index("toys", "toy")
        job = bench.workspace.jobs.claim("w")
        bench.workspace.jobs.beat(job.id, "w", done=25, total=100, rate=2.5)
        line = bar(bench.job(job.id), width=8)
    assert line == ("Index images of toys by toy  [##......]  25 of 100 vectors  2.5/s  30 s left")


def test_a_terminal_gets_one_moving_line_and_a_log_file_gets_few(space, monkeypatch):
    class Terminal(io.StringIO):
        encoding = "ascii"

        def isatty(self):
            return True

    with open_workspace() as bench:
        job = bench.submit_index("toys", "toy")
    for stream, breaks in ((Terminal(), 1), (io.StringIO(), 1)):
        monkeypatch.setattr("sys.stderr", stream)
        progress = Progress()
        for _ in range(5):
            progress(job)
        progress.end()
        assert stream.getvalue().count("\n") == breaks
        assert "[......" in stream.getvalue() or "[░░" in stream.getvalue()
